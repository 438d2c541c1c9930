// HAProxy as bridge and as tunnel; made for 2.6 and later.

#include "cli/publish.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/wsus_limits.hpp"

namespace fp::cli {
namespace {

constexpr std::string_view kTop = R"(# HAProxy publishes Farpoint: @WHAT@.
# Made by: @COMMAND@
# A whole haproxy.cfg: haproxy -c -f FILE checks it. Make it anew rather than change it here; docs/publishing.md explains it.
global
  user haproxy
  group haproxy
  maxconn 4096
  log stdout format raw local0
  # After a reload (a new deny list) whoever is in the middle of something may end it within this time.
  hard-stop-after 60s
)";

constexpr std::string_view kBridge = R"(  # A whole header section must fit: 32 KiB, and what is changed in it. (A site takes 68: a Windows login, which passes no bridge.)
  tune.bufsize 40960
  # No session is resumed: what was revoked or blocked a moment ago must not come in with what it was given before.
  tune.ssl.cachesize 0
  tune.ssl.default-dh-param 2048
  ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets
  ssl-default-server-options ssl-min-ver TLSv1.2

defaults
  mode http
  log global
  # A path may hold a content capability: it is a secret for some hours, and no log needs it.
  log-format "%ci [%t] \"%HM %[var(txn.logged_path)]\" %ST %B \"%[ssl_c_s_dn]\" %[ssl_c_verify] %TR/%Tw/%Tc/%Tr/%Ta"
  option dontlognull
  option http-restrict-req-hdr-names delete
  timeout http-request 20s
  timeout connect 5s
  timeout client 60s
  timeout server 300s
  timeout http-keep-alive 120s
  # Nothing is sent twice.
  retries 0
@FRONTENDS@@BACKENDS@)";

constexpr std::string_view kFrontend = R"(
frontend published_@PORT@
  # Clients end here. The certificate is asked for here and judged below, so that a refusal is an answer and no broken handshake.
  bind @LISTEN@:@PORT@ ssl crt @CERTIFICATE@ strict-sni ca-file @FOLDER@/issuers.pem@CRL@ verify optional ca-ignore-err all crt-ignore-err all
  http-request set-var(txn.logged_path) path,regsub(/\.cap-[^/]*,/.cap-...)
  http-request deny deny_status 403 content-type text/plain string "A client certificate of this site's issuers is needed, current and not revoked." unless { ssl_c_used } { ssl_c_verify 0 } { ssl_c_err 0 } { ssl_c_ca_err 0 }
  # Certificates of blocked devices, refreshed by: farpoint publish --deny-list-only
  http-request deny deny_status 403 if { ssl_c_der,sha2(256),hex,lower -m str -f @FOLDER@/denied.lst }
  # One name for TLS and HTTP, and no way around the paths below.
  http-request deny deny_status 421 unless { req.hdr(host),field(1,:),lower -m str @NAMES@ }
  http-request deny deny_status 400 if { path,url_dec -m sub /../ }
  acl mp_message path,url_dec -m reg -i ^/ccm_system(_windowsauth)?/request$
  acl mp_upload  path,url_dec -m reg -i ^/ccm_incoming/
  acl mp_other   path,url_dec -m reg -i ^/(sms_mp|sms_mp_windowsauth|ccm_client)(/|$)
  acl dp_content path,url_dec -m reg -i ^/sms_dp_sms(pkg|sig)\$(/|$)
  acl sup_scan   path,url_dec -m reg -i ^/(clientwebservice/client|simpleauthwebservice/simpleauth|reportingwebservice/(reportingwebservice|webservice))\.asmx$
  # Verbs, from the table of internet-based client management.
  http-request deny deny_status 404 unless mp_message || mp_upload || mp_other || dp_content || sup_scan
  http-request deny deny_status 405 if dp_content !{ method HEAD GET PROPFIND }
  http-request deny deny_status 405 if sup_scan !{ method POST }
  http-request deny deny_status 405 if !dp_content !sup_scan !{ method HEAD GET PROPFIND CCM_POST BITS_POST }
  # Limits are those of the site behind, which also counts what is sent in chunks.
  http-request deny deny_status 413 if mp_message { req.body_size gt @MESSAGE@ }
  http-request deny deny_status 413 if mp_upload { req.body_size gt @FRAGMENT@ }
  http-request deny deny_status 413 if sup_scan { req.body_size gt @SCAN@ }
  http-request deny deny_status 413 if !mp_message !mp_upload !sup_scan { req.body_size gt 65536 }
@RULES@@HEADERS@@USES@)";

constexpr std::string_view kBackend = R"(
backend @LABEL@
  # TLS of our own, with our own client certificate, to a server that proves its public name.
  server site @BACKEND@ ssl verify required ca-file @FOLDER@/backend-issuers.pem verifyhost @NAME@ sni str(@NAME@) crt @CERTIFICATE@
)";

constexpr std::string_view kTunnel = R"(
defaults
  mode tcp
  log global
  option tcplog
  option dontlognull
  timeout connect 5s
  timeout client 300s
  timeout server 300s
# TLS is not ended here: nothing is inspected, no certificate is needed, and clients prove themselves to the site.
)";

