#include "net/worker_pool.hpp"

namespace fp::net {

WorkerPool::WorkerPool(unsigned threads, std::size_t queue_max) : queue_max_(queue_max) {
  threads_.reserve(threads);
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

WorkerPool::~WorkerPool() { stop(); }

bool WorkerPool::post(Job job) {
  bool wake = false;
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || queue_.size() >= queue_max_) return false;
    queue_.push_back(std::move(job));
    wake = wanted();
  }
  if (wake) wake_.notify_one();
  return true;
}

void WorkerPool::stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  wake_.notify_all();
  for (auto& thread : threads_)
    if (thread.joinable()) thread.join();
}

bool WorkerPool::wanted() {
  if (queue_.empty() || sleeping_ == 0 || waking_) return false;
  waking_ = true;
  return true;
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    while (queue_.empty()) {
      if (stopped_) return;
      ++sleeping_;
      wake_.wait(lock);
      --sleeping_;
      waking_ = false;
    }
    Job job = std::move(queue_.front());
    queue_.pop_front();
    const bool wake = wanted();
    lock.unlock();
    if (wake) wake_.notify_one();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace fp::net
