// What a site system saw of a request that was sent to find out what the way does to it (docs/protocol/doctor.md). Any thread;
// pure. Costs one JSON parse of at most kArrivedBytesMax. Never carries the value of a header that is not of the table below.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

inline constexpr std::size_t kArrivedBytesMax = 32U << 10;
inline constexpr std::size_t kArrivedHeadersMax = 64, kArrivedValueBytesMax = 256;
inline constexpr std::string_view kArrivedHeader = "Farpoint-Arrived";  // base64 of the short form
// The file that ranges are tried on: bytes that say where they are, and the ETag of all of them.
inline constexpr std::int64_t kSampleBytes = 64 << 10;
inline constexpr std::string_view kSampleEtag = "\"farpoint-sample-1\"";
[[nodiscard]] std::string sample_bytes(std::int64_t offset, std::int64_t length);

// Whose values are told: those that a client of the internet needs (domain.md §1.1).
[[nodiscard]] std::span<const std::string_view> watched_headers();

struct Arrived {
  std::string role;  // "management point", "distribution point", "fallback status point"
  std::string host;  // the name that the site gives this server at that door
  std::string door;  // "internet-https", ...
  std::string method, target;
  int http_minor = 1;                                       // HTTP/1.0 or 1.1
  std::vector<std::string> header_names;                    // in order, as spelled
  std::vector<std::pair<std::string, std::string>> values;  // of watched headers
  std::int64_t body_bytes = 0;
  std::string body_sha256;        // lower-case hex
  std::int64_t body_took_ms = 0;  // from the head to the end of the body
  std::string fingerprint;        // of the certificate that TLS showed; empty: none
  std::string certificate;        // "ok", or what is wrong with it
  bool proxy = false;             // it is the one of a bridging proxy that the site knows
  Instant server_time;
  [[nodiscard]] bool has_header(std::string_view name) const;
  [[nodiscard]] std::string value(std::string_view name) const;  // empty: absent, or not watched
};

// `brief`: without the names of headers, for the header of an answer that has no body of its own.
[[nodiscard]] std::string encode_arrived(const Arrived& arrived, bool brief);
// Code::invalid where it is none, Code::too_large over a limit.
[[nodiscard]] Result<Arrived> decode_arrived(std::string_view json);

}  // namespace fp::wire
