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
  // Why the last try failed; in memory only. Empty: none failed yet.
  void set_problem(std::string_view content_id, std::string problem);
  [[nodiscard]] std::string problem(std::string_view content_id) const;

 private:
  explicit PullOrders(Path folder) : folder_(std::move(folder)) {}
  Path folder_;
  mutable std::mutex mutex_;
  std::map<std::string, wire::PullOrder, std::less<>> orders_;
  std::map<std::string, std::string, std::less<>> problems_;
};

}  // namespace fp::dp
