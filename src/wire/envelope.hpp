// The CCM message envelope (wire.md §3): Msg header, body, reply; and the freshness that our own agents add to a body
// (docs/protocol/policy.md). Both directions. Any thread; pure. Decoding costs a parse and an inflation, both limited.
// Never verifies anything: it says which bytes were signed, with what, and the role asks crypto.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "wire/multipart.hpp"

namespace fp::wire {

namespace endpoint {  // dispatch keys, lower case
inline constexpr std::string_view kRegistration = "mp_clientregistration", kPolicy = "mp_policymanager",
                                  kLocation = "mp_locationmanager", kClientId = "mp_clientidmanager",
                                  kToken = "mp_tokenmanager", kDdr = "mp_ddrendpoint", kHardware = "mp_hinvendpoint",
                                  kSoftware = "mp_sinvendpoint", kSoftwareFiles = "mp_sinvfileendpoint",
                                  kRelay = "mp_relayendpoint", kStatus = "mp_statusmanager";
}

struct ByteRange {            // of the uncompressed second part
  std::string name;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

// Hook clientauth. Hex strings are as sent; absent ones are empty.
struct ClientAuth {
  std::string sender_machine;        // AuthSenderMachine
  std::string public_key;            // never used for verification (wire.md §3.2)
  std::string client_id_signature;
  std::string payload_signature;     // over the wire bytes of the second part
  std::string capabilities;          // ClientCapabilities or ClientCapability
  std::string hash_algorithm;        // OID; empty: SHA-1 of old clients
  std::string token;                 // boot media; decode_media_token (identity.hpp)
};

struct MessageHeader {
  std::string id;                    // GUID without braces, upper case; else as sent (64 printable characters); may be empty
  std::string source_id;             // GUID:..., or empty
  std::string source_id_as_sent;     // what ClientIDSignature covers
  std::string source_host;
  std::string target_address;        // mp:MP_PolicyManager
  std::string target_endpoint;       // as sent, or derived from target_address
  std::string endpoint;              // the same, lower case: the dispatch key
  std::string target_host;
  std::string reply_to;              // direct:HOST:SccmMessaging
  std::string correlation_id;        // like id
  std::int64_t timeout_ms = 60000;
  int priority = 0;
  std::string request_version = "5931";  // ReqVersion
  bool async = false;                // ReplyMode ASync: the answer is 200 without a body
  std::optional<Instant> sent_at;    // absent or unreadable: nothing; not covered by any signature
  std::string reply_compression;     // "", "zlib" or "none"
  std::vector<std::pair<std::string, std::string>> reply_capabilities;
  std::vector<ByteRange> attachments;
  std::optional<ByteRange> body;
  bool compressed = false;           // hook zlib-compress
  std::optional<ClientAuth> auth;
  std::string payload_type;          // "inline", "http", "file", "local cache", ""
  std::string payload_name;          // of an upload that the message speaks of (docs/protocol/uploads.md)
};

// A request or reply with its header read and its body still closed: cheap, so the role can refuse before it inflates.
struct Envelope {
  MessageHeader header;
  std::string payload;               // wire bytes of the second part: what payload_signature covers
};
// Code::invalid (a broken envelope, an id against its grammar), Code::too_large.
[[nodiscard]] Result<Envelope> decode_envelope(std::string_view content_type, std::string_view body);

// The documents inside, as UTF-8 XML text untouched (the signed <Data> of a registration is found in it by search). One, or
// several where attachments name them: then in order of their offset. Never empty on success.
struct Documents {
  std::vector<std::string> all;
  std::size_t main = 0;              // the one that Body selects
  [[nodiscard]] const std::string& body() const { return all[main]; }
};
[[nodiscard]] Result<Documents> open_documents(const Envelope& envelope);

// ---- requests, as the agent writes them

struct Payload {                     // sign `bytes`, put the hex into header.auth->payload_signature, then encode_request
  std::string bytes;
  bool compressed = true;
  ByteRange body;
  std::vector<ByteRange> attachments;
};
// One document: as every client writes it. Several: each also an attachment, the last is the body.
[[nodiscard]] Payload make_payload(const std::vector<std::string>& documents, bool compress = true);
// The HTTP body for kMultipartType. Takes body, attachments and compressed from the payload, all else from the header.
[[nodiscard]] std::string encode_request(const MessageHeader& header, const Payload& payload);

// ---- replies

struct ReplyOrigin {
  std::string host;                  // of this management point
  std::string id;                    // new GUID
  Instant sent_at;
};
// The HTTP body for kMultipartType: exactly wire.md §3.4; ReplyCompression "none" of the request leaves the body plain.
[[nodiscard]] std::string encode_reply(const MessageHeader& request, std::string_view document, const ReplyOrigin& origin);

struct Reply {
  MessageHeader header;              // correlation_id names the request
  std::string document;              // UTF-8 XML
};
// Code::unavailable: an empty body, which means refused or not ready (wire.md §3.4).
[[nodiscard]] Result<Reply> decode_reply(std::string_view content_type, std::string_view body);

// ---- freshness: attributes FPNonce, FPCounter, FPTime on the root of a body, so PayloadSignature covers them

struct Freshness {
  std::string nonce;                 // 16 to 64 hex digits, random
  std::int64_t counter = 0;          // counts up by message of this client, never again the same
  Instant sent_at;
};
[[nodiscard]] std::string with_freshness(std::string_view document, const Freshness& freshness);
// Nothing if the root has none (clients of others). Code::invalid if there is some and it is malformed.
[[nodiscard]] Result<std::optional<Freshness>> decode_freshness(std::string_view document);

}  // namespace fp::wire
