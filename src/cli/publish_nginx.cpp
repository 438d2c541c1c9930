// nginx as bridge and as tunnel; made for 1.22 and later.
#include <algorithm>
#include <set>

#include "cli/publish.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/wsus_limits.hpp"

namespace fp::cli {
namespace {

constexpr std::string_view kTop = R"(# nginx publishes Farpoint: @WHAT@.
# Made by: @COMMAND@
# A whole nginx.conf: nginx -t -c FILE checks it. Make it anew rather than change it here; docs/publishing.md explains it.
user www-data;
worker_processes auto;
worker_rlimit_nofile 16384;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
include /etc/nginx/modules-enabled/*.conf;
# After a reload (a new deny list) whoever is in the middle of something may end it within this time.
worker_shutdown_timeout 60s;
events { worker_connections 4096; }
)";

constexpr std::string_view kBridgeTop = R"(  # A path may hold a content capability: it is a secret for some hours, and no log needs it.
  map $request_uri $logged_uri {
    "~^(?<before>.*/\.cap-)[^/]*(?<behind>.*)$" "$before...$behind";
    default $request_uri;
  }
  log_format farpoint '$remote_addr [$time_iso8601] "$request_method $logged_uri" $status $body_bytes_sent '
                      '"$ssl_client_s_dn" $ssl_client_verify $upstream_status $request_time';
  access_log /var/log/nginx/access.log farpoint;
  server_tokens off;

  # Verbs, from the table of internet-based client management; everything else is answered 405 here.
  map $request_method $mp_verb { default 0; "~^(HEAD|GET|PROPFIND|CCM_POST|BITS_POST)$" 1; }
  map $request_method $dp_verb { default 0; "~^(HEAD|GET|PROPFIND)$" 1; }
  map $request_method $sup_verb { default 0; POST 1; }
  # Certificates of blocked devices, refreshed by: farpoint publish --deny-list-only
  map $ssl_client_fingerprint $denied { default 0; include @FOLDER@/denied.map; }

)";

constexpr std::string_view kBridgeClients = R"(  # Clients end here: TLS with a client certificate of the site's issuers. No session is resumed: what was revoked or blocked a
  # moment ago must not come in with what it was given before.
  ssl_certificate @CERTIFICATE@;
  ssl_certificate_key @KEY@;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache off;
  ssl_session_tickets off;
  ssl_client_certificate @FOLDER@/issuers.pem;
  ssl_verify_client on;
  ssl_verify_depth 6;
@CRL@
  # Limits and times are those of the site behind.
  client_header_buffer_size 8k;
  large_client_header_buffers 4 8k;
  client_header_timeout 20s;
  client_body_timeout 30s;
  send_timeout 60s;
  keepalive_timeout 120s;
  reset_timedout_connection on;
  underscores_in_headers off;
  ignore_invalid_headers on;

)";

constexpr std::string_view kBridgeSite = R"(  # To the site: HTTP/1.1 on TLS of our own, with our own client certificate, to a server that proves its public name.
  proxy_http_version 1.1;
  proxy_ssl_certificate @CERTIFICATE@;
  proxy_ssl_certificate_key @KEY@;
  proxy_ssl_trusted_certificate @FOLDER@/backend-issuers.pem;
  proxy_ssl_verify on;
  proxy_ssl_verify_depth 6;
  proxy_ssl_server_name on;
  proxy_ssl_protocols TLSv1.2 TLSv1.3;
  # Uploads go through as they come, downloads are never laid on the disk, nothing is sent twice.
  proxy_request_buffering off;
  proxy_buffer_size 64k;
  proxy_buffers 16 64k;
  proxy_busy_buffers_size 128k;
  proxy_max_temp_file_size 0;
  proxy_next_upstream off;
  proxy_connect_timeout 5s;
  proxy_send_timeout 60s;
  proxy_read_timeout 300s;
  proxy_redirect off;
@UPSTREAMS@@DEFAULTS@@SERVERS@)";

