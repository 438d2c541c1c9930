// What a pull distribution point was told to fetch, kept in files so that it survives a restart: <folder>/<content id>.json.
// Any thread. Each change is a durable write of one small file.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/result.hpp"
#include "wire/dp_link.hpp"

namespace fp::dp {

class PullOrders {
 public:
  [[nodiscard]] static Result<std::unique_ptr<PullOrders>> open(const Path& folder);
  [[nodiscard]] Status put(const wire::PullOrder& order);  // replaces the one of the same content
  [[nodiscard]] Status remove(std::string_view content_id);
  [[nodiscard]] std::vector<wire::PullOrder> all() const;
  [[nodiscard]] bool has(std::string_view content_id) const;
  // Why the last try failed, and when the next one is due (steady time); in memory only, so that a restart tries at once, and so
  // does a new order. Waits grow from try to try.
  void set_problem(std::string_view content_id, std::string problem, std::int64_t now_ms);
  [[nodiscard]] std::string problem(std::string_view content_id) const;  // empty: none failed yet
  [[nodiscard]] bool due(std::string_view content_id, std::int64_t now_ms) const;

 private:
  explicit PullOrders(Path folder) : folder_(std::move(folder)) {}
  Path folder_;
  mutable std::mutex mutex_;
  std::map<std::string, wire::PullOrder, std::less<>> orders_;
  struct Failure {
    std::string problem;
    int attempts = 0;
    std::int64_t next_ms = 0;
  };
  std::map<std::string, Failure, std::less<>> failures_;
};

}  // namespace fp::dp
