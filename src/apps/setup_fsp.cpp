#include "apps/setup_fsp.hpp"

#include "apps/setup_parts.hpp"
#include "base/ids.hpp"

namespace fp::apps {
namespace {

Status check(const FallbackHostOptions& o) {
  for (const auto& there : {database_of(o.data), library_of(o.data), spool_of(o.data)})
    if (file_exists(there)) return fail(Code::conflict, "{} holds a role of a site already ({})", o.data.native(), there.native());
  if (file_exists(o.config)) return fail(Code::conflict, "{} exists already; name another with --config", o.config.native());
  if (!parse_host(o.fqdn)) return fail(Code::invalid, "--fqdn {}: is not a host name", o.fqdn);
  if (!o.clients) return fail(Code::invalid, "no listener for clients: name --clients-listen, such as 0.0.0.0:80");
  if (!o.site) return fail(Code::invalid, "no listener for the site: name --site-listen, such as 0.0.0.0:8443");
  return {};
}

std::string configuration_of(const FallbackHostOptions& o, const std::string& code, const std::string& fingerprint) {
  std::string text = fmt::format(
      "# A fallback status point of the Farpoint site {}. `farpointd check` tells what is wrong with it; docs/configuration.md explains\n"
      "# every line.\n\n[site]\nrole = \"fallback-status-point\"\ncode = \"{}\"\ndata = \"{}\"\ninternet_fqdn = \"{}\"\n",
      code, code, o.data.native(), o.fqdn);
  text += fmt::format("\n[fallback_status_point]\nsite_fingerprint = \"{}\"\nmessages = {}\ninterval_s = 3600\n", fingerprint, o.messages);
  text += listener_text(*o.clients, "clients", o.data);
  return text + listener_text(*o.site, "site", o.data);
}

}  // namespace

Result<SetupResult> set_up_fallback_host(const FallbackHostOptions& o) {
  FP_TRY(code, parse_site_code(o.site_code));
  FP_CHECK(check(o));
  FP_TRY(user, service_user(o.user));
  FP_TRY(site, read_certificate(o.site_certificate));

  FP_CHECK(make_dirs(o.data.parent_path()));
  FP_CHECK(make_dirs(o.data, 0750));
  FP_CHECK(copy_pair(o.certificate, o.key, o.data / "server"));
  return write_host({o.data, o.config, configuration_of(o, code, site.fingerprint()), spool_of(o.data), "spool",
                     fmt::format("only {} ({}) may fetch from it", site.label(), site.fingerprint()), user});
}

}  // namespace fp::apps
