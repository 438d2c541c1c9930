#include "roles/dp/delivered_trust.hpp"

#include "base/limits.hpp"
#include "base/log.hpp"

namespace fp::dp {

Result<std::unique_ptr<DeliveredTrust>> DeliveredTrust::open(const Path& file) {
  std::unique_ptr<DeliveredTrust> out(new DeliveredTrust(file));
  if (!file_exists(file)) return out;
  FP_TRY(text, read_file(file, limits::kDpTrustBytesMax));
  auto trust = wire::decode_dp_trust(text);
  if (!trust) return fail(Code::corrupt, "{}: {}; remove it, and the site delivers it again", file.native(), trust.error().message);
  out->take(std::move(*trust));
  return out;
}

void DeliveredTrust::take(wire::DpTrust trust) {
  const std::lock_guard lock(mutex_);
  key_ = std::move(trust.capability_key);
  clients_ = {trust.clients.begin(), trust.clients.end()};
  fingerprints_ = {trust.fingerprints.begin(), trust.fingerprints.end()};
}

Status DeliveredTrust::put(const wire::DpTrust& trust) {
  const std::lock_guard one_at_a_time(writing_);
  FP_CHECK(write_file(file_, wire::encode_dp_trust(trust), 0600));
  take(trust);
  log::info("dp", "the site told who is blocked: {} devices", trust.clients.size());
  if (changed_) changed_();
  return {};
}

std::string DeliveredTrust::key() const {
  const std::lock_guard lock(mutex_);
  return key_;
}

bool DeliveredTrust::blocked(const std::string& client_id) const {
  const std::lock_guard lock(mutex_);
  return clients_.contains(client_id);
}

std::set<std::string> DeliveredTrust::fingerprints() const {
  const std::lock_guard lock(mutex_);
  return fingerprints_;
}

}  // namespace fp::dp