constexpr std::string_view kTunnelFrontend = R"(
frontend published_@PORT@
  bind @LISTEN@:@PORT@
  tcp-request inspect-delay 20s
  tcp-request content reject if !{ req.ssl_hello_type 1 } WAIT_END
  tcp-request content accept if { req.ssl_hello_type 1 }
@USES@)";

// Deletes what is not on the list; names are in lower case here.
std::string headers_of(bool strict, std::string_view condition, const std::vector<std::string_view>& names) {
  if (!strict) return {};
  std::string list;
  for (const auto name : names) list += (list.empty() ? "" : "|") + std::string(name);
  return fmt::format("  http-request del-header ^(?!({})$) -m reg if {}\n", list, condition);
}

std::string all_headers(bool strict) {
  if (strict)
    return "  # Only the headers of the table, plain HTTP's own and those of BITS.\n" + headers_of(true, "dp_content", strict_headers_dp()) +
           headers_of(true, "sup_scan", strict_headers_sup()) +
           headers_of(true, "!dp_content !sup_scan", strict_headers_mp());
  return "  # What a proxy on the client's side said about it is nothing that the site should read.\n"
         "  http-request del-header ^(forwarded|via|x-forwarded-.*|x-real-ip|front-end-https)$ -m reg\n";
}

std::string frontend_of(int port, const std::vector<PublishedHost>& hosts, const PublishOptions& options) {
  std::string names, rules, uses;
  for (const auto& host : hosts) {
    if (host.port != port) continue;
    names += (names.empty() ? "" : " ") + host.name;
    const std::string named = fmt::format("{{ req.hdr(host),field(1,:),lower -m str {} }}", host.name);
    rules += fmt::format("  http-request deny deny_status 421 if {} !{{ ssl_fc_sni -m str -i {} }}\n", named, host.name);
    if (host.dp.empty()) rules += fmt::format("  http-request deny deny_status 404 if dp_content {}\n", named);
    else uses += fmt::format("  use_backend dp_{} if dp_content {}\n", label_of(host), named);
    if (host.sup.empty()) rules += fmt::format("  http-request deny deny_status 404 if sup_scan {}\n", named);
    else uses += fmt::format("  use_backend sup_{} if sup_scan {}\n", label_of(host), named);
    if (host.mp.empty()) rules += fmt::format("  http-request deny deny_status 404 if !dp_content !sup_scan {}\n", named);
    else uses += fmt::format("  use_backend mp_{} if !dp_content !sup_scan {}\n", label_of(host), named);
  }
  return filled(kFrontend, {{"LISTEN", options.listen},
                                        {"PORT", std::to_string(port)},
                                        {"CERTIFICATE", options.certificate},
                                        {"FOLDER", options.folder},
                                        {"CRL", options.revocation ? " crl-file " + options.folder + "/revoked.pem" : ""},
                                        {"NAMES", names},
                                        {"MESSAGE", std::to_string(limits::kMessageBodyBytesMax)},
                                        {"FRAGMENT", std::to_string(limits::kBitsFragmentBytesMax)},
                                        {"SCAN", std::to_string(wire::wsus_limits::kRequestBytesMax)},
                                        {"RULES", rules},
                                        {"HEADERS", all_headers(options.strict)},
                                        {"USES", uses}});
}

std::string backend_of(std::string_view role, const PublishedHost& host, const std::string& backend, const PublishOptions& options) {
  if (backend.empty()) return {};
  return filled(kBackend, {{"LABEL", fmt::format("{}_{}", role, label_of(host))},
                           {"BACKEND", backend},
                           {"FOLDER", options.folder},
                           {"NAME", host.name},
                           {"CERTIFICATE", options.certificate}});
}

}  // namespace

std::string haproxy_bridge(const std::vector<PublishedHost>& hosts, const PublishOptions& options) {
  std::string frontends, backends;
  for (const int port : ports_of(hosts)) frontends += frontend_of(port, hosts, options);
  for (const auto& host : hosts) backends += backend_of("mp", host, host.mp, options) + backend_of("dp", host, host.dp, options) + backend_of("sup", host, host.sup, options);
  const std::vector<std::pair<std::string_view, std::string>> values{{"WHAT", options.strict ? "SSL bridging, strict" : "SSL bridging"},
                                                                     {"COMMAND", options.command},
                                                                     {"FRONTENDS", frontends},
                                                                     {"BACKENDS", backends}};
  return filled(kTop, values) + filled(kBridge, values);
}

std::string haproxy_tunnel(const std::vector<PublishedHost>& hosts, const PublishOptions& options) {
  std::string out = filled(kTop, {{"WHAT", "SSL tunnelling"}, {"COMMAND", options.command}}) + std::string(kTunnel);
  for (const int port : ports_of(hosts)) {
    std::string uses;
    for (const auto& host : hosts)
      if (host.port == port) uses += fmt::format("  use_backend {} if {{ req.ssl_sni -m str -i {} }}\n", label_of(host), host.name);
    out += filled(kTunnelFrontend, {{"LISTEN", options.listen}, {"PORT", std::to_string(port)}, {"USES", uses}});
  }
  for (const auto& host : hosts)
    out += fmt::format("\nbackend {}\n  server site {}{}\n", label_of(host), only_backend(host),
                       options.proxy_protocol ? " send-proxy-v2" : "");
  return out;
}

}  // namespace fp::cli
