// A management point in memory for tests: a real store on disk, real certificates, a clock that stands still.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/signature.hpp"
#include "pki/issue.hpp"
#include "pki/verifier.hpp"
#include "roles/mp/service.hpp"
#include "store/sqlite/sqlite_store.hpp"
#include "wire/envelope.hpp"
#include "wire/identity.hpp"
#include "wire/policy.hpp"
#include "wire/policy_body.hpp"
#include "wire/registration.hpp"

namespace fp::mp {

inline constexpr Instant kStart{1'795'359'600'000};

inline pki::Order order(pki::Profile profile, std::string name) {
  return {.profile = profile,
          .common_name = name,
          .organisation = {},
          .dns_names = {name},
          .ip_addresses = {},
          .not_before = kStart.plus_s(-86400),
          .not_after = kStart.plus_s(365 * 86400),
          .crl_url = {}};
}
template <class T>
T must(Result<T> result) {
  EXPECT_TRUE(result) << result.error().message;
  return std::move(*result);
}

// Keys cost 100 ms each: the tests of one program share these.
struct Keys {
  pki::Identity root, foreign_root, pki_client, other_client, foreign_client, self_signed, other_self_signed;
  static const Keys& shared() {
    static const Keys keys = [] {
      Random& r = system_random();
      const pki::AuthorityOrder authority{.common_name = "Test Root",
                                          .organisation = {},
                                          .not_before = kStart.plus_s(-86400),
                                          .not_after = kStart.plus_s(3650LL * 86400),
                                          .crl_url = {},
                                          .key_bits = 2048};
      pki::Identity root = must(pki::make_root(authority, r));
      pki::Identity foreign = must(pki::make_root(authority, r));
      return Keys{root,
                  foreign,
                  must(pki::issue_with_new_key(root, order(pki::Profile::client, "pc1.lab.test"), r)),
                  must(pki::issue_with_new_key(root, order(pki::Profile::client, "pc2.lab.test"), r)),
                  must(pki::issue_with_new_key(foreign, order(pki::Profile::client, "pc3.lab.test"), r)),
                  must(pki::self_signed_with_new_key(order(pki::Profile::client_self_signed, "pc"), r)),
                  must(pki::self_signed_with_new_key(order(pki::Profile::client_self_signed, "pc"), r))};
    }();
    return keys;
  }
};

class TestSite {
 public:
  explicit TestSite(ApprovalMode mode = ApprovalMode::trusted)
      : folder_(std::filesystem::temp_directory_path() / fmt::format("fp-mp-{}-{}", ::getpid(), ++count_)) {
    EXPECT_TRUE(make_dirs(folder_ / "client"));
    settings.site_code = "LAB";
    settings.host = "mp1.lab.test";
    settings.approval = mode;
    settings.site_signing_certificate_der = Keys::shared().root.certificate.der();
    settings.trusted_root_key = Keys::shared().root.key.public_key().spki_der();
    settings.certificate_der = Keys::shared().root.certificate.der();
    settings.unknown_x64 = "44444444-2222-3333-4444-555555555555";
    settings.capability_key = std::string(32, 'k');
    settings.client_files = folder_ / "client";
    settings.uploads = folder_ / "uploads";
    store = must(store::open_sqlite(folder_ / "site.db", clock));
    trust.roots = {Keys::shared().root.certificate};
    trust.check_crl = false;
    EXPECT_TRUE(store->write([](store::Repositories& r) -> Status {
      return r.collections.put(
          {.id = kAllSystems, .name = "All Systems", .comment = {}, .limiting_id = kAllSystems});
    }));
    restart();
  }
  ~TestSite() {
    service.reset();
    store.reset();
    std::filesystem::remove_all(folder_);
  }

  void restart() {
    verifier_ = std::make_unique<pki::Verifier>(trust, nullptr);
    service =
        std::make_unique<Service>(*store, clock, random, settings, [this](std::string_view der, Instant now) {
          if (forced) return *forced;
          return verifier_->check_client_der(der, {}, now);
        });
    service->on_refusal([this](const Refusal& refusal) { refusals.push_back(refusal); });
  }
  const Path& folder() const { return folder_; }

  Peer peer(Door door, const pki::Identity* identity = nullptr, bool proxy = false) const {
    Peer p{.door = door,
           .address = "192.0.2.7",
           .port = 1,
           .certificate_der = {},
           .fingerprint = {},
           .check = {},
           .pinned_proxy = proxy};
    if (!identity || door == Door::intranet_http) return p;
    p.certificate_der = identity->certificate.der();
    p.fingerprint = identity->certificate.fingerprint();
    p.check = forced ? *forced : verifier_->check_client_der(p.certificate_der, {}, clock.now());
    return p;
  }
  net::Response send(net::Request request) {
    refusals.clear();
    request.received_at = clock.now();
    const std::size_t question = request.target.find('?');
    request.path = must(percent_decode(std::string_view(request.target).substr(0, question)));
    if (question != std::string::npos) request.query = request.target.substr(question + 1);
    // As net does it: the event loop first, then the pool.
    if (auto response = service->handle_at_once(request)) {
      ++answered_at_once;
      return std::move(*response);
    }
    net::Response response = service->handle(request);
    EXPECT_TRUE(response.ticket.wait());
    return response;
  }
  net::Response get(std::string target, const Peer& from, net::Headers headers = {},
                    std::string method = "GET") {
    net::Request r;
    r.method = std::move(method);
    r.target = std::move(target);
    r.headers = std::move(headers);
    r.peer = from;
    return send(std::move(r));
  }
  net::Response post(std::string body, const Peer& from,
                     std::string type = std::string(wire::kMultipartType)) {
    net::Request r;
    r.method = "CCM_POST";
    r.target = "/ccm_system/request";
    r.headers = {{"Content-Type", std::move(type)}, {"Content-Length", std::to_string(body.size())}};
    r.body = std::move(body);
    r.peer = from;
    return send(std::move(r));
  }
  std::string reason() const { return refusals.empty() ? "" : refusals.back().reason; }
  std::int64_t devices() {
    return must(store->read([](store::Repositories& r) { return r.devices.count(); }));
  }
  Device device(const std::string& id) {
    return must(store->read([&](store::Repositories& r) { return r.devices.find(id); }));
  }
  void change(const std::string& id, const std::function<void(Device&)>& fn) {
    EXPECT_TRUE(store->write([&](store::Repositories& r) -> Status {
      FP_TRY(d, r.devices.find(id));
      fn(d);
      return r.devices.put(d);
    }));
  }

