// What every part of the management point works with, and the one way in which it says no. Any thread.
#pragma once
#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "crypto/key.hpp"
#include "domain/access/routes.hpp"
#include "domain/boundary/boundary.hpp"
#include "model/device.hpp"
#include "roles/mp/admission.hpp"
#include "roles/mp/service.hpp"
#include "roles/mp/uploads.hpp"
#include "roles/mp/windows_door.hpp"
#include "wire/authority.hpp"
#include "wire/envelope.hpp"
#include "wire/identity.hpp"
#include "wire/location.hpp"
#include "wire/policy.hpp"

namespace fp::mp {

template <class T>
using Outcome = std::expected<T, Refused>;
[[nodiscard]] inline std::unexpected<Refused> refused(int status, std::string reason) {
  return std::unexpected(Refused{status, std::move(reason)});
}
// The status that wire.md §16 gives an error: 400 malformed, 413 too large, 503 the store cannot, else the
// empty 200.
[[nodiscard]] std::unexpected<Refused> refused(const Error& error);

// Keys of certificates that were parsed a moment ago, by fingerprint: a signed message costs one
// verification, not a parse too.
class KeyCache {
 public:
  // `name` decides the key: the key fingerprint of a device, or "tls:" and the fingerprint of a TLS leaf.
  [[nodiscard]] Result<crypto::PublicKey> key_of(const std::string& name, std::string_view certificate_der);

 private:
  static constexpr std::size_t kKeysMax = 20'000;
  std::mutex lock_;
  std::unordered_map<std::string, crypto::PublicKey> keys_;
};

// What the store says about a sender.
struct Sender {
  std::optional<Device> device;
  std::optional<Instant> latest_change;  // of its policy; only where policy is asked for
};

// Senders read a moment ago, good while the store's generation is the one under which they were read: the next commit of
// anything, a block or a changed policy among it, and they are read again.
class SenderMemory {
 public:
  // Null: not known, or something was committed since.
  [[nodiscard]] std::shared_ptr<const Sender> find(const std::string& client_id, std::uint64_t generation);
  void remember(const std::string& client_id, std::uint64_t generation, const Sender& sender);

 private:
  static constexpr std::size_t kSendersMax = 4096;
  struct Entry {
    std::uint64_t generation = 0;
    std::shared_ptr<const Sender> sender;
  };
  std::mutex lock_;
  std::unordered_map<std::string, Entry> senders_;
};

// ClientIDSignatures that held a moment ago. A client signs its id the same way in every message, so seeing that it still does
// costs a comparison, not a verification. Decides nothing but a line in the log.
class IdProofs {
 public:
  [[nodiscard]] bool held(const std::string& key_fingerprint, const std::string& signature);
  void remember(const std::string& key_fingerprint, const std::string& signature);

 private:
  static constexpr std::size_t kProofsMax = 20'000;
  std::mutex lock_;
  std::unordered_map<std::string, std::string> signatures_;
};

// Tokens of identity headers: their time has whole seconds, so that a client uses one for all that it asks within a second.
// Good again while the last of these may still be on its way, and never after that.
class TokenMemory {
 public:
  [[nodiscard]] bool seen_just_now(const std::string& key, Instant now);  // also remembers it
 private:
  static constexpr std::size_t kTokensMax = 100'000;
  std::mutex lock_;
  std::unordered_map<std::string, Instant> first_seen_;
  std::deque<std::string> order_;
};

// The site's boundaries as read a moment ago, good while their revision is the same. Any thread.
class BoundaryMemory {
 public:
  [[nodiscard]] Result<std::shared_ptr<const boundary::Map>> read(store::Repositories& r, std::string_view site_code);

 private:
  std::mutex lock_;
  std::int64_t revision_ = 0;
  std::shared_ptr<const boundary::Map> map_;
};

struct Context {
  store::Store& store;
  const Clock& clock;
  Random& random;
  Settings settings;
  CertificateVerifier verify;
  RefusalHook hook;
  Uploads uploads;
  KeyCache keys;
  SenderMemory senders;
  IdProofs id_proofs;
  TokenMemory tokens;
  BoundaryMemory boundaries;

