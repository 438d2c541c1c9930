// A bounded pool of threads for what may block: roles, certificate checks, pages that are not resident. Any thread posts.
// A job costs one lock and at most one wake-up: a thread that was woken wakes the next while there is more to do, so a burst of
// short jobs is done by as few threads as there are processors for, and jobs that block get more. It never grows and never drops a job that it accepted.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace fp::net {

class WorkerPool {
 public:
  using Job = std::move_only_function<void()>;

  WorkerPool(unsigned threads, std::size_t queue_max);
  ~WorkerPool();  // stop()
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] bool post(Job job);  // false: the queue is full, or the pool is stopped
  void stop();                       // runs what waits, then ends the threads

 private:
  void work();
  [[nodiscard]] bool wanted();  // whether to wake one more; with the lock

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  std::size_t sleeping_ = 0;
  bool waking_ = false;  // a thread was told, and has not come yet
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fp::net
