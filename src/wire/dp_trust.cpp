#include "wire/dp_trust.hpp"

#include <boost/json/serialize.hpp>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/json_input.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kFingerprintsOfOneDevice = 2;  // of its TLS certificate and of its key

boost::json::array array_of(const std::vector<std::string>& texts) { return boost::json::array(texts.begin(), texts.end()); }

Result<std::string> text_of(const boost::json::value& value, std::string_view what) {
  if (!value.is_string()) return fail(Code::invalid, "{}: a text is expected", what);
  return std::string(value.get_string().data(), value.get_string().size());
}

}  // namespace

std::string encode_dp_trust(const DpTrust& trust) {
  return boost::json::serialize(boost::json::object{{"capability_key", hex_lower(trust.capability_key)},
                                                    {"clients", array_of(trust.clients)},
                                                    {"fingerprints", array_of(trust.fingerprints)}});
}

Result<DpTrust> decode_dp_trust(std::string_view json) {
  FP_TRY(object, json_input(json, limits::kDpTrustBytesMax));
  FP_TRY(key_text, json_string(object, "capability_key"));
  const auto key = unhex(key_text);
  if (!key || key->size() != kKeyBytes) return fail(Code::invalid, "capability_key: must be 64 hex digits");
  FP_TRY(clients, json_array(object, "clients"));
  FP_TRY(fingerprints, json_array(object, "fingerprints"));
  if (clients->size() > limits::kBlockedDevicesMax || fingerprints->size() > kFingerprintsOfOneDevice * limits::kBlockedDevicesMax)
    return fail(Code::too_large, "{} blocked clients with {} fingerprints", clients->size(), fingerprints->size());
  DpTrust out{*key, {}, {}};
  for (const auto& value : *clients) {
    FP_TRY(text, text_of(value, "clients"));
    FP_TRY(id, parse_client_id(text));
    out.clients.push_back(std::move(id));
  }
  for (const auto& value : *fingerprints) {
    FP_TRY(text, text_of(value, "fingerprints"));
    FP_CHECK(check_sha256(text, "fingerprints"));
    out.fingerprints.push_back(std::move(text));
  }
  return out;
}

}  // namespace fp::wire