  // The management point that the client speaks to: this one, or the one on another host that passed the request on.
  [[nodiscard]] const std::string& host(const net::Request& request) const;
  [[nodiscard]] const std::string& certificate_der(const net::Request& request) const {
    return request.via ? request.via->certificate_der : settings.certificate_der;
  }
  // Logs one line, tells the hook, and makes the response of wire.md §16.
  [[nodiscard]] net::Response refuse(std::string_view component, const net::Request& request,
                                     std::string_view client_id, const Refused& refused) const;
};

// "tls:<fingerprint>", "ip:<address>" or kProxyPeer.
[[nodiscard]] std::string peer_name(const Peer& peer);
// Whether a client that names this site means ours; no name is any site. Another site's is logged: it was set up wrongly.
[[nodiscard]] bool is_own_site(const Context& context, const net::Request& request, std::string_view site_code);
// Whether the key of the certificate on this connection is this one.
[[nodiscard]] bool is_tls_key(Context& context, const Peer& peer, std::string_view key_fingerprint);
// How the registered device stands to this connection; `good` is the caller's finding about the signature.
[[nodiscard]] access::Proof proof_of(Context& context, const Device& device, const Peer& peer, bool good);
[[nodiscard]] bool holds(const crypto::PublicKey& key, const wire::SignedBytes& bytes);

// Identity headers of a GET, proved: family, key, time, replay, binding and standing of the device. 403
// otherwise.
[[nodiscard]] Outcome<Device> prove_headers(Context& context, const net::Request& request);

// A message whose sender was proved, or that needs no proof (device empty).
struct Message {
  const net::Request& request;
  const access::Endpoint& endpoint;
  const wire::Envelope& envelope;
  wire::Documents documents;
  std::optional<Device> device;
  std::string payload_hash;  // hex SHA-256 of the wire bytes of the body
  std::optional<wire::Freshness> freshness;
  std::optional<Instant> latest_change;  // of the sender's policy; read together with the device where policy is asked for
  bool at_once = false;                  // on the event loop: from memory or not at all
  std::optional<directory::LoggedIn> login;  // at the Windows door
};
struct Answer {
  std::string document;  // empty: 200 without a body
  Ticket ticket;
};

[[nodiscard]] Outcome<Answer> register_client(Context& context, Message& message);      // registration.cpp
[[nodiscard]] Outcome<Answer> request_assignments(Context& context, Message& message);  // policy.cpp
[[nodiscard]] Outcome<Answer> request_user_assignments(Context& context, const Message& message,
                                                       const wire::AssignmentRequest& request);  // user_policy.cpp
[[nodiscard]] Outcome<Answer> locate(Context& context, Message& message);               // location.cpp
[[nodiscard]] Outcome<Answer> identify_client(Context& context, Message& message);      // location.cpp
[[nodiscard]] Outcome<Answer> take_report(Context& context, Message& message);          // reports.cpp
[[nodiscard]] Outcome<Answer> grant_upload(Context& context, Message& message);         // upload_packets.cpp

[[nodiscard]] net::Response answer_message(Context& context, const net::Request& request,
                                           const std::optional<directory::LoggedIn>& login = {});  // messages.cpp
// The same on the event loop: a poll with nothing new, by a sender that is in memory. Empty: the pool is to answer.
[[nodiscard]] std::optional<net::Response> answer_message_at_once(Context& context, const net::Request& request);
[[nodiscard]] net::Response serve_policy(Context& context, const net::Request& request);      // policy.cpp
[[nodiscard]] net::Response answer_authority(Context& context, const net::Request& request);  // authority.cpp
[[nodiscard]] net::Response take_packet(Context& context, const net::Request& request);  // upload_packets.cpp
[[nodiscard]] net::Response serve_client_file(Context& context,
                                              const net::Request& request);  // client_files.cpp

// Where a client of the intranet is: what it says of itself, else the address that it came from. (boundaries.cpp)
[[nodiscard]] boundary::Place place_of(const net::Request& request, const wire::ClientLocation* said);
// Management points that a client at this door may use, on the intranet best first; never empty: this one stands in.
[[nodiscard]] Result<std::vector<wire::MpEntry>> mp_entries(Context& context, Door door, const boundary::Place& place);

}  // namespace fp::mp
