// A promise that a write is on the disk. The role that wrote answers at once with its response and the ticket; `net`
// sends the response when the ticket is durable (design §3), so many requests share one commit. Any thread.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.hpp"

namespace fp {

class Ticket {
 public:
  Ticket() = default;  // nothing was written: durable already
  [[nodiscard]] static Ticket pending() { Ticket t; t.state_ = std::make_shared<State>(); return t; }

  // Called once by the writer.
  void settle(Status outcome) {
    std::vector<std::function<void(const Status&)>> waiters;
    {
      std::lock_guard lock(state_->mutex);
      state_->outcome = std::move(outcome);
      waiters.swap(state_->waiters);
    }
    state_->settled.notify_all();
    for (auto& w : waiters) w(*state_->outcome);
  }
  // Runs `fn` when settled: now, on this thread, or later on the writer's. It must not block.
  void then(std::function<void(const Status&)> fn) const {
    if (!state_) return fn(Status{});
    {
      std::lock_guard lock(state_->mutex);
      if (!state_->outcome) {
        state_->waiters.push_back(std::move(fn));
        return;
      }
    }
    fn(*state_->outcome);
  }
  [[nodiscard]] Status wait() const {
    if (!state_) return {};
    std::unique_lock lock(state_->mutex);
    state_->settled.wait(lock, [&] { return state_->outcome.has_value(); });
    return *state_->outcome;
  }

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable settled;
    std::optional<Status> outcome;
    std::vector<std::function<void(const Status&)>> waiters;
  };
  std::shared_ptr<State> state_;
};

}  // namespace fp
