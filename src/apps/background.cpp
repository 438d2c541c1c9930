#include "apps/background.hpp"

#include "base/log.hpp"

namespace fp::apps {

void Background::add(std::string name, std::int64_t every_ms, std::function<void()> work) {
  jobs_.push_back({std::move(name), every_ms, std::move(work), 0});
}

void Background::start() {
  thread_ = std::thread([this] { loop(); });
}

void Background::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Background::wake() {
  {
    std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

void Background::loop() {
  while (!stopping_) {
    const auto now = clock_.steady_ms();
    std::int64_t next = now + 3'600'000;
    for (auto& job : jobs_) {
      if (stopping_) return;
      if (job.due_at_ms <= now) {
        job.work();
        job.due_at_ms = clock_.steady_ms() + job.every_ms;
      }
      next = std::min(next, job.due_at_ms);
    }
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::milliseconds(std::max<std::int64_t>(1, next - clock_.steady_ms())),
                      [&] { return stopping_ || woken_; });
    if (woken_)
      for (auto& job : jobs_) job.due_at_ms = 0;
    woken_ = false;
  }
}

}  // namespace fp::apps
