#include "apps/setup_linked.hpp"

#include "apps/ownership.hpp"
#include "apps/setup_parts.hpp"
#include "base/ids.hpp"
#include "base/subnet.hpp"
#include "base/text.hpp"
#include "wire/gateway.hpp"

namespace fp::apps {
namespace {

std::string_view kind_of(HostRole role) {
  switch (role) {
    case HostRole::secondary_site: return "secondary site";
    case HostRole::gateway: return "gateway";
    case HostRole::fallback_status_point: return "fallback status point";
    case HostRole::enrollment_proxy_point: return "enrollment proxy point";
    default: return "management point";
  }
}

bool passes_on(const LinkedHostOptions& o) { return o.role != HostRole::fallback_status_point; }
bool site_opens(const LinkedHostOptions& o) { return o.role == HostRole::gateway || o.role == HostRole::fallback_status_point; }

Status check_doors(const LinkedHostOptions& o) {
  if (o.role == HostRole::fallback_status_point && !o.clients)
    return fail(Code::invalid, "no listener for clients: name --clients-listen, such as 0.0.0.0:80");
  if (!passes_on(o)) return parse_host(o.internet_fqdn) ? Status() : fail(Code::invalid, "--fqdn {}: is not a host name", o.internet_fqdn);
  if (o.role == HostRole::gateway && !o.internet) return fail(Code::invalid, "a gateway is nothing without --internet-listen");
  if (!o.internet && !o.intranet) return fail(Code::invalid, "no HTTPS listener: name --internet-listen, --intranet-listen or both");
  if (o.internet && o.internet_fqdn.empty()) return fail(Code::invalid, "--internet-listen needs --internet-fqdn");
  if (o.intranet && o.intranet_fqdn.empty()) return fail(Code::invalid, "--intranet-listen needs --intranet-fqdn");
  if (o.issuers.empty()) return fail(Code::invalid, "name the issuers of client certificates: --issuer FILE");
  return {};
}

Status check(const LinkedHostOptions& o) {
  for (const auto& there : {database_of(o.data), library_of(o.data), spool_of(o.data), o.data / "server.pem", o.data / "link.pem"})
    if (file_exists(there)) return fail(Code::conflict, "{} holds a site or a role already ({})", o.data.native(), there.native());
  if (file_exists(o.config)) return fail(Code::conflict, "{} exists already; name another with --config", o.config.native());
  FP_CHECK(check_doors(o));
  if (o.link_certificate.empty() != o.link_key.empty()) return fail(Code::invalid, "--link-certificate and --link-key go together");
  if (site_opens(o) && !o.link) return fail(Code::invalid, "name --link-listen: the site opens the site link to a {}", kind_of(o.role));
  if (o.link.has_value() != o.site.empty())
    return fail(Code::invalid, "name either --link-listen, where the site opens the site link, or --site HOST:PORT, where this host opens it");
  if (!o.site.empty()) FP_CHECK(parse_host_port(o.site));
  if (o.role == HostRole::secondary_site && o.parent.empty()) return fail(Code::invalid, "--parent: the site code of the primary site is needed");
  return {};
}

std::string site_text(const LinkedHostOptions& o, const std::string& code) {
  std::string text = "\n[site]\n";
  text += o.role == HostRole::secondary_site ? fmt::format("type = \"secondary\"\nparent = \"{}\"\n", upper(o.parent))
                                             : fmt::format("role = \"{}\"\n", name_of(o.role));
  text += fmt::format("code = \"{}\"\ndata = \"{}\"\n", code, o.data.native());
  if (!o.intranet_fqdn.empty()) text += fmt::format("intranet_fqdn = \"{}\"\n", o.intranet_fqdn);
  if (!o.internet_fqdn.empty()) text += fmt::format("internet_fqdn = \"{}\"\n", o.internet_fqdn);
  return text;
}

std::string roles_text(const LinkedHostOptions& o) {
  std::string text;
  if (passes_on(o)) {
    text += fmt::format("\n[pki]\nissuers = [\"{}\"]\n", (o.data / "issuers.pem").native());
    if (!o.crl_files.empty()) text += fmt::format("crl_files = {}\n", quoted_list(o.crl_files));
    if (!o.verify_revocation) text += "check_crl = false\n";
  }
  const bool alone = o.role == HostRole::enrollment_proxy_point;
  const std::string_view connections = o.intranet && o.internet ? "both" : o.internet ? "internet" : "intranet";
  if (passes_on(o) && o.role != HostRole::gateway && !alone) text += fmt::format("\n[management_point]\nconnections = \"{}\"\n", connections);
  if (alone || o.enrollment) text += fmt::format("\n[enrollment_proxy_point]\nconnections = \"{}\"\n", connections);
  if (o.role == HostRole::gateway) text += fmt::format("\n[distribution_point]\nenabled = {}\n", o.content);
  if (o.clients) text += fmt::format("\n[fallback_status_point]\nmessages = {}\ninterval_s = 3600\n", o.messages);
  return text;
}

std::string configuration_of(const LinkedHostOptions& o, const std::string& code, const std::string& fingerprint) {
  std::string text = fmt::format(
      "# A {} of Farpoint. `farpointd check` tells what is wrong with it; docs/configuration.md explains every line.\n", kind_of(o.role));
  text += site_text(o, code) + roles_text(o) + "\n[link]\n";
  if (o.link) text += fmt::format("address = \"{}\"\nport = {}\n", o.link->address, o.link->port);
  else text += fmt::format("site = \"{}\"\n", o.site);
  text += fmt::format("certificate = \"{}\"\nkey = \"{}\"\nsite_fingerprint = \"{}\"\n", (o.data / "link.pem").native(),
                      (o.data / "link.key").native(), fingerprint);
  if (o.intranet) text += listener_text(*o.intranet, "intranet-https", o.data);
  if (o.internet) text += listener_text(*o.internet, "internet-https", o.data);
  if (o.intranet_http) text += listener_text(*o.intranet_http, "intranet-http", o.data);
  if (o.clients) text += listener_text(*o.clients, "clients", o.data);
  return text;
}

Status copy_certificates(const LinkedHostOptions& o) {
  if (passes_on(o)) {
    FP_CHECK(copy_issuers(o.issuers, o.data / "issuers.pem"));
    FP_CHECK(copy_pair(o.certificate, o.key, o.data / "server"));
  }
  const bool own_link = !o.link_certificate.empty();
  return copy_pair(own_link ? o.link_certificate : o.certificate, own_link ? o.link_key : o.key, o.data / "link");
}

}  // namespace

Result<SetupResult> set_up_linked_host(const LinkedHostOptions& o) {
  FP_TRY(code, parse_site_code(o.site_code));
  FP_CHECK(check(o));
  FP_TRY(user, service_user(o.user));
  FP_TRY(fingerprint, fingerprint_of(o.site_certificate));
  if (user) FP_CHECK(must_read(*user, o.crl_files));
  FP_CHECK(check_pair(o.certificate, o.key));
  if (!o.link_certificate.empty()) FP_CHECK(check_pair(o.link_certificate, o.link_key));

  SetupResult result;
  result.config = o.config;
  FP_CHECK(make_dirs(o.data.parent_path()));
  FP_CHECK(make_dirs(o.data, 0750));
  FP_CHECK(copy_certificates(o));
  if (o.role == HostRole::secondary_site || (o.role == HostRole::gateway && o.content)) FP_CHECK(make_dirs(library_of(o.data)));
  if (o.clients) FP_CHECK(make_dirs(spool_of(o.data)));
  FP_CHECK(write_configuration(o.config, configuration_of(o, code, fingerprint)));
  if (user) FP_CHECK(give_to(*user, o.data, o.config));
  FP_TRY(own, fingerprint_of(o.data / "link.pem"));
  result.made.push_back(fmt::format("configuration {}", o.config.native()));
  if (o.role == HostRole::gateway)
    result.made.push_back(fmt::format("clients may be installed with CCMHOSTNAME={}, or with the host name alone",
                                      wire::gateway_address(o.internet_fqdn, fmt::format("{}:{}", o.internet_fqdn, o.internet->port))));
  result.made.push_back(fmt::format("only the site with the certificate {} is spoken to", fingerprint));
  result.made.push_back(fmt::format("this host shows {} on the site link", own));
  if (user) result.made.push_back(fmt::format("everything in {} belongs to the user {}, which runs the service", o.data.native(), user->name));
  return result;
}

}  // namespace fp::apps
