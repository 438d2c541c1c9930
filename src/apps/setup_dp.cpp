#include "apps/setup_dp.hpp"

#include "apps/ownership.hpp"
#include "apps/setup_parts.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::apps {
namespace {

Status check(const ContentHostOptions& o) {
  if (file_exists(library_of(o.data)) || file_exists(database_of(o.data)))
    return fail(Code::conflict, "{} holds a site or a distribution point already", o.data.native());
  if (file_exists(o.config)) return fail(Code::conflict, "{} exists already; name another with --config", o.config.native());
  if (!parse_host(o.fqdn)) return fail(Code::invalid, "--fqdn {}: is not a host name", o.fqdn);
  if (!o.internet && !o.intranet) return fail(Code::invalid, "no HTTPS listener: name --internet-listen, --intranet-listen or both");
  if (o.issuers.empty()) return fail(Code::invalid, "name the issuers of client certificates: --issuer FILE");
  if (o.client_certificate.empty() != o.client_key.empty())
    return fail(Code::invalid, "--client-certificate and --client-key go together");
  if (o.anonymous && !o.intranet_http) return fail(Code::invalid, "--anonymous is for --intranet-http-listen");
  return {};
}

std::string configuration_of(const ContentHostOptions& o, const std::string& code, const std::string& fingerprint) {
  std::string text = fmt::format(
      "# A distribution point of the Farpoint site {}. `farpointd check` tells what is wrong with it; docs/configuration.md explains\n"
      "# every line.\n\n[site]\nrole = \"distribution-point\"\ncode = \"{}\"\ndata = \"{}\"\n",
      code, code, o.data.native());
  if (o.intranet || o.intranet_http) text += fmt::format("intranet_fqdn = \"{}\"\n", o.fqdn);
  if (o.internet) text += fmt::format("internet_fqdn = \"{}\"\n", o.fqdn);
  text += fmt::format("\n[pki]\nissuers = [\"{}\"]\n", (o.data / "issuers.pem").native());
  if (!o.crl_files.empty()) text += fmt::format("crl_files = {}\n", quoted_list(o.crl_files));
  text += fmt::format("\n[distribution_point]\nname = \"{}\"\nanonymous = {}\nsite_fingerprint = \"{}\"\n", o.fqdn, o.anonymous, fingerprint);
  if (!o.client_certificate.empty())
    text += fmt::format("client_certificate = \"{}\"\nclient_key = \"{}\"\n", (o.data / "client.pem").native(), (o.data / "client.key").native());
  if (o.intranet) text += listener_text(*o.intranet, "intranet-https", o.data);
  if (o.internet) text += listener_text(*o.internet, "internet-https", o.data);
  if (o.intranet_http) text += listener_text(*o.intranet_http, "intranet-http", o.data);
  return text;
}

Status copy_certificates(const ContentHostOptions& o) {
  FP_CHECK(copy_issuers(o.issuers, o.data / "issuers.pem"));
  FP_CHECK(copy_pair(o.certificate, o.key, o.data / "server"));
  return o.client_certificate.empty() ? Status() : copy_pair(o.client_certificate, o.client_key, o.data / "client");
}

}  // namespace

Result<SetupResult> set_up_content_host(const ContentHostOptions& o) {
  FP_TRY(code, parse_site_code(o.site_code));
  FP_CHECK(check(o));
  FP_TRY(user, service_user(o.user));
  FP_TRY(site, read_certificate(o.site_certificate));
  if (user) FP_CHECK(must_read(*user, o.crl_files));

  FP_CHECK(make_dirs(o.data.parent_path()));
  FP_CHECK(make_dirs(o.data, 0750));
  FP_CHECK(copy_certificates(o));
  return write_host({o.data, o.config, configuration_of(o, code, site.fingerprint()), library_of(o.data), "content library",
                     fmt::format("only {} ({}) may bring content", site.label(), site.fingerprint()), user});
}

}  // namespace fp::apps
