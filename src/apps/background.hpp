// What a site does by itself, on two threads: one for the short and frequent (collections, revocation lists, tidying), one
// for distribution, which blocks on network and disk. Each job has its own interval; a failed one is logged and tried again.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.hpp"

namespace fp::apps {

class Background {
 public:
  struct Job {
    std::string name;
    std::int64_t every_ms = 1000;
    std::function<void()> work;
    std::int64_t due_at_ms = 0;  // first run: at once
  };
  explicit Background(const Clock& clock) : clock_(clock) {}
  ~Background() { stop(); }

  void add(std::string name, std::int64_t every_ms, std::function<void()> work);
  void start();
  void stop();           // returns when the running job has ended
  void wake();           // everything is due now
  [[nodiscard]] bool stopping() const { return stopping_; }

 private:
  void loop();
  const Clock& clock_;
  std::vector<Job> jobs_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopping_{false};
  bool woken_ = false;
};

}  // namespace fp::apps
