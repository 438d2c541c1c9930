#include "agent/core/upload.hpp"

#include <boost/json.hpp>

#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/bits.hpp"

namespace fp::agent {

namespace {

constexpr std::size_t kFragmentBytes = 256U << 10, kFragmentLeastBytes = 5U << 10;
constexpr int kSessionsMax = 3;
constexpr std::string_view kUnknownSession = "0x8020001F";

std::string property_of(std::string_view purpose) { return fmt::format("upload.{}", purpose); }

}  // namespace

struct Uploader::Progress {
  std::string sha256, base, upload_id, session;
  std::int64_t offset = 0;
};

Result<Uploader::Progress> Uploader::load(std::string_view purpose) {
  FP_TRY(text, memory_.property(property_of(purpose)));
  Progress p;
  boost::system::error_code bad;
  const auto value = boost::json::parse(text, bad);
  const auto* object = bad ? nullptr : value.if_object();
  if (object == nullptr) return p;
  const auto text_of = [&](std::string_view name) -> std::string {
    const auto* at = object->if_contains(name);
    return at != nullptr && at->is_string() ? std::string(at->as_string()) : std::string();
  };
  p.sha256 = text_of("sha256");
  p.base = text_of("base");
  p.upload_id = text_of("upload");
  p.session = text_of("session");
  if (const auto* at = object->if_contains("offset"); at != nullptr && at->is_int64()) p.offset = at->as_int64();
  return p;
}

Status Uploader::save(std::string_view purpose, const Progress& p) {
  const boost::json::object value{
      {"sha256", p.sha256}, {"base", p.base}, {"upload", p.upload_id}, {"session", p.session}, {"offset", p.offset}};
  return memory_.set_property(property_of(purpose), boost::json::serialize(value));
}

Status Uploader::forget(std::string_view purpose) { return memory_.set_property(property_of(purpose), ""); }

Result<Uploader::Progress> Uploader::begin(const std::string& base, std::string_view bytes, const std::string& sha256,
                                           bool internet) {
  FP_TRY(identity, memory_.identity());
  FP_TRY(granted, mp_.upload_destination(base, {identity.client_id, internet, static_cast<std::int64_t>(bytes.size())}));
  return Progress{sha256, base, granted.upload_id, {}, 0};
}

Status Uploader::create(Progress& p) {
  const HeaderList headers = {{"BITS-Packet-Type", "Create-Session"},
                              {"BITS-Supported-Protocols", std::string(wire::kBitsProtocol)}};
  FP_TRY(reply, mp_.bits(p.base, p.upload_id, headers, {}));
  p.session = std::string(reply.header("BITS-Session-Id"));
  p.offset = 0;
  if ((reply.status == 200 || reply.status == 201) && !p.session.empty()) return {};
  return fail(reply.status == 404 || reply.status == 403 ? Code::conflict : Code::unavailable,
              "{} answered {} to the beginning of an upload", p.base, reply.status);
}

Status Uploader::fragment(Progress& p, std::string_view bytes, std::size_t& fragment_bytes) {
  const auto part = bytes.substr(static_cast<std::size_t>(p.offset), fragment_bytes);
  const auto last = p.offset + static_cast<std::int64_t>(part.size()) - 1;
  const HeaderList headers = {{"BITS-Packet-Type", "Fragment"},
                              {"BITS-Session-Id", p.session},
                              {"Content-Range", fmt::format("bytes {}-{}/{}", p.offset, last, bytes.size())}};
  FP_TRY(reply, mp_.bits(p.base, p.upload_id, headers, std::string(part)));
  if (reply.status == 200 || reply.status == 416) {
    const auto next = parse_int(reply.header("BITS-Received-Content-Range"));
    const bool sane = next && *next >= 0 && *next <= static_cast<std::int64_t>(bytes.size()) && *next != p.offset;
    if (!sane) return fail(Code::invalid, "{} does not say how much of the upload it has", p.base);
    p.offset = *next;
    return {};
  }
  if (reply.status == 413 && fragment_bytes > kFragmentLeastBytes) {
    fragment_bytes = std::max(kFragmentLeastBytes, fragment_bytes / 2);
    return {};
  }
  if (iequals(reply.header("BITS-Error"), kUnknownSession)) {
    p.session.clear();
    return {};
  }
  return fail(reply.status == 404 || reply.status == 403 || reply.status == 400 ? Code::conflict : Code::unavailable,
              "{} answered {} to a part of an upload", p.base, reply.status);
}

Result<wire::UploadedBody> Uploader::send(const std::string& base, std::string_view purpose, std::string_view bytes,
                                          bool internet) {
  const auto sha256 = hex_lower(crypto::sha256(bytes));
  FP_TRY(p, load(purpose));
  if (p.sha256 != sha256 || p.base != base || p.upload_id.empty()) {
    FP_TRY(fresh, begin(base, bytes, sha256, internet));
    p = std::move(fresh);
  } else if (p.offset > 0) {
    log::info("content-transfer", "upload {} goes on at byte {} of {}", p.upload_id, p.offset, bytes.size());
  }
  std::size_t fragment_bytes = kFragmentBytes;
  // A destination that the management point no longer knows is forgotten; the next try asks for another.
  const auto give_up = [&](const Error& error) -> Error {
    if (error.code == Code::conflict && !forget(purpose)) return error;
    return error.code == Code::conflict ? Error{Code::unavailable, error.message} : error;
  };
  int sessions = 0;
  std::size_t steps_left = bytes.size() / kFragmentLeastBytes + 64;
  while (p.session.empty() || p.offset < static_cast<std::int64_t>(bytes.size())) {
    if (steps_left-- == 0) return fail(Code::unavailable, "{} takes an upload back and forth", base);
    if (p.session.empty() && ++sessions > kSessionsMax) return fail(Code::unavailable, "{} forgets its upload sessions", base);
    const Status done = p.session.empty() ? create(p) : fragment(p, bytes, fragment_bytes);
    if (!done) return std::unexpected(give_up(done.error()));
    FP_CHECK(save(purpose, p));
  }
  FP_TRY(closed, mp_.bits(base, p.upload_id, {{"BITS-Packet-Type", "Close-Session"}, {"BITS-Session-Id", p.session}}, {}));
  if (closed.status != 200 && closed.status != 201) {
    FP_CHECK(forget(purpose));
    return fail(Code::unavailable, "{} answered {} to the end of an upload", base, closed.status);
  }
  return wire::UploadedBody{p.upload_id, sha256};
}

}  // namespace fp::agent
