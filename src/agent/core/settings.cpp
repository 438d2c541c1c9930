#include "agent/core/settings.hpp"

#include <functional>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "domain/internet/features.hpp"
#include "pki/selection.hpp"
#include "wire/gateway.hpp"

namespace fp::agent {

Paths Paths::below(const Path& dir) {
  return {dir / "agent.conf", dir / "certificates", dir, dir / "run", dir / "log" / "agent.log"};
}

Paths Paths::prefixed(const Path& root) {
  Paths p;
  for (Path* each : {&p.config, &p.certificates, &p.data, &p.run, &p.log}) *each = root / each->relative_path();
  return p;
}

namespace {

Result<bool> parse_bool(std::string_view text) {
  if (text == "1" || iequals(text, "true") || iequals(text, "yes")) return true;
  if (text == "0" || iequals(text, "false") || iequals(text, "no")) return false;
  return fail(Code::invalid, "\"{}\" is neither 1 nor 0", text);
}

// host, host:port or [v6]:port, with https:// or http:// in front where that is allowed.
Status check_host(std::string_view text, bool scheme_allowed) {
  std::string_view rest = text;
  for (std::string_view scheme : {"https://", "http://"}) {
    if (!istarts_with(rest, scheme)) continue;
    if (!scheme_allowed) return fail(Code::invalid, "\"{}\": write the host without {}", text, scheme);
    rest.remove_prefix(scheme.size());
    break;
  }
  if (const auto colon = rest.rfind(':'); colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos &&
                                          (rest.find(':') == colon || rest.front() == '[')) {
    const auto port = parse_int(rest.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return fail(Code::invalid, "\"{}\": the port is not 1 to 65535", text);
    rest = rest.substr(0, colon);
  }
  if (rest.starts_with('[') && rest.ends_with(']')) rest = rest.substr(1, rest.size() - 2);
  FP_CHECK(parse_host(rest));
  return {};
}

// One line of the table: how a property is set, and how it is written into the file (empty: left out).
struct Property {
  std::string_view name;
  std::function<Status(InstallSettings&, std::string_view)> set;
  std::function<std::string(const InstallSettings&)> get;
};

Property text(std::string_view name, std::string InstallSettings::* field) {
  return {name,
          [field](InstallSettings& s, std::string_view v) -> Status {
            s.*field = std::string(v);
            return {};
          },
          [field](const InstallSettings& s) { return s.*field; }};
}

Property host(std::string_view name, std::string InstallSettings::* field) {
  Property p = text(name, field);
  p.set = [field](InstallSettings& s, std::string_view v) -> Status {
    if (!v.empty()) FP_CHECK(check_host(v, false));
    s.*field = std::string(v);
    return {};
  };
  return p;
}

Property flag(std::string_view name, bool InstallSettings::* field) {
  return {name,
          [field](InstallSettings& s, std::string_view v) -> Status {
            FP_TRY(value, parse_bool(v));
            s.*field = value;
            return {};
          },
          [field](const InstallSettings& s) { return std::string(s.*field ? "1" : "0"); }};
}

template <class T>
Property number(std::string_view name, T InstallSettings::* field, std::int64_t low, std::int64_t high) {
  return {name,
          [field, low, high](InstallSettings& s, std::string_view v) -> Status {
            const auto value = parse_int(v);
            if (!value || *value < low || *value > high) return fail(Code::invalid, "\"{}\" is not {} to {}", v, low, high);
            s.*field = static_cast<T>(*value);
            return {};
          },
          [field](const InstallSettings& s) { return std::to_string(s.*field); }};
}

// "host[:port]", or of a gateway, as others write it, "host[:port]/CCM_Proxy_MutualAuth/<id>" (domain.md §0.3).
Status set_internet_mp(InstallSettings& s, std::string_view v) {
  const auto slash = v.starts_with("http") && v.find("://") != std::string_view::npos ? std::string_view::npos : v.find('/');
  const std::string_view prefix = slash == std::string_view::npos ? std::string_view{} : v.substr(slash);
  if (!v.empty()) FP_CHECK(check_host(v.substr(0, slash), false));
  const auto gateway = wire::split_gateway_target(std::string(prefix) + "/");
  if (!prefix.empty() && (!gateway || gateway->rest != "/"))
    return fail(Code::invalid, "\"{}\": behind the host only /CCM_Proxy_MutualAuth/NUMBER of a gateway may stand", v);
  s.internet_mp = std::string(v);
  return {};
}

Status set_site_code(InstallSettings& s, std::string_view v) {
  if (iequals(v, "AUTO")) {
    s.site_code = "AUTO";
    return {};
  }
  FP_TRY(code, parse_site_code(v));
  s.site_code = code;
  return {};
}

Status add_management_points(InstallSettings& s, std::string_view v) {
  for (const auto part : split(v, ';')) {
    if (trim(part).empty()) continue;
    FP_CHECK(check_host(trim(part), true));
    const std::string name(trim(part));
    if (std::ranges::find(s.management_points, name) == s.management_points.end()) s.management_points.push_back(name);
  }
  return {};
}

std::string join_management_points(const InstallSettings& s) {
  std::string out;
  for (const auto& m : s.management_points) out += (out.empty() ? "" : ";") + m;
  return out;
}

Status set_selection(InstallSettings& s, std::string_view v) {
  if (!v.empty()) FP_CHECK(pki::parse_certsel(v));
  s.certificate_selection = std::string(v);
  return {};
}

Status set_issuers(InstallSettings& s, std::string_view v) {
  if (!v.empty()) FP_CHECK(pki::parse_issuers(v));
  s.certificate_issuers = std::string(v);
  return {};
}

Status set_dns_suffix(InstallSettings& s, std::string_view v) {
  while (v.starts_with('.')) v.remove_prefix(1);
  if (!v.empty()) FP_CHECK(parse_host(v));
  s.dns_suffix = lower(v);
  return {};
}

Status set_domain(InstallSettings& s, std::string_view v) {
  if (v.empty()) {
    s.domain.clear();
    return {};
  }
  FP_TRY(name, parse_host(v));
  s.domain = name;
  return {};
}

Status set_proxy(InstallSettings& s, std::string_view v) {
  if (!v.empty()) FP_CHECK(check_proxy(v));
  s.proxy = std::string(v);
  return {};
}

Status set_root_key(InstallSettings& s, std::string_view v) {
  if (!unhex(v)) return fail(Code::invalid, "it is not written in hexadecimal digits");
  s.root_key = std::string(v);
  return {};
}

Status read_root_key(InstallSettings& s, std::string_view v) {
  FP_TRY(content, read_file(Path(v), 64U << 10));
  return set_root_key(s, trim(content));
}

const std::vector<Property>& properties() {
  using S = InstallSettings;
  const auto nothing = [](const S&) { return std::string(); };
  static const std::vector<Property> table = {
      {"SMSSITECODE", set_site_code, [](const S& s) { return s.site_code; }},
      {"CCMHOSTNAME", set_internet_mp, [](const S& s) { return s.internet_mp; }},
      flag("CCMALWAYSINF", &S::always_internet),
      {"SMSMP", add_management_points, nothing},
      {"SMSMPLIST", add_management_points, join_management_points},
      host("FSP", &S::fallback_status_point),
      text("FSPCERT", &S::fallback_certificate),
      host("ENROLLMENTPROXYPOINT", &S::enrollment_proxy_point),
      {"CCMCERTSEL", set_selection, [](const S& s) { return s.certificate_selection; }},
      {"CCMCERTISSUERS", set_issuers, [](const S& s) { return s.certificate_issuers; }},
      text("CCMCERTSTORE", &S::certificate_store),
      flag("CCMFIRSTCERT", &S::first_certificate),
      flag("CCMCERTNAMECHECK", &S::check_name),
      number("CCMHTTPPORT", &S::http_port, 1, 65535),
      number("CCMHTTPSPORT", &S::https_port, 1, 65535),
      {"DNSSUFFIX", set_dns_suffix, [](const S& s) { return s.dns_suffix; }},
      {"DOMAIN", set_domain, [](const S& s) { return s.domain; }},
      text("SMSSIGNCERT", &S::signing_certificate),
      {"SMSPUBLICROOTKEY", set_root_key, [](const S& s) { return s.root_key; }},
      {"SMSROOTKEYPATH", read_root_key, nothing},
      number("SMSCACHESIZE", &S::cache_mb, 1, 1 << 30),
      text("SMSCACHEDIR", &S::cache_dir),
      number("CCMLOGLEVEL", &S::log_level, 0, 3),
      number("CCMLOGMAXSIZE", &S::log_bytes_max, 10'000, 1 << 30),
      number("CCMLOGMAXHISTORY", &S::log_history, 0, 100),
      flag("CCMENABLELOGGING", &S::log_enabled),
      flag("CCMDEBUGLOGGING", &S::log_debug),
      flag("USEPKICERT", &S::use_pki),
      flag("CHECKCRL", &S::check_crl),
      text("CERTIFICATEDIR", &S::certificate_dir),
      text("CAFILE", &S::ca_file),
      text("CRLFILE", &S::crl_file),
      {"PROXY", set_proxy, [](const S& s) { return s.proxy; }},
      text("NOPROXY", &S::no_proxy),
      text("PROXYCREDENTIALS", &S::proxy_credentials),
      text("PROXYKEYTAB", &S::proxy_keytab),
      flag("PROXYONLY", &S::proxy_only),
      flag("PROXYINTRANET", &S::proxy_intranet),
      text("COMPUTERNAME", &S::computer_name),
      text("PACKAGEROOT", &S::package_root),
      text("UNPRIVILEGEDUSER", &S::unprivileged_user),
      text("RESOLVE", &S::resolve),
  };
  return table;
}

}  // namespace

Status check_proxy(std::string_view address) {
  if (address.find('@') != std::string_view::npos)
    return fail(Code::invalid, "user and password do not belong into the address of a proxy: put them into a file of mode 0600 and name "
                               "it by PROXYCREDENTIALS");
  std::string_view rest = address;
  for (const std::string_view scheme : {"http://", "https://", "socks5h://"})
    if (istarts_with(rest, scheme)) rest.remove_prefix(scheme.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find("://") != std::string_view::npos)
    return fail(Code::invalid, "\"{}\": a proxy is http://host:port, https://host:port or socks5h://host:port", address);
  return check_host(rest, false);
}

Status apply_property(InstallSettings& settings, std::string_view name, std::string_view value) {
  for (const auto& p : properties()) {
    if (!iequals(p.name, name)) continue;
    if (value.find_first_of("\n\r") != std::string_view::npos) return fail(Code::invalid, "{}: a line break", p.name);
    if (auto done = p.set(settings, trim(value)); !done) return std::unexpected(done.error().with_context(p.name));
    return {};
  }
  return fail(Code::not_found, "no property is called \"{}\"", name);
}

std::vector<std::string> check_settings(const InstallSettings& s) {
  std::vector<std::string> out;
  const auto automatic = internet::rule_of(internet::Feature::automatic_site_assignment).internet;
  const auto wrong = [&](bool bad, std::string_view why) {
    if (bad) out.emplace_back(why);
  };
  wrong(s.site_code.empty(), "SMSSITECODE is missing: give the three characters of the site, for example SMSSITECODE=LAB");
  wrong(s.always_internet && s.internet_mp.empty(),
        "CCMALWAYSINF=1 needs CCMHOSTNAME: an internet-only client has no other way to find a management point");
  wrong(s.site_code == "AUTO" && !s.internet_mp.empty(),
        fmt::format("SMSSITECODE=AUTO cannot be combined with CCMHOSTNAME. {}", automatic));
  wrong(s.site_code == "AUTO" && s.always_internet,
        fmt::format("SMSSITECODE=AUTO cannot be combined with CCMALWAYSINF=1. {}", automatic));
  const bool by_records = !s.dns_suffix.empty() || !s.domain.empty();
  wrong(s.site_code == "AUTO" && s.management_points.empty() && s.internet_mp.empty() && !s.always_internet && !by_records,
        "SMSSITECODE=AUTO needs SMSMP, DNSSUFFIX or DOMAIN: an intranet management point is asked for the site");
  wrong(!s.internet_mp.empty() && !s.use_pki,
        "CCMHOSTNAME needs /UsePKICert: internet management points accept only clients with a PKI certificate");
  wrong(s.always_internet && !s.use_pki,
        "CCMALWAYSINF=1 needs /UsePKICert: on the internet there is HTTPS with a PKI certificate only");
  wrong(s.internet_mp.empty() && s.management_points.empty() && !by_records,
        "none of SMSMP, CCMHOSTNAME, DNSSUFFIX and DOMAIN is given: the client would not know any management point");
  wrong(!s.fallback_certificate.empty() && s.fallback_status_point.empty(), "FSPCERT is given without FSP: there is nobody to seal for");
  wrong(!s.enrollment_proxy_point.empty() && !s.use_pki, "ENROLLMENTPROXYPOINT needs /UsePKICert: what is enrolled is a PKI certificate");
  wrong(!s.enrollment_proxy_point.empty() && s.ca_file.empty(),
        "ENROLLMENTPROXYPOINT needs --ca-file: a secret is shown only to a server under that root");
  bool plain = false;
  for (const auto& m : s.management_points) plain = plain || istarts_with(m, "http://");
  wrong(s.always_internet && plain,
        "SMSMP with http:// cannot be combined with CCMALWAYSINF=1: an internet-only client speaks HTTPS only");
  for (const auto& [path, name] : {std::pair(s.signing_certificate, "SMSSIGNCERT"), std::pair(s.ca_file, "--ca-file"),
                                    std::pair(s.crl_file, "--crl-file"), std::pair(s.proxy_credentials, "--proxy-credentials"),
                                    std::pair(s.fallback_certificate, "FSPCERT")}) {
    if (!path.empty() && !file_exists(path)) out.push_back(fmt::format("{}: there is no file {}", name, path));
  }
  return out;
}

std::vector<std::string> property_names() {
  std::vector<std::string> out;
  for (const auto& p : properties()) out.emplace_back(p.name);
  return out;
}

std::string to_text(const InstallSettings& settings) {
  const InstallSettings fresh;
  std::string out = "# Written by farpoint-agent install; one property a line.\n";
  for (const auto& p : properties()) {
    const auto value = p.get(settings);
    if (!value.empty() && value != p.get(fresh)) out += fmt::format("{}={}\n", p.name, value);
  }
  return out;
}

Result<InstallSettings> parse_settings(std::string_view text) {
  InstallSettings out;
  int number_of_line = 0;
  for (auto line : split(text, '\n')) {
    ++number_of_line;
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return fail(Code::invalid, "line {}: NAME=value was expected", number_of_line);
    if (auto done = apply_property(out, trim(line.substr(0, equals)), line.substr(equals + 1)); !done) {
      return std::unexpected(done.error().with_context(fmt::format("line {}", number_of_line)));
    }
  }
  return out;
}

Result<InstallSettings> load_settings(const Path& file) {
  FP_TRY(content, read_file(file, 256U << 10));
  auto out = parse_settings(content);
  if (!out) return std::unexpected(out.error().with_context(file.string()));
  return out;
}

Status save_settings(const Path& file, const InstallSettings& settings) {
  FP_CHECK(make_dirs(file.parent_path()));
  return write_file(file, to_text(settings), 0600);
}

}  // namespace fp::agent
