#include "wire/gateway.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cstdint>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/gateway_limits.hpp"
#include "wire/json_input.hpp"
#include "wire/plain_text.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kPrefix = "CCM_Proxy_MutualAuth";
constexpr std::int64_t kTimeMsMax = 253'402'300'799'999;  // the end of the year 9999
constexpr std::int64_t kFirstId = std::int64_t{1} << 56;

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= kGatewayIdDigitsMax && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<bool> flag_in(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains(name);
  if (!value || !value->is_bool()) return fail(Code::invalid, "{}: must be true or false", name);
  return value->as_bool();
}

}  // namespace

std::string gateway_id(std::string_view host) {
  const std::string hash = crypto::sha256(lower(host));
  std::int64_t number = 0;
  for (std::size_t n = 0; n < 4; ++n) number = number << 8 | static_cast<std::uint8_t>(hash[n]);
  return std::to_string(kFirstId + number);
}

std::string gateway_address(std::string_view host, std::string_view url) {
  if (istarts_with(url, "https://")) url.remove_prefix(8);
  url = url.substr(0, url.find('/'));
  return fmt::format("{}/{}/{}", url, kPrefix, gateway_id(host));
}

std::optional<GatewayTarget> split_gateway_target(std::string_view target) {
  if (!target.starts_with('/')) return std::nullopt;
  const std::string_view path = target.substr(0, target.find('?'));
  const auto second = path.find('/', 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto third = path.find('/', second + 1);
  if (third == std::string_view::npos) return std::nullopt;
  const auto prefix = percent_decode(path.substr(1, second - 1));
  auto id = percent_decode(path.substr(second + 1, third - second - 1));
  if (!prefix || !id || !iequals(*prefix, kPrefix) || !is_number(*id)) return std::nullopt;
  return GatewayTarget{std::move(*id), std::string(target.substr(third))};
}

std::string encode_gateway_status(const GatewayStatus& s) {
  return boost::json::serialize(boost::json::object{{"started_at_ms", s.started_at.ms},
                                                    {"requests", s.requests},
                                                    {"refused", s.refused},
                                                    {"passed", s.passed},
                                                    {"unanswered", s.unanswered},
                                                    {"content_requests", s.content_requests},
                                                    {"content_bytes", s.content_bytes},
                                                    {"verifies_revocation", s.verifies_revocation},
                                                    {"certificate_until_ms", s.certificate_until.ms},
                                                    {"last_error", s.last_error},
                                                    {"last_error_at_ms", s.last_error_at.ms}});
}

Result<GatewayStatus> decode_gateway_status(std::string_view json) {
  FP_TRY(object, json_input(json, kGatewayStatusBytesMax));
  GatewayStatus out;
  const std::pair<const char*, std::int64_t*> numbers[] = {{"started_at_ms", &out.started_at.ms},
                                                           {"requests", &out.requests},
                                                           {"refused", &out.refused},
                                                           {"passed", &out.passed},
                                                           {"unanswered", &out.unanswered},
                                                           {"content_requests", &out.content_requests},
                                                           {"content_bytes", &out.content_bytes},
                                                           {"certificate_until_ms", &out.certificate_until.ms},
                                                           {"last_error_at_ms", &out.last_error_at.ms}};
  for (const auto& [name, place] : numbers) {
    FP_TRY(value, json_int(object, name));
    *place = value;
  }
  for (const auto* time : {&out.started_at, &out.certificate_until, &out.last_error_at})
    if (time->ms > kTimeMsMax) return fail(Code::invalid, "a time beyond the year 9999");
  FP_TRY(verifies, flag_in(object, "verifies_revocation"));
  out.verifies_revocation = verifies;
  FP_TRY(error, json_string(object, "last_error"));
  if (error.size() > kGatewayErrorBytesMax || !is_utf8(error)) return fail(Code::invalid, "last_error: is no short sentence");
  out.last_error = plain_text(error);
  return out;
}

}  // namespace fp::wire
