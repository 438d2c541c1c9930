#include "net/diagnosis.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "net/byte_ranges.hpp"
#include "wire/diagnosis.hpp"
#include "wire/range.hpp"

namespace fp::net {
namespace {

wire::Arrived describe(const Request& request, std::string role, std::string host, Instant now) {
  wire::Arrived a;
  a.role = std::move(role);
  a.host = std::move(host);
  a.door = to_string(request.peer.door);
  a.method = request.method;
  a.target = request.target;
  a.http_minor = request.http_minor;
  for (const auto& [name, value] : request.headers) {
    a.header_names.push_back(name);
    const auto watched = wire::watched_headers();
    if (std::ranges::any_of(watched, [&](auto w) { return iequals(w, name); })) a.values.emplace_back(name, value);
  }
  a.body_bytes = static_cast<std::int64_t>(request.body.size());
  a.body_sha256 = hex_lower(crypto::sha256(request.body));
  a.body_took_ms = std::max<std::int64_t>(0, now.since_ms(request.received_at));
  a.fingerprint = request.peer.fingerprint;
  a.certificate = to_string(request.peer.check.problem);
  a.proxy = request.peer.pinned_proxy;
  a.server_time = now;
  return a;
}

// As a distribution point serves a file (wire.md §11.5), so that what works here works there.
Response sample(const Request& request) {
  Response response = Response::empty(200);
  response.set("ETag", std::string(wire::kSampleEtag)).set("Accept-Ranges", "bytes");
  const auto part = [](wire::ByteSpan span) -> Segment { return wire::sample_bytes(span.offset, span.length); };
  const auto range = request.header("Range");
  if (request.method == "GET" && !range.empty() && wire::if_range_holds(request.header("If-Range"), wire::kSampleEtag, {})) {
    const auto decided = wire::decide_range(range, wire::kSampleBytes);
    if (decided.outcome == wire::RangeOutcome::unsatisfiable) {
      response.status = 416;
      response.set("Content-Range", wire::content_range_unsatisfied(wire::kSampleBytes));
      return response;
    }
    if (decided.outcome == wire::RangeOutcome::partial) {
      response.status = 206;
      put_ranges(response, {"application/octet-stream", std::string(wire::kSampleEtag), wire::kSampleBytes, part}, decided.spans);
      return response;
    }
  }
  response.set("Content-Type", "application/octet-stream");
  if (request.method == "HEAD")
    response.head_length = wire::kSampleBytes;
  else
    response.body.push_back(part({0, wire::kSampleBytes}));
  return response;
}

}  // namespace

Response answer_diagnosis(const Request& request, std::string role, std::string host, Instant now) {
  const auto arrived = describe(request, std::move(role), std::move(host), now);
  const bool file = request.query == "sample" && (request.method == "GET" || request.method == "HEAD");
  auto text = wire::encode_arrived(arrived, false) + "\n";
  Response response;
  if (file)
    response = sample(request);
  else if (request.method == "HEAD") {
    response.head_length = static_cast<std::int64_t>(text.size());
    response.set("Content-Type", "application/json");
  } else {
    response = Response::text(200, "application/json", std::move(text));
  }
  response.set(std::string(wire::kArrivedHeader), base64(wire::encode_arrived(arrived, true)));
  response.set("Cache-Control", "no-store");
  return response;
}

}  // namespace fp::net
