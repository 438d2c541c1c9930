// Who says he is asking: signed HTTP headers of both families (wire.md §4.5), hook clientauth (§3.2, §4.2) and the boot media
// token (§4.6). Any thread; pure. Never verifies: it hands out the byte strings and signatures that must hold.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/envelope.hpp"

namespace fp::wire {

using HeaderList = std::vector<std::pair<std::string, std::string>>;  // the same type as net::Headers

// Holds if the signature is good for one of the alternatives (with the NUL at the end, or without: wire.md §4.2).
struct SignedBytes {
  std::string what;                       // "ClientToken", "PayloadSignature", for the log
  std::vector<std::string> alternatives;  // bytes
  std::string signature;                  // hex, byte-reversed RSA
};

struct HttpIdentity {
  enum class Family { client_token, ccm_client };
  Family family = Family::client_token;
  std::string client_id;                  // GUID:...; of the media where `media`
  bool media = false;                     // boot media: the key is the media certificate's
  Instant sent_at;                        // must be within kClockSkewMs
  std::vector<SignedBytes> must_verify;   // all of them
  std::string replay_key;                 // the signed text: not seen before beyond its second
};

// Nothing if the request carries no identity headers. Both spellings of the timestamp signature header are taken.
// Code::invalid: half of a family, a malformed id, time or signature.
[[nodiscard]] Result<std::optional<HttpIdentity>> decode_identity(const HeaderList& headers);
// Text of the property Token in the clientauth hook.
[[nodiscard]] Result<HttpIdentity> decode_media_token(std::string_view token);

// What the hook says must hold for a message. PayloadSignature is authoritative; ClientIDSignature is to be checked where
// present, and logged, not required (wire.md §4.2). Nothing: no hook, or no PayloadSignature in it.
struct MessageProofs {
  SignedBytes payload;
  std::optional<SignedBytes> client_id;
};
[[nodiscard]] Result<std::optional<MessageProofs>> decode_proofs(const Envelope& envelope);

// ---- the agent's side: sign to_sign in order, hand the hex back to headers()

class IdentityToSign {
 public:
  // client_token: one text; ccm_client: the id and the time. The seed lets only the ccm_client headers through a proxy.
  IdentityToSign(HttpIdentity::Family family, std::string_view client_id, Instant now);
  [[nodiscard]] const std::vector<std::string>& to_sign() const { return to_sign_; }  // bytes
  [[nodiscard]] HeaderList headers(const std::vector<std::string>& signatures) const;

 private:
  HttpIdentity::Family family_;
  std::vector<std::string> texts_, to_sign_;
};

// UTF-16LE(client id) + NUL: what ClientIDSignature covers.
[[nodiscard]] std::string client_id_bytes(std::string_view client_id);

}  // namespace fp::wire
