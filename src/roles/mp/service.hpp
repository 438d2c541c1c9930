// The management point: registration, policy, location, reports and uploads (wire.md §1-§10) as one function
// from request to response. Any thread, any number at once; a request costs a few reads of the store, one
// signature verification and, for reports, one write whose ticket rides on the response. Never: routing by
// User-Agent, belief in a key that a message brings, state of its own beside the store and the folder of
// uploads.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "directory/windows_login.hpp"
#include "model/peer.hpp"
#include "net/http.hpp"
#include "store/store.hpp"

namespace fp::mp {

enum class ApprovalMode {
  manual,
  trusted,
  all
};  // trusted: what signs with a certificate of a listed issuer

struct Settings {
  std::string site_code;
  std::string host;                        // FQDN of this management point
  std::string internet_host;               // the same on the internet; empty: host
  std::string version = "5.00.9128.1000";  // of the site, as SiteInfoReply says it
  std::string build = "9128";
  ApprovalMode approval = ApprovalMode::trusted;
  bool legacy_cms = false;                // secret bodies in the old envelope
  bool gateway_traffic = false;           // gateways are named to clients on the internet
  int http_port = 80, https_port = 443;   // request ports on the intranet, as replies name them
  const directory::WindowsLogins* windows_logins = nullptr;  // null: the Windows doors are not there
  std::set<Door> windows_doors;
  bool issue_capabilities = true;  // locations for internet clients carry a signed content capability
  std::string
      capability_key;  // the site's secret, from which each distribution point has its own (wire/capability.hpp); empty: none issued
  std::int64_t capability_life_s = 8 * 3600;
  std::string site_signing_certificate_der;  // SITESIGNCERT
  std::string site_signing_proof;            // and the trusted root key's signature over it
  std::string trusted_root_key;              // SubjectPublicKeyInfo, DER
  std::string certificate_der;               // of this management point: MPCERT
  std::string unknown_x86, unknown_x64;      // GUIDs of boot media clients; empty: not offered
  std::string open_dp, open_dp_url;          // this server's anonymous distribution point over plain HTTP; empty: none
  Path client_files;                         // served below /CCM_Client; empty: 404
  Path uploads;                              // folder of BITS sessions; empty: uploads are off (501)
  std::int64_t uploads_bytes_max = std::int64_t{4} << 30;  // all unfinished and unused uploads together
};

// Chain, dates, purpose and revocation of a client certificate that came inside a request (pki::Verifier in
// the programs).
using CertificateVerifier = std::function<CertificateCheck(std::string_view der, Instant now)>;

// Why a request was turned down. Every refusal makes one of these and one log line, and changes no state.
struct Refusal {
  std::string component;  // mp.register, mp.policy, mp.location, mp.report, mp.upload, mp.message
  int status = 0;         // of the response; 200: the empty answer of wire.md §16
  std::string client_id;  // canonical, where it is known
  std::string reason;     // one sentence
};
using RefusalHook = std::function<void(const Refusal&)>;

class Service {
 public:
  Service(store::Store& store, const Clock& clock, Random& random, const Settings& settings,
          CertificateVerifier verifier);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  [[nodiscard]] net::Response handle(net::Request& request);
  // net::QuickHandler: what memory alone can answer, by the same rules; empty for everything else.
  [[nodiscard]] std::optional<net::Response> handle_at_once(net::Request& request);
  // True for a path of the management point: what the program asks before it hands a request to this role.
  [[nodiscard]] static bool owns(std::string_view decoded_path);
  // Largest body of a request with this head (net::BodyLimit); 0: none is read.
  [[nodiscard]] static std::size_t body_limit(const net::Request& head);
  // The answer where that limit is passed (net::TooLarge); nothing: the server's own.
  [[nodiscard]] std::optional<net::Response> too_large(const net::Request& head);

  // Called for every refusal, on the thread that refuses. Set before the first request; tests and metrics.
  void on_refusal(RefusalHook hook);
  // Ends upload sessions without traffic for 14 days, forgets old replay entries. Call now and then, one
  // thread at a time.
  [[nodiscard]] Status tidy();

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace fp::mp
