// Talks to one management point at a time: messages signed with the registered key, .sms_aut, policy bodies (wire.md §3-§9).
// One thread; each call is one request and blocks. Never: choice of the management point, retries, belief in a reply that is
// not checked elsewhere (policy is verified by PolicyCycle, content by Transfer).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/certificate.hpp"
#include "agent/core/transport.hpp"
#include "agent/memory/memory.hpp"
#include "base/clock.hpp"
#include "base/random.hpp"
#include "wire/authority.hpp"
#include "wire/location.hpp"
#include "wire/policy.hpp"
#include "wire/registration.hpp"
#include "wire/upload.hpp"

namespace fp::agent {

struct Names {
  std::string netbios_name, fqdn;
};

class MpClient {
 public:
  MpClient(memory::Memory& memory, Transport& transport, const Clock& clock, Random& random, const ClientCertificate& certificate,
           Names names);

  // `base`: "https://mp1:443". Errors beside the transport's: forbidden (403), unavailable (other status, or the empty reply
  // that means refused or not ready, wire.md §3.4), invalid (a reply that does not parse).
  [[nodiscard]] Result<wire::RegistrationReply> register_client(const std::string& base, wire::RegistrationRequest request);
  [[nodiscard]] Result<wire::ReceivedAssignments> assignments(const std::string& base, wire::AssignmentRequest request);
  // Bytes as they came; `identify`: with signed headers, for a body that is not for everybody.
  [[nodiscard]] Result<std::string> policy_body(const std::string& url, bool identify);
  [[nodiscard]] Result<std::vector<wire::MpEntry>> mp_list(const std::string& base, std::string_view keyword);
  // The same for a client that is there: best first, with categories and localities (domain.md §3.3).
  [[nodiscard]] Result<std::vector<wire::MpEntry>> mp_locations(const std::string& base, const wire::MpLocationRequest& request);
  struct SigningCertificate { std::string der, root_signature; };  // the signature may be empty
  [[nodiscard]] Result<SigningCertificate> site_sign_certificate(const std::string& base);
  // `where`: the addresses and networks of this machine, by which a site may be told.
  [[nodiscard]] Result<std::string> assigned_site(const std::string& base, const wire::ClientLocation& where);
  // Whether the management point there serves this site.
  [[nodiscard]] Result<bool> serves_site(const std::string& base, const std::string& site_code);
  [[nodiscard]] Result<wire::ContentLocationReply> locations(const std::string& base,
                                                             const wire::ContentLocationRequest& request);
  // The software update points of the place that the request says.
  [[nodiscard]] Result<std::vector<wire::WsusLocation>> update_points(const std::string& base, const wire::WsusLocationRequest& request);
  // `endpoint` as on the wire: "MP_RelayEndpoint". Returns when the server has it.
  [[nodiscard]] Status report(const std::string& base, std::string_view endpoint, const std::string& document);
  // Where to send a large body, and one BITS_POST packet to there; any status is a reply (docs/protocol/uploads.md).
  [[nodiscard]] Result<wire::UploadReply> upload_destination(const std::string& base, const wire::UploadRequest& request);
  [[nodiscard]] Result<Reply> bits(const std::string& base, std::string_view upload_id, HeaderList headers, std::string body);
  // Does something answer as a management point there? Any reply counts, a 403 too.
  [[nodiscard]] Status probe(const std::string& base);

  [[nodiscard]] bool proxy_failed() const { return transport_.proxy_failed(); }
  [[nodiscard]] const ClientCertificate& certificate() const { return certificate_; }
  [[nodiscard]] const Names& names() const { return names_; }

 private:
  struct Message;
  [[nodiscard]] Result<std::string> post(const std::string& base, const Message& message);
  [[nodiscard]] Result<std::string> get_authority(const std::string& base, std::string_view query);

  memory::Memory& memory_;
  Transport& transport_;
  const Clock& clock_;
  Random& random_;
  const ClientCertificate& certificate_;
  Names names_;
};

// Whether an error says that nobody was reached there, so that another management point may be tried.
[[nodiscard]] bool is_unreachable(const Error& error);

}  // namespace fp::agent
