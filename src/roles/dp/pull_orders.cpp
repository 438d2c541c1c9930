#include "roles/dp/pull_orders.hpp"

#include <unistd.h>

#include <cerrno>

#include "base/log.hpp"
#include "base/random.hpp"

namespace fp::dp {
namespace {
constexpr Backoff kRetry{2000, 5 * 60'000};
}  // namespace

Result<std::unique_ptr<PullOrders>> PullOrders::open(const Path& folder) {
  FP_CHECK(make_dirs(folder));
  std::unique_ptr<PullOrders> out(new PullOrders(folder));
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->path().extension() != ".json") {
      ::unlink(it->path().c_str());  // the temporary file of a write that was cut off
      continue;
    }
    const auto text = read_file(it->path(), 1U << 20);
    const auto order = text ? wire::decode_pull_order(*text) : Result<wire::PullOrder>(std::unexpected(text.error()));
    if (order) out->orders_.emplace(order->content_id, *order);
    else log::error("dp.pull", "{}: {}", it->path().native(), order.error().message);
  }
  if (error) return fail(Code::io, "reading folder {}: {}", folder.native(), error.message());
  return out;
}

Status PullOrders::put(const wire::PullOrder& order) {
  std::lock_guard lock(mutex_);
  FP_CHECK(write_file(folder_ / (order.content_id + ".json"), wire::encode_pull_order(order)));
  orders_[order.content_id] = order;
  failures_.erase(order.content_id);
  return {};
}

Status PullOrders::remove(std::string_view content_id) {
  std::lock_guard lock(mutex_);
  const auto found = orders_.find(content_id);
  if (found == orders_.end()) return {};
  const Path path = folder_ / (found->first + ".json");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("removing", path.native());
  FP_CHECK(sync_dir(folder_));
  failures_.erase(found->first);
  orders_.erase(found);
  return {};
}

std::vector<wire::PullOrder> PullOrders::all() const {
  std::lock_guard lock(mutex_);
  std::vector<wire::PullOrder> out;
  for (const auto& [id, order] : orders_) out.push_back(order);
  return out;
}

bool PullOrders::has(std::string_view content_id) const {
  std::lock_guard lock(mutex_);
  return orders_.contains(content_id);
}

void PullOrders::set_problem(std::string_view content_id, std::string problem, std::int64_t now_ms) {
  std::lock_guard lock(mutex_);
  if (!orders_.contains(content_id)) return;
  Failure& failure = failures_[std::string(content_id)];
  SeededRandom draw(std::hash<std::string_view>{}(content_id) + static_cast<std::uint64_t>(failure.attempts));
  failure.problem = std::move(problem);
  failure.next_ms = now_ms + kRetry.delay_ms(failure.attempts++, draw);
}

std::string PullOrders::problem(std::string_view content_id) const {
  std::lock_guard lock(mutex_);
  const auto found = failures_.find(content_id);
  return found == failures_.end() ? std::string{} : found->second.problem;
}

bool PullOrders::due(std::string_view content_id, std::int64_t now_ms) const {
  std::lock_guard lock(mutex_);
  const auto found = failures_.find(content_id);
  return found == failures_.end() || found->second.next_ms <= now_ms;
}

}  // namespace fp::dp
