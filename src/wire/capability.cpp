#include "wire/capability.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kPrefix = ".cap-";
constexpr std::size_t kMacHexBytes = 64;
constexpr std::size_t kGuidBytes = 36;

std::string mac(const ContentCapability& capability, std::int64_t expiry_s, std::string_view key) {
  return hex_lower(crypto::hmac_sha256(key, fmt::format("farpoint-content-capability-v1\n{}\n{}\n{}\n", capability.content_id,
                                                        capability.client_id, expiry_s)));
}

}  // namespace

std::string capability_key_of(std::string_view site_secret, std::string_view distribution_point) {
  if (site_secret.empty()) return {};
  return crypto::hmac_sha256(site_secret, fmt::format("farpoint-capability-key-v1\n{}\n", lower(distribution_point)));
}

std::string encode_capability(const ContentCapability& capability, std::string_view key) {
  const std::int64_t expiry_s = capability.expires_at.ms / 1000;
  const std::string_view client = capability.client_id;
  return fmt::format("{}{}-{}-{}", kPrefix, expiry_s, client.substr(client.find(':') + 1), mac(capability, expiry_s, key));
}

bool is_capability_segment(std::string_view segment) { return istarts_with(segment, kPrefix); }

Result<ContentCapability> check_capability(std::string_view segment, std::string_view content_id, std::string_view key,
                                           Instant now) {
  const auto bad = [] { return fail(Code::invalid, "not a content capability"); };
  if (!is_capability_segment(segment) || segment.size() > 160) return bad();
  std::string_view rest = segment.substr(kPrefix.size());
  const auto dash = rest.find('-');
  if (dash == std::string_view::npos || dash > 12) return bad();
  const auto expiry_s = parse_int(rest.substr(0, dash));
  rest.remove_prefix(dash + 1);
  if (!expiry_s || *expiry_s < 0 || rest.size() != kGuidBytes + 1 + kMacHexBytes || rest[kGuidBytes] != '-') return bad();
  const auto client_id = parse_client_id(rest.substr(0, kGuidBytes));
  if (!client_id) return bad();
  const ContentCapability out{std::string(content_id), *client_id, {*expiry_s * 1000}};
  if (key.empty() || !crypto::equal_constant_time(mac(out, *expiry_s, key), lower(rest.substr(kGuidBytes + 1))))
    return fail(Code::unauthenticated, "content capability of {} does not hold for {}", *client_id, content_id);
  if (now.ms >= out.expires_at.ms)
    return fail(Code::forbidden, "content capability of {} for {} expired at {}", *client_id, content_id, to_iso(out.expires_at));
  return out;
}

}  // namespace fp::wire