  int answered_at_once = 0;  // by memory alone
  ManualClock clock{kStart};
  Random& random = system_random();
  Settings settings;
  pki::TrustPolicy trust;
  std::optional<CertificateCheck> forced;  // what every certificate check says instead
  std::unique_ptr<store::Store> store;
  std::unique_ptr<Service> service;
  std::vector<Refusal> refusals;

 private:
  static inline int count_ = 0;
  Path folder_;
  std::unique_ptr<pki::Verifier> verifier_;
};

inline std::string text_of(const net::Response& response) {
  std::string out;
  for (const net::Segment& segment : response.body)
    if (const auto* text = std::get_if<std::string>(&segment)) out += *text;
  return out;
}
inline std::string header_of(const net::Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (iequals(key, name)) return value;
  return {};
}
inline std::string document_of(const net::Response& response) {
  auto reply = wire::decode_reply(header_of(response, "Content-Type"), text_of(response));
  return reply ? reply->document : std::string();
}

// A client with a signing key, and what it writes.
struct TestClient {
  TestSite& site;
  const pki::Identity& identity;
  std::string name = "PC1";
  std::string id = {};

  std::string sign(std::string_view bytes) const { return must(crypto::cm_sign(identity.key, bytes)); }
  wire::RegistrationRequest registration() const {
    wire::RegistrationRequest r;
    r.sent_at = site.clock.now();
    r.agent_version = "5.00.8325.0000";
    r.signing_certificate_der = r.encryption_certificate_der = identity.certificate.der();
    r.netbios_name = name;
    r.fqdn = "pc1.lab.test";
    return r;
  }
  std::string registration_message(const wire::RegistrationRequest& r, std::string signature = {}) const {
    const std::string data = wire::registration_data(r);
    if (signature.empty()) signature = sign(to_utf16le(data));
    return message("MP_ClientRegistration", wire::encode_registration(data, signature), false);
  }
  // Adopts the GUID of the reply.
  wire::RegistrationReply enrol(const Peer& from) {
    const auto response = site.post(registration_message(registration()), from);
    auto reply = wire::decode_registration_reply(document_of(response));
    EXPECT_TRUE(reply) << site.reason();
    if (!reply) return {};
    if (!reply->client_id.empty()) id = reply->client_id;
    return *reply;
  }
  std::string message(std::string_view endpoint, const std::string& document, bool with_signature = true,
                      bool async = false) const {
    return message_of(endpoint, {document}, with_signature, async);
  }
  std::string message_of(std::string_view endpoint, const std::vector<std::string>& documents,
                         bool with_signature = true, bool async = false) const {
    wire::MessageHeader header;
    header.id = "AAAAAAAA-2222-3333-4444-555555555555";
    header.source_id = header.source_id_as_sent = id;
    header.source_host = name;
    header.target_endpoint = std::string(endpoint);
    header.target_address = "mp:" + std::string(endpoint);
    header.target_host = "http://mp1.lab.test";
    header.reply_to = "direct:" + name + ":SccmMessaging";
    header.reply_compression = "zlib";
    header.async = async;
    header.sent_at = site.clock.now();
    const wire::Payload payload = wire::make_payload(documents);
    if (with_signature) {
      header.auth = wire::ClientAuth{};
      header.auth->sender_machine = name;
      header.auth->payload_signature = sign(payload.bytes);
      header.auth->client_id_signature = sign(wire::client_id_bytes(id));
      header.auth->hash_algorithm = "1.2.840.113549.1.1.11";
    }
    return wire::encode_request(header, payload);
  }
  std::string assignments_document(std::optional<Instant> since = {}) const {
    wire::AssignmentRequest r;
    r.client_id = id;
    r.since = since;
    return wire::encode_assignment_request(r);
  }
  wire::ReceivedAssignments assignments(const Peer& from, std::optional<Instant> since = {}) const {
    const auto response = site.post(message("MP_PolicyManager", assignments_document(since)), from);
    auto reply = wire::decode_assignment_reply(document_of(response));
    EXPECT_TRUE(reply) << site.reason();
    return reply.value_or(wire::ReceivedAssignments{});
  }
  net::Headers identity_headers(
      wire::HttpIdentity::Family family = wire::HttpIdentity::Family::client_token) const {
    const wire::IdentityToSign texts(family, id, site.clock.now());
    std::vector<std::string> signatures;
    for (const std::string& text : texts.to_sign()) signatures.push_back(sign(text));
    return texts.headers(signatures);
  }
};

}  // namespace fp::mp
