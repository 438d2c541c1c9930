#include "wire/diagnosis.hpp"

#include <algorithm>
#include <array>
#include <boost/json/serialize.hpp>

#include "base/text.hpp"
#include "wire/json_input.hpp"

namespace fp::wire {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 10> kWatched{"Range",
                                                    "If-Range",
                                                    "Content-Type",
                                                    "CCMClientID",
                                                    "CCMClientIDSignature",
                                                    "CCMClientTimestamp",
                                                    "CCMClientTimestampsSignature",
                                                    "CCMClientTimestampSignature",
                                                    "BITS-Packet-Type",
                                                    "Depth"};
constexpr std::string_view kFormat = "farpoint-arrived-1";

std::string cut(std::string_view text, std::size_t bytes_max) {
  std::string out;
  for (const char c : text.substr(0, bytes_max)) out += c >= 0x20 && c < 0x7f ? c : '?';
  return out;
}

}  // namespace

std::span<const std::string_view> watched_headers() { return kWatched; }

std::string sample_bytes(std::int64_t offset, std::int64_t length) {
  constexpr std::int64_t kLine = 16;
  std::string out;
  for (std::int64_t line = offset / kLine; static_cast<std::int64_t>(out.size()) < length + kLine; ++line)
    out += fmt::format("farpoint {:06d}\n", line % 1'000'000);
  return out.substr(static_cast<std::size_t>(offset % kLine), static_cast<std::size_t>(length));
}

bool Arrived::has_header(std::string_view name) const {
  return std::ranges::any_of(header_names, [&](const auto& n) { return iequals(n, name); }) || !value(name).empty();
}

std::string Arrived::value(std::string_view name) const {
  for (const auto& [key, text] : values)
    if (iequals(key, name)) return text;
  return {};
}

std::string encode_arrived(const Arrived& a, bool brief) {
  json::object out{{"format", kFormat},
                   {"role", a.role},
                   {"host", a.host},
                   {"door", a.door},
                   {"method", cut(a.method, 64)},
                   {"target", cut(a.target, kArrivedValueBytesMax)},
                   {"http_minor", a.http_minor},
                   {"body_bytes", a.body_bytes},
                   {"body_sha256", a.body_sha256},
                   {"body_took_ms", a.body_took_ms},
                   {"fingerprint", a.fingerprint},
                   {"certificate", a.certificate},
                   {"proxy", a.proxy},
                   {"server_time_ms", a.server_time.ms}};
  json::array values, names;
  for (const auto& [name, value] : a.values)
    if (values.size() < kArrivedHeadersMax) values.push_back(json::array{cut(name, 64), cut(value, kArrivedValueBytesMax)});
  for (const auto& name : a.header_names)
    if (!brief && names.size() < kArrivedHeadersMax) names.push_back(json::string(cut(name, 64)));
  out["values"] = std::move(values);
  out["headers"] = std::move(names);
  return json::serialize(out);
}

Result<Arrived> decode_arrived(std::string_view text) {
  FP_TRY(object, json_input(text, kArrivedBytesMax));
  FP_TRY(format, json_string(object, "format"));
  if (format != kFormat) return fail(Code::invalid, "not an answer of the doctor's door");
  Arrived a;
  for (const auto& [name, field] :
       {std::pair("role", &a.role), std::pair("host", &a.host), std::pair("door", &a.door), std::pair("method", &a.method),
        std::pair("target", &a.target), std::pair("body_sha256", &a.body_sha256), std::pair("fingerprint", &a.fingerprint),
        std::pair("certificate", &a.certificate)}) {
    FP_TRY(value, json_string(object, name));
    *field = cut(value, kArrivedValueBytesMax);
  }
  FP_TRY(minor, json_int(object, "http_minor"));
  a.http_minor = minor == 0 ? 0 : 1;
  FP_TRY(bytes, json_int(object, "body_bytes"));
  FP_TRY(took, json_int(object, "body_took_ms"));
  FP_TRY(time, json_int(object, "server_time_ms"));
  a.body_bytes = bytes;
  a.body_took_ms = took;
  a.server_time.ms = time;
  const auto* proxy = object.if_contains("proxy");
  if (proxy == nullptr || !proxy->is_bool()) return fail(Code::invalid, "proxy: true or false was expected");
  a.proxy = proxy->as_bool();
  FP_TRY(names, json_array(object, "headers"));
  FP_TRY(values, json_array(object, "values"));
  if (names->size() > kArrivedHeadersMax || values->size() > kArrivedHeadersMax) return fail(Code::too_large, "too many headers");
  for (const auto& name : *names) {
    if (!name.is_string()) return fail(Code::invalid, "headers: text was expected");
    a.header_names.push_back(cut(std::string_view(name.as_string()), 64));
  }
  for (const auto& pair : *values) {
    if (!pair.is_array() || pair.as_array().size() != 2 || !pair.as_array()[0].is_string() || !pair.as_array()[1].is_string())
      return fail(Code::invalid, "values: pairs of text were expected");
    a.values.emplace_back(cut(std::string_view(pair.as_array()[0].as_string()), 64),
                          cut(std::string_view(pair.as_array()[1].as_string()), kArrivedValueBytesMax));
  }
  return a;
}

}  // namespace fp::wire