// A name that is not published ends in the handshake.
constexpr std::string_view kDefault = R"(
  server {
    listen @LISTEN@:@PORT@ ssl default_server;
    ssl_reject_handshake on;
  }
)";

constexpr std::string_view kServer = R"(
  server {
    listen @LISTEN@:@PORT@ ssl;
    server_name @NAME@;
    proxy_ssl_name @NAME@;
    error_page 495 496 =403 /.certificate;
    location = /.certificate { internal; default_type text/plain; return 403 "A client certificate of this site's issuers is needed, current and not revoked.\n"; }
    if ($denied) { return 403; }
    location / { return 404; }
@LOCATIONS@  }
)";

constexpr std::string_view kLocation = R"(    location ~* @PATTERN@ {  # @WHAT@
      if ($@ROLE@_verb = 0) { return 405; }
      client_max_body_size @BODY@k;
      proxy_pass https://@UPSTREAM@;
@HEADERS@    }
)";

struct Place {
  std::string_view role, pattern, what;
  std::size_t body_bytes;
  bool shared;  // connections to the site may carry requests of several clients
};
constexpr std::size_t kSmallBody = 64U << 10;
const Place kPlaces[] = {
    {"mp", "^/ccm_system/request$", "messages", limits::kMessageBodyBytesMax, true},
    {"mp", "^/ccm_incoming/", "uploads", limits::kBitsFragmentBytesMax, true},
    {"mp", "^/(sms_mp|ccm_client)(/|$)", "policy, lists, files of the client", kSmallBody, true},
    // A login belongs to its connection, so nobody else's request may come on that one.
    {"mp", "^/(ccm_system_windowsauth/request$|sms_mp_windowsauth(/|$))", "user policy", limits::kMessageBodyBytesMax, false},
    {"sup", "^/(clientwebservice/client|simpleauthwebservice/simpleauth|reportingwebservice/(reportingwebservice|webservice))\\.asmx$",
     "scans for updates", wire::wsus_limits::kRequestBytesMax, true},
    {"dp", "^/sms_dp_sms(pkg|sig)\\$(/|$)", "content", kSmallBody, true},
};

std::string block(std::string_view name, const std::string& inside) { return fmt::format("\n{} {{\n{}}}\n", name, inside); }

// What nginx does not write by itself. Content-Length and Transfer-Encoding are always its own, made from what it read.
std::string headers_of(const Place& place, bool strict) {
  std::string out = fmt::format("      proxy_set_header Host $http_host;\n      proxy_set_header Connection {};\n", place.shared ? "\"\"" : "close");
  if (!strict) {  // what a proxy on the client's side said about it is nothing that the site should read
    for (const auto* name : {"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Front-End-Https"})
      out += fmt::format("      proxy_set_header {} \"\";\n", name);
    return out;
  }
  out += "      proxy_pass_request_headers off;\n";
  const std::set<std::string_view> made{"host", "connection", "content-length", "transfer-encoding"};
  for (const auto name : place.role == "mp" ? strict_headers_mp() : place.role == "dp" ? strict_headers_dp() : strict_headers_sup()) {
    if (made.contains(name)) continue;
    std::string variable(name);
    std::ranges::replace(variable, '-', '_');
    out += fmt::format("      proxy_set_header {} $http_{};\n", name, variable);
  }
  return out;
}

std::string server_of(const PublishedHost& host, const PublishOptions& options) {
  std::string locations;
  for (const auto& place : kPlaces) {
    const std::string& backend = place.role == "mp" ? host.mp : place.role == "dp" ? host.dp : host.sup;
    if (backend.empty()) continue;
    const std::string upstream = fmt::format("{}_{}{}", place.role, label_of(host), place.shared ? "" : "_login");
    locations += filled(kLocation, {{"PATTERN", std::string(place.pattern)},
                                    {"WHAT", std::string(place.what)},
                                    {"ROLE", std::string(place.role)},
                                    {"BODY", std::to_string(place.body_bytes >> 10U)},
                                    {"UPSTREAM", upstream},
                                    {"HEADERS", headers_of(place, options.strict)}});
  }
  return filled(kServer, {{"LISTEN", options.listen}, {"PORT", std::to_string(host.port)}, {"NAME", host.name}, {"LOCATIONS", locations}});
}

