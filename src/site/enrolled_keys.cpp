#include "site/enrolled_keys.hpp"

#include <vector>

namespace fp::site {
namespace {

template <class T>
Result<std::optional<T>> or_nothing(Result<T> found) {
  if (found) return std::optional<T>(std::move(*found));
  if (found.error().code == Code::not_found) return std::optional<T>();
  return std::unexpected(found.error());
}

}  // namespace

Result<std::optional<Enrollment>> enrollment_of(store::Repositories& r, std::string_view key_fingerprint) {
  return or_nothing(r.enrollments.find_by_key(key_fingerprint));
}

Result<std::optional<Device>> device_of_key(store::Repositories& r, std::string_view key_fingerprint) {
  std::string key(key_fingerprint);
  for (std::size_t n = 0; n < kLineageMax && !key.empty(); ++n) {
    FP_TRY(device, or_nothing(r.devices.find_by_key(key)));
    if (device) return device;
    FP_TRY(enrolled, enrollment_of(r, key));
    if (!enrolled) break;
    key = enrolled->replaces_fingerprint;
  }
  return std::optional<Device>();
}

Result<std::set<std::string>> lineage_of(store::Repositories& r, const std::string& key_fingerprint) {
  std::set<std::string> out;
  std::vector<std::string> open{key_fingerprint};
  while (!open.empty() && out.size() < kLineageMax) {
    const std::string key = std::move(open.back());
    open.pop_back();
    if (key.empty() || !out.insert(key).second) continue;
    FP_TRY(enrolled, enrollment_of(r, key));
    if (enrolled) open.push_back(enrolled->replaces_fingerprint);
    FP_TRY(renewals, r.enrollments.renewals_of(key));
    for (const auto& renewal : renewals) open.push_back(renewal.key_fingerprint);
  }
  return out;
}

}  // namespace fp::site
