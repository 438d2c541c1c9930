// A bounded pool of threads for what may block: roles, certificate checks, pages that are not resident. Any thread posts.
// A job costs one lock and at most one wake-up. It never grows and never drops a job that it accepted.
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

  const std::size_t queue_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> queue_;
  std::size_t sleeping_ = 0;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace fp::net