std::string upstreams_of(const PublishedHost& host) {
  std::string out;
  const std::string label = label_of(host);
  if (!host.mp.empty()) {
    out += fmt::format("\n  upstream mp_{} {{ server {}; keepalive 32; }}\n", label, host.mp);
    out += fmt::format("  upstream mp_{}_login {{ server {}; }}\n", label, host.mp);
  }
  if (!host.sup.empty()) out += fmt::format("\n  upstream sup_{} {{ server {}; keepalive 32; }}\n", label, host.sup);
  if (!host.dp.empty()) out += fmt::format("\n  upstream dp_{} {{ server {}; keepalive 32; }}\n", label, host.dp);
  return out;
}

constexpr std::string_view kTunnel = R"(# The stream module is needed (Debian: libnginx-mod-stream).
stream {
  error_log /var/log/nginx/error.log;
  # TLS is not ended here: nothing is inspected, no certificate is needed, and clients prove themselves to the site.
@UPSTREAMS@@SERVERS@}
)";

constexpr std::string_view kTunnelServer = R"(
  map $ssl_preread_server_name $to_@PORT@ {
    default nobody;
@NAMES@  }
  server {
    listen @LISTEN@:@PORT@;
    ssl_preread on;
    preread_timeout 20s;
    proxy_pass $to_@PORT@;
    proxy_connect_timeout 5s;
    proxy_timeout 300s;
@PROXY@  }
)";

}  // namespace

std::string nginx_bridge(const std::vector<PublishedHost>& hosts, const PublishOptions& options) {
  std::string upstreams, defaults, servers;
  for (const auto& host : hosts) {
    upstreams += upstreams_of(host);
    servers += server_of(host, options);
  }
  for (const int port : ports_of(hosts)) defaults += filled(kDefault, {{"LISTEN", options.listen}, {"PORT", std::to_string(port)}});
  const std::string crl = options.revocation ? "  # A list that is too old refuses everybody: see to the refresh.\n  ssl_crl " + options.folder + "/revoked.pem;\n"
                                             : std::string("  # Revocation is not checked here (--without-revocation-lists).\n");
  const std::vector<std::pair<std::string_view, std::string>> values{
      {"WHAT", options.strict ? "SSL bridging, strict" : "SSL bridging"}, {"COMMAND", options.command}, {"FOLDER", options.folder},
      {"CERTIFICATE", options.certificate}, {"KEY", options.key}, {"CRL", crl}, {"UPSTREAMS", upstreams}, {"DEFAULTS", defaults},
      {"SERVERS", servers}};
  return filled(kTop, values) + block("http", filled(kBridgeTop, values) + filled(kBridgeClients, values) + filled(kBridgeSite, values));
}

std::string nginx_tunnel(const std::vector<PublishedHost>& hosts, const PublishOptions& options) {
  std::string upstreams = "  upstream nobody { server 127.0.0.1:1 down; }\n", servers;
  for (const auto& host : hosts)
    upstreams += fmt::format("  upstream {} {{ server {}; }}\n", label_of(host), only_backend(host));
  for (const int port : ports_of(hosts)) {
    std::string names;
    for (const auto& host : hosts)
      if (host.port == port) names += fmt::format("    {} {};\n", host.name, label_of(host));
    servers += filled(kTunnelServer, {{"LISTEN", options.listen},
                                      {"PORT", std::to_string(port)},
                                      {"NAMES", names},
                                      {"PROXY", options.proxy_protocol ? "    proxy_protocol on;\n" : ""}});
  }
  const std::vector<std::pair<std::string_view, std::string>> values{{"WHAT", "SSL tunnelling"}, {"COMMAND", options.command},
                                                                     {"UPSTREAMS", upstreams}, {"SERVERS", servers}};
  return filled(kTop, values) + filled(kTunnel, values);
}

}  // namespace fp::cli
