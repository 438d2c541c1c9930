// What the site told this distribution point about bridged requests: the capability key and who is blocked. Kept in one file,
// 0600, so that it holds over a restart. Any thread; asking costs a lock and a lookup. Never: a request through a bridging proxy
// before the site has spoken for the first time (the key is empty then).
#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "base/file.hpp"
#include "base/result.hpp"
#include "wire/dp_trust.hpp"

namespace fp::dp {

class DeliveredTrust {
 public:
  // A file that is not there is no error. Code::corrupt: it is damaged.
  [[nodiscard]] static Result<std::unique_ptr<DeliveredTrust>> open(const Path& file);

  // From the site: kept on the disk first, then believed. Called after a change: `changed` of on_change().
  [[nodiscard]] Status put(const wire::DpTrust& trust);
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }  // before any request

  [[nodiscard]] std::string key() const;  // empty: the site has not delivered one
  [[nodiscard]] bool blocked(const std::string& client_id) const;
  [[nodiscard]] std::set<std::string> fingerprints() const;

 private:
  explicit DeliveredTrust(Path file) : file_(std::move(file)) {}
  void take(wire::DpTrust trust);

  Path file_;
  std::function<void()> changed_;
  std::mutex writing_;
  mutable std::mutex mutex_;
  std::string key_;
  std::set<std::string> clients_, fingerprints_;
};

}  // namespace fp::dp
