#include "wire/identity.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::size_t kTextBytesMax = 256;
constexpr std::size_t kSignatureCharsMax = 4096;

std::string_view header(const HeaderList& headers, std::string_view name) {
  for (const auto& [n, value] : headers)
    if (iequals(n, name)) return trim(value);
  return {};
}

Result<SignedBytes> signed_text(std::string_view what, std::string_view text, std::string_view signature) {
  if (signature.empty()) return fail(Code::invalid, "{} without its signature", what);
  if (signature.size() > kSignatureCharsMax || !unhex(signature))
    return fail(Code::invalid, "the signature of {} is not hex", what);
  std::string bytes = to_utf16le(text);
  return SignedBytes{std::string(what), {bytes + std::string(2, '\0'), bytes}, std::string(signature)};
}

// GUID:X of a client, {X} or X of boot media.
Status set_id(std::string_view text, HttpIdentity& identity) {
  identity.media = !istarts_with(text, "GUID:");
  FP_TRY(guid, parse_guid(identity.media ? text : text.substr(5)));
  identity.client_id = "GUID:" + guid;
  return {};
}

Status set_time(std::string_view text, HttpIdentity& identity) {
  FP_TRY(at, parse_time(text));
  identity.sent_at = at;
  return {};
}

Result<HttpIdentity> from_token(std::string_view token, std::string_view signature) {
  if (token.size() > kTextBytesMax) return fail(Code::too_large, "a ClientToken of {} bytes", token.size());
  const auto parts = split(token, ';');
  if (parts.size() < 2 || parts.size() > 3) return fail(Code::invalid, "a ClientToken is id;time[;2], got {:.80}", token);
  HttpIdentity identity;
  FP_CHECK(set_id(trim(parts[0]), identity));
  FP_CHECK(set_time(parts[1], identity));
  FP_TRY(proof, signed_text("ClientToken", token, signature));
  identity.must_verify.push_back(std::move(proof));
  identity.replay_key = token;
  return identity;
}

Result<HttpIdentity> from_ccm_headers(const HeaderList& headers, std::string_view id) {
  const std::string_view time = header(headers, "CCMClientTimestamp");
  if (id.size() > kTextBytesMax || time.size() > kTextBytesMax)
    return fail(Code::too_large, "CCMClient headers over {} bytes", kTextBytesMax);
  std::string_view time_signature = header(headers, "CCMClientTimestampSignature");
  if (time_signature.empty()) time_signature = header(headers, "CCMClientTimestampsSignature");
  HttpIdentity identity;
  identity.family = HttpIdentity::Family::ccm_client;
  FP_CHECK(set_id(id, identity));
  FP_CHECK(set_time(time, identity));
  FP_TRY(id_proof, signed_text("CCMClientID", id, header(headers, "CCMClientIDSignature")));
  FP_TRY(time_proof, signed_text("CCMClientTimestamp", time, time_signature));
  identity.must_verify.push_back(std::move(id_proof));
  identity.must_verify.push_back(std::move(time_proof));
  identity.replay_key = fmt::format("{};{}", id, time);
  return identity;
}

}  // namespace

Result<std::optional<HttpIdentity>> decode_identity(const HeaderList& headers) {
  if (const std::string_view token = header(headers, "ClientToken"); !token.empty()) {
    FP_TRY(identity, from_token(token, header(headers, "ClientTokenSignature")));
    return std::optional(std::move(identity));
  }
  if (const std::string_view id = header(headers, "CCMClientID"); !id.empty()) {
    FP_TRY(identity, from_ccm_headers(headers, id));
    return std::optional(std::move(identity));
  }
  for (const auto* name : {"ClientTokenSignature", "CCMClientIDSignature", "CCMClientTimestamp", "CCMClientTimestampSignature",
                           "CCMClientTimestampsSignature"})
    if (!header(headers, name).empty()) return fail(Code::invalid, "{} without the id it belongs to", name);
  return std::optional<HttpIdentity>();
}

Result<HttpIdentity> decode_media_token(std::string_view text) {
  std::string_view token, signature;
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n");
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (istarts_with(line, "ClientTokenSignature:")) {
      signature = trim(line.substr(21));
    } else if (istarts_with(line, "ClientToken:")) {
      token = trim(line.substr(12));
    }
  }
  if (token.empty()) return fail(Code::invalid, "a Token property without ClientToken");
  FP_TRY(identity, from_token(token, signature));
  identity.media = true;
  return identity;
}

Result<std::optional<MessageProofs>> decode_proofs(const Envelope& envelope) {
  const auto& auth = envelope.header.auth;
  if (!auth || auth->payload_signature.empty()) return std::optional<MessageProofs>();
  MessageProofs proofs;
  proofs.payload = {"PayloadSignature", {envelope.payload}, auth->payload_signature};
  const std::string& sent = envelope.header.source_id_as_sent;
  if (auth->client_id_signature.empty() || auth->client_id_signature.size() > kSignatureCharsMax || sent.empty())
    return std::optional(std::move(proofs));
  SignedBytes id{"ClientIDSignature", {}, auth->client_id_signature};
  for (const std::string& text : {sent, envelope.header.source_id})
    for (const std::size_t nul : {2U, 0U}) id.alternatives.push_back(to_utf16le(text) + std::string(nul, '\0'));
  proofs.client_id = std::move(id);
  return std::optional(std::move(proofs));
}

IdentityToSign::IdentityToSign(HttpIdentity::Family family, std::string_view client_id, Instant now) : family_(family) {
  if (family == HttpIdentity::Family::client_token) {
    texts_ = {fmt::format("{};{};2", client_id, to_iso(now))};
  } else {
    texts_ = {std::string(client_id), to_iso(now)};
  }
  for (const auto& text : texts_) to_sign_.push_back(to_utf16le(text) + std::string(2, '\0'));
}

HeaderList IdentityToSign::headers(const std::vector<std::string>& signatures) const {
  const auto signature = [&](std::size_t i) { return i < signatures.size() ? signatures[i] : std::string(); };
  if (family_ == HttpIdentity::Family::client_token)
    return {{"ClientToken", texts_[0]}, {"ClientTokenSignature", signature(0)}};
  // Both spellings: proxies let pass the one of the documentation, servers of others read the one of the tools.
  return {{"CCMClientID", texts_[0]},
          {"CCMClientIDSignature", signature(0)},
          {"CCMClientTimestamp", texts_[1]},
          {"CCMClientTimestampSignature", signature(1)},
          {"CCMClientTimestampsSignature", signature(1)}};
}

std::string client_id_bytes(std::string_view client_id) { return to_utf16le(client_id) + std::string(2, '\0'); }

}  // namespace fp::wire
