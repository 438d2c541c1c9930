#include "apps/config.hpp"

#include <algorithm>
#include <set>

#include "apps/config_enrollment.hpp"
#include "apps/config_section.hpp"
#include "apps/config_updates.hpp"
#include "apps/doors.hpp"
#include "base/ids.hpp"
#include "base/subnet.hpp"
#include "base/text.hpp"
#include "crypto/key.hpp"
#include "pki/certificate.hpp"

namespace fp::apps {
namespace {

constexpr std::size_t kPemBytesMax = 4U << 20;

bool is_any(std::string_view address) { return address == "0.0.0.0" || address == "::"; }

// What the plan for internet-based clients says (its words), where a configuration contradicts it.
constexpr std::string_view kPkiOption =
    "\"Enable the option to Use PKI client certificate (client authentication capability) when available ... This option is required.\"";
constexpr std::string_view kPublicName =
    "\"Register public DNS host entries for the internet fully qualified domain names (FQDN) of site systems that support IBCM.\"";
constexpr std::string_view kNeedsPki = "\"IBCM requires the use of PKI certificates ... When IBCM clients and site servers send data, it's encrypted and secure.\"";
constexpr std::string_view kSecondary = "\"Secondary sites don't support client connections from untrusted locations.\"";
constexpr std::string_view kRoleConnections =
    "\"Configure these site systems for client connections from the internet only, or client connections from the internet and intranet.\"";

const std::initializer_list<std::pair<std::string_view, Connections>> kConnections = {
    {"intranet", Connections::intranet}, {"internet", Connections::internet}, {"both", Connections::both}};

class Reader {
 public:
  Reader(const toml::table& root, const std::string& file, std::vector<std::string>& mistakes, SiteConfig& out, bool files)
      : root_(root), file_(file), mistakes_(mistakes), out_(out), files_(files) {}

  void read() {
    Section top(root_, "", mistakes_, file_);
    static const toml::table empty;
    const auto table = [&](const char* name) -> const toml::table& {
      const auto* node = top.get(name);
      if (node && !node->is_table()) top.mistake(node, name, "must be a section: [" + std::string(name) + "]");
      return node && node->is_table() ? *node->as_table() : empty;
    };
    site(table("site"));
    if (fallback_only()) {
      only_fallback(top);
      fallback_status_point(table("fallback_status_point"));
      link(table("link"));
      logging(table("log"));
      listeners(top);
      return top.refuse_unknown();
    }
    if (gateway()) {
      only_gateway(top);
      fallback_status_point(table("fallback_status_point"));
    }
    pki(table("pki"));
    management_point(table("management_point"));
    windows_auth(table("windows_auth"), top.get("windows_auth") != nullptr);
    distribution_point(table("distribution_point"));
    software_update_point(table("software_update_point"), top.get("software_update_point") != nullptr);
    admin(table("admin"));
    link(table("link"));
    read_enrollment(section(table("enrollment"), "enrollment"), section(table("enrollment_proxy_point"), "enrollment_proxy_point"), out_);
    maintenance(table("maintenance"));
    client_push(table("client_push"));
    wake_on_lan(table("wake_on_lan"));
    directory_publishing(table("directory_publishing"));
    logging(table("log"));
    listeners(top);
    top.refuse_unknown();
    contradictions();
  }

 private:
  [[nodiscard]] bool content_only() const { return out_.role == HostRole::distribution_point; }
  [[nodiscard]] bool away() const { return out_.role != HostRole::site; }  // from the primary site's server
  [[nodiscard]] bool passes_on() const { return out_.role == HostRole::management_point || out_.role == HostRole::secondary_site || gateway() || proxy_only(); }
  [[nodiscard]] bool linked() const { return passes_on() || fallback_only(); }
  [[nodiscard]] bool gateway() const { return out_.role == HostRole::gateway; }
  [[nodiscard]] bool proxy_only() const { return out_.role == HostRole::enrollment_proxy_point; }
  [[nodiscard]] bool fallback_only() const { return out_.role == HostRole::fallback_status_point; }
  Section section(const toml::table& t, const char* name) { return {t, std::string(name) + ".", mistakes_, file_}; }

  void must_exist(Section& s, const toml::node* node, std::string_view key, const Path& path) {
    if (files_ && !path.empty() && !file_exists(path)) s.mistake(node, key, fmt::format("there is no file {}", path.native()));
  }
  // A key that is not the certificate's, or a file that is neither: found here, before a listener cannot start.
  void must_match(Section& s, std::string_view key, const Path& certificate, const Path& secret) {
    if (!files_ || !file_exists(certificate) || !file_exists(secret)) return;
    if (const Status good = check_pair(certificate, secret); !good) s.mistake(s.get(key), key, good.error().message);
  }
  void file(Section& s, std::string_view key, Path& out) {
    s.path(key, out);
    must_exist(s, s.get(key), key, out);
  }

  void site(const toml::table& t) {
    auto s = section(t, "site");
    s.word("role", out_.role,
           {{"site", HostRole::site}, {"distribution-point", HostRole::distribution_point}, {"management-point", HostRole::management_point},
            {"fallback-status-point", HostRole::fallback_status_point}, {"gateway", HostRole::gateway},
            {"enrollment-proxy-point", HostRole::enrollment_proxy_point}});
    HostRole type = HostRole::site;
    s.word("type", type, {{"primary", HostRole::site}, {"secondary", HostRole::secondary_site}});
    if (type == HostRole::secondary_site && out_.role != HostRole::site) s.mistake(s.get("type"), "type", gateway() ? kSecondary : std::string_view("belongs to the role site"));
    if (type == HostRole::secondary_site) out_.role = type;
    if (content_only() || fallback_only() || proxy_only()) out_.mp_enabled = false;
    if (fallback_only() || proxy_only()) out_.dp_enabled = false;
    if (out_.role == HostRole::management_point) out_.dp_enabled = false;
    if (out_.role == HostRole::secondary_site) out_.mp_connections = out_.dp_connections = Connections::intranet;
    if (gateway()) out_.mp_connections = out_.dp_connections = Connections::internet;
    if (away()) out_.admin_port = 0;
    s.text("parent", out_.parent_code);
    if (auto parent = parse_site_code(out_.parent_code)) out_.parent_code = *parent;
    else if (out_.role == HostRole::secondary_site || !out_.parent_code.empty())
      s.mistake(s.get("parent"), "parent", "must be the site code of the primary site of a secondary one");
    s.text("code", out_.site_code);
    if (auto code = parse_site_code(out_.site_code)) out_.site_code = *code;
    else s.mistake(s.get("code"), "code", code.error().message);
    s.path("data", out_.data);
    if (out_.data.empty() || !out_.data.is_absolute()) s.mistake(s.get("data"), "data", "must be an absolute folder, such as /var/lib/farpoint");
    s.word("approval", out_.approval,
           {{"manual", ApprovalMode::manual}, {"trusted", ApprovalMode::trusted}, {"all", ApprovalMode::all}});
    s.flag("use_pki_client_certificate", out_.use_pki_client_certificate);
    s.flag("legacy_cms", out_.legacy_cms);
    s.text("intranet_fqdn", out_.intranet_fqdn);
    s.text("internet_fqdn", out_.internet_fqdn);
    s.number("worker_threads", out_.worker_threads, 1, 256);
    for (const auto* key : {"intranet_fqdn", "internet_fqdn"}) {
      const std::string& name = std::string_view(key) == "intranet_fqdn" ? out_.intranet_fqdn : out_.internet_fqdn;
      if (!name.empty() && !parse_host(name)) s.mistake(s.get(key), key, "is not a host name");
    }
    s.refuse_unknown();
  }

  void pki(const toml::table& t) {
    auto s = section(t, "pki");
    s.list("issuers", out_.issuers);
    s.list("crl_files", out_.crl_files);
    for (const auto& path : out_.issuers) must_exist(s, s.get("issuers"), "issuers", path);
    s.flag("check_crl", out_.check_crl);
    s.list("pinned_proxies", out_.pinned_proxies);
    for (auto& pin : out_.pinned_proxies) {
      pin = lower(pin);
      if (pin.size() != 64 || !unhex(pin)) s.mistake(s.get("pinned_proxies"), "pinned_proxies", "must be SHA-256 fingerprints (64 hex digits)");
    }
    if (out_.role == HostRole::secondary_site && !out_.pinned_proxies.empty())
      s.mistake(t.get("pinned_proxies"), "pinned_proxies",
                "a secondary site serves the intranet only: nobody comes to it through a bridging proxy");
    s.text("publish_crl_address", out_.crl_address);
    s.number("publish_crl_port", out_.crl_port, 1, 65535);
    if (out_.crl_address.empty() != (out_.crl_port == 0))
      s.mistake(t.get("publish_crl_address") ? t.get("publish_crl_address") : t.get("publish_crl_port"), "publish_crl_address",
                "goes together with publish_crl_port");
    if (away() && out_.crl_port != 0)
      s.mistake(t.get("publish_crl_port"), "publish_crl_port", fmt::format("a {} away from the primary site has no authority to publish lists of", name_of(out_.role)));
    s.refuse_unknown();
  }

  void management_point(const toml::table& t) {
    auto s = section(t, "management_point");
    s.flag("enabled", out_.mp_enabled);
    s.word("connections", out_.mp_connections, kConnections);
    s.flag("allow_gateway_traffic", out_.allow_gateway_traffic);
    if (away() && t.get("allow_gateway_traffic"))
      s.mistake(t.get("allow_gateway_traffic"), "allow_gateway_traffic", "is said on the site server, whose management point it is about");
    if (const auto* moved = s.get("windows_auth")) s.mistake(moved, "windows_auth", "has a section of its own now: [windows_auth] with doors = [...]");
    s.path("client_files", out_.client_files);
    if (content_only() && out_.mp_enabled) s.mistake(t.get("enabled"), "enabled", "a host of the role distribution-point has no management point");
    if (proxy_only() && out_.mp_enabled) s.mistake(t.get("enabled"), "enabled", "a host of the role enrollment-proxy-point has no management point");
    if (passes_on() && !proxy_only() && !out_.mp_enabled) s.mistake(t.get("enabled"), "enabled", fmt::format("a host of the role {} is nothing without it", name_of(out_.role)));
    if (passes_on() && !out_.client_files.empty()) s.mistake(t.get("client_files"), "client_files", "client files lie on the site server, and come over the site link");
    s.refuse_unknown();
  }

  void windows_auth(const toml::table& t, bool there) {
    auto s = section(t, "windows_auth");
    if (there && away())
      return s.mistake(nullptr, "doors",
                       fmt::format("a host of the role {} has no door for Windows logins: leave this section out. The doors are the primary site server's own; "
                                   "for clients on the internet publish that server by a tunnel (farpoint publish --mode tunnel)", name_of(out_.role)));
    auto& w = out_.windows_auth;
    file(s, "keytab", w.keytab);
    file(s, "ntlm_accounts", w.ntlm_accounts);
    must_be_private(s, "keytab", w.keytab);
    must_be_private(s, "ntlm_accounts", w.ntlm_accounts);
    s.flag("ntlm_winbind", w.ntlm_winbind);
    s.word("channel_binding", w.require_binding, {{"required", true}, {"when-offered", false}});
    std::vector<std::string> domains, doors;
    s.list("domains", domains);
    for (const auto& text : domains) {
      if (auto domain = directory::parse_domain(text)) w.domains.push_back(std::move(*domain));
      else s.mistake(s.get("domains"), "domains", domain.error().message);
    }
    s.list("doors", doors);
    for (const auto& name : doors) {
      bool known = false;
      for (const Door door : {Door::intranet_http, Door::intranet_https, Door::internet_https}) {
        if (to_string(door) != name) continue;
        known = true;
        out_.windows_doors.insert(door);
      }
      if (!known) s.mistake(s.get("doors"), "doors", "must be of: intranet-http, intranet-https, internet-https");
    }
    s.refuse_unknown();
  }
  // What is in it opens the site to whoever has it.
  void must_be_private(Section& s, std::string_view key, const Path& path) {
    if (!files_ || path.empty() || !file_exists(path)) return;
    std::error_code error;
    const auto mode = std::filesystem::status(path, error).permissions();
    if (!error && (mode & std::filesystem::perms::others_all) != std::filesystem::perms::none)
      s.mistake(s.get(key), key, fmt::format("{} is open to every user of this machine: chmod o= it", path.native()));
  }

  void distribution_point(const toml::table& t) {
    auto s = section(t, "distribution_point");
    s.flag("enabled", out_.dp_enabled);
    s.text("name", out_.dp_name);
    s.word("connections", out_.dp_connections, kConnections);
    s.flag("anonymous", out_.dp_anonymous);
    s.number("validate_every_h", out_.dp_validate_every_h, 1, 8760);
    s.text("site_fingerprint", out_.dp_site_fingerprint);
    out_.dp_site_fingerprint = lower(out_.dp_site_fingerprint);
    if (!out_.dp_site_fingerprint.empty() && out_.dp_site_fingerprint.size() != 64)
      s.mistake(s.get("site_fingerprint"), "site_fingerprint", "must be a SHA-256 fingerprint (64 hex digits)");
    if (content_only()) {
      file(s, "client_certificate", out_.link_certificate);
      file(s, "client_key", out_.link_key);
      must_match(s, "client_key", out_.link_certificate, out_.link_key);
      if (!out_.dp_enabled) s.mistake(t.get("enabled"), "enabled", "a host of the role distribution-point is nothing without it");
      if (out_.dp_site_fingerprint.empty())
        s.mistake(nullptr, "site_fingerprint", "is needed: the SHA-256 fingerprint of the site server's certificate, which alone may bring content");
    }
    if (gateway() && out_.dp_anonymous) s.mistake(t.get("anonymous"), "anonymous", "is for the intranet: content of a gateway needs a certificate");
    if ((out_.role == HostRole::management_point || proxy_only()) && out_.dp_enabled)
      s.mistake(t.get("enabled"), "enabled", fmt::format("a host of the role {} has no distribution point", name_of(out_.role)));
    s.refuse_unknown();
  }

  void software_update_point(const toml::table& t, bool there) {
    auto s = section(t, "software_update_point");
    if (there && away())
      s.mistake(nullptr, "enabled", fmt::format("a {} away from the primary site's server has no software update point: leave this section out", name_of(out_.role)));
    out_.sup_enabled = there;
    s.flag("enabled", out_.sup_enabled);
    s.word("connections", out_.sup_connections, kConnections);
    s.number("synchronize_every_h", out_.sup_sync_every_h, 1, 24 * 30);
    s.text("proxy", out_.sup_proxy);
    read_update_sources(s, out_.sup_sources, files_);
    if (out_.sup_enabled && out_.sup_sources.empty())
      s.mistake(nullptr, "source", "at least one [[software_update_point.source]] is needed: a repository with url, suite and keyring");
    s.refuse_unknown();
  }

  void link(const toml::table& t) {
    auto s = section(t, "link");
    auto& l = out_.link;
    s.text("address", l.address);
    s.number("port", l.port, 1, 65535);
    if (l.address.empty() != (l.port == 0)) s.mistake(s.get("port"), "address", "goes together with port");
    if (linked()) link_of_role(s);
    else if (content_only() && !t.empty()) s.mistake(nullptr, "address", "a host of the role distribution-point has no site link: the site calls its HTTPS listener");
    else if (!content_only() && l.port != 0 && out_.link_certificate.empty())
      s.mistake(s.get("port"), "port", "the site shows admin.link_certificate on the site link: name it, and admin.link_key");
    s.refuse_unknown();
  }

  void link_of_role(Section& s) {
    auto& l = out_.link;
    file(s, "certificate", l.certificate);
    file(s, "key", l.key);
    must_match(s, "key", l.certificate, l.key);
    s.text("site", l.site);
    s.text("site_fingerprint", l.site_fingerprint);
    l.site_fingerprint = lower(l.site_fingerprint);
    if (out_.internet_fqdn.empty() && out_.intranet_fqdn.empty())
      s.mistake(nullptr, "site_fingerprint", "nobody at the other end knows this host without site.internet_fqdn or site.intranet_fqdn: it says that name there");
    if (l.certificate.empty() || l.key.empty()) s.mistake(s.get("certificate"), "certificate", "certificate and key are needed: what this host shows to the site");
    if (!l.site.empty() && !parse_host_port(l.site)) s.mistake(s.get("site"), "site", "must be HOST:PORT");
    if (!l.site.empty() && (gateway() || fallback_only()))
      return s.mistake(s.get("site"), "site", fmt::format("the site opens the link to a {}: name address and port, where it does", name_of(out_.role)));
    if (l.site.empty() == (l.port == 0))
      s.mistake(s.get("site"), "site", "name either address and port, where the site opens the link, or site, where this host opens it");
    if (l.site_fingerprint.size() != 64 || !unhex(l.site_fingerprint))
      s.mistake(s.get("site_fingerprint"), "site_fingerprint", "is needed: the SHA-256 fingerprint (64 hex digits) of what the site shows on the link");
  }

  // The host that stands open on the internet has nothing else that could be asked for.
  void only_fallback(Section& top) {
    for (const auto* name : {"pki", "management_point", "distribution_point", "windows_auth", "admin", "maintenance", "enrollment", "enrollment_proxy_point"})
      if (const auto* node = top.get(name))
        top.mistake(node, name, "a host of the role fallback-status-point has nothing of it: leave this section out");
  }

  // A host on the internet, for the internet.
  void only_gateway(Section& top) {
    for (const auto* name : {"admin", "maintenance", "client_push", "wake_on_lan"})
      if (const auto* node = top.get(name)) top.mistake(node, name, "a gateway has nothing of it: leave this section out");
    if (!out_.intranet_fqdn.empty())
      top.mistake(top.get("site"), "site.intranet_fqdn", "a gateway stands on the internet and serves nobody of the intranet: leave it out");
  }

  void fallback_status_point(const toml::table& t) {
    constexpr int kMostMessages = 100'000'000;
    auto s = section(t, "fallback_status_point");
    if (const auto* moved = s.get("site_fingerprint"))
      s.mistake(moved, "site_fingerprint", "stands in [link] now, beside certificate, key, address and port: the site fetches over the site link");
    s.number("messages", out_.fsp_messages, 0, kMostMessages);
    s.number("messages_of_address", out_.fsp_messages_of_address, 0, kMostMessages);
    s.number("interval_s", out_.fsp_interval_s, 1, 86'400);
    s.number("spool_messages", out_.fsp_spool_messages, 1, 10'000'000);
    s.number("spool_mb", out_.fsp_spool_mb, 1, 1 << 20);
    s.refuse_unknown();
  }

  void admin(const toml::table& t) {
    auto s = section(t, "admin");
    s.text("address", out_.admin_address);
    s.number("port", out_.admin_port, 0, 65535);
    file(s, "certificate", out_.admin_certificate);
    file(s, "key", out_.admin_key);
    must_match(s, "key", out_.admin_certificate, out_.admin_key);
    file(s, "link_certificate", out_.link_certificate);
    file(s, "link_key", out_.link_key);
    must_match(s, "link_key", out_.link_certificate, out_.link_key);
    if (out_.admin_port != 0 && (out_.admin_certificate.empty() || out_.admin_key.empty()))
      s.mistake(s.get("port"), "certificate", "the admin API is HTTPS only: name certificate and key, or set port = 0");
    if (away() && out_.admin_port != 0)
      s.mistake(t.get("port"), "port", fmt::format("a host of the role {} has no admin API: leave this section out", name_of(out_.role)));
    s.refuse_unknown();
  }

  void maintenance(const toml::table& t) {
    constexpr int kDaysMax = 36500;
    auto s = section(t, "maintenance");
    s.number("devices_days", out_.maintenance.devices, 0, kDaysMax);
    s.number("fallback_days", out_.maintenance.fallback, 0, kDaysMax);
    s.number("states_days", out_.maintenance.states, 0, kDaysMax);
    s.number("events_days", out_.maintenance.events, 0, kDaysMax);
    s.number("audit_days", out_.maintenance.audit, 0, kDaysMax);
    s.number("tombstones_days", out_.maintenance.tombstones, 0, kDaysMax);
    s.refuse_unknown();
  }

  void client_push(const toml::table& t) {
    auto s = section(t, "client_push");
    if (const auto* old = s.get("networks"))
      s.mistake(old, "networks", "boundaries say which networks are the intranet (farpoint boundary create, farpoint boundary-group create "
                                 "--assigned-site): leave this setting out");
    file(s, "key", out_.push_key);
    file(s, "keytab", out_.push_keytab);
    if (content_only() && !t.empty()) s.mistake(nullptr, "key", "clients are pushed by the site server: leave this section out");
    s.refuse_unknown();
  }

  void wake_on_lan(const toml::table& t) {
    auto s = section(t, "wake_on_lan");
    s.word("send", out_.wake_unicast, {{"broadcast", false}, {"unicast", true}});
    s.number("port", out_.wake_port, 1, 65535);
    if (content_only() && !t.empty()) s.mistake(nullptr, "send", "wake-up packets are sent by the site server: leave this section out");
    s.refuse_unknown();
  }

  void directory_publishing(const toml::table& t) {
    if (t.empty()) return;
    auto s = section(t, "directory_publishing");
    auto& d = out_.directory_publishing;
    d.enabled = true;
    s.flag("enabled", d.enabled);
    s.text("domain", d.account.domain);
    file(s, "keytab", d.account.keytab);
    must_be_private(s, "keytab", d.account.keytab);
    const auto domain = parse_host(d.account.domain);
    const auto labels = split(d.account.domain, '.');
    if (!domain || d.account.domain.find_first_of(":_") != std::string::npos || std::ranges::find(labels, "") != labels.end())
      s.mistake(s.get("domain"), "domain", "must be the name of the domain in DNS, such as corp.example");
    else d.account.domain = *domain;
    if (d.account.keytab.empty())
      s.mistake(s.get("keytab"), "keytab", "is needed: the keys of the account that may write below CN=System Management; a password is nowhere kept");
    if (away()) s.mistake(nullptr, "domain", "a site is published by its primary site server: leave this section out");
    s.refuse_unknown();
  }

  void logging(const toml::table& t) {
    auto s = section(t, "log");
    s.word("level", out_.log.level,
           {{"debug", log::Level::debug}, {"info", log::Level::info}, {"warning", log::Level::warning}, {"error", log::Level::error}});
    s.word("format", out_.log.format,
           {{"text", log::Format::text}, {"json", log::Format::json}, {"cmtrace", log::Format::cmtrace}});
    s.text("file", out_.log.file);
    s.refuse_unknown();
  }

  void listeners(Section& top) {
    const auto* node = top.get("listener");
    const auto* array = node ? node->as_array() : nullptr;
    if (!array || array->empty()) return top.mistake(node, "listener", "at least one [[listener]] is needed");
    for (const auto& item : *array) {
      if (!item.is_table()) {
        top.mistake(&item, "listener", "must be written as [[listener]]");
        continue;
      }
      auto s = section(*item.as_table(), "listener");
      ListenerConfig l;
      s.text("address", l.address);
      s.number("port", l.port, 0, 65535);
      door(s, l);
      file(s, "certificate", l.certificate);
      file(s, "key", l.key);
      must_match(s, "key", l.certificate, l.key);
      s.flag("proxy_protocol", l.proxy_protocol);
      if (l.door == Door::intranet_http && !l.certificate.empty())
        s.mistake(s.get("certificate"), "certificate",
                  fmt::format("{} listener speaks plain HTTP and has no certificate", fallback_only() || gateway() ? "a clients" : "an intranet-http"));
      if (l.door != Door::intranet_http && (l.certificate.empty() || l.key.empty()))
        s.mistake(nullptr, "certificate", "an HTTPS listener needs certificate and key");
      s.refuse_unknown();
      out_.listeners.push_back(std::move(l));
    }
  }

  // The doors of a fallback status point have names of their own: its plain one is no way into an intranet.
  void door(Section& s, ListenerConfig& l) {
    if (const auto* node = s.get("door"); node && node->value_or(std::string_view{}) == "internet-http")
      return s.mistake(node, "door", fmt::format("there is no plain HTTP on the internet: {}", kNeedsPki));
    if (fallback_only()) s.word("door", l.door, {{"clients", Door::intranet_http}});
    else if (gateway()) s.word("door", l.door, {{"internet-https", Door::internet_https}, {"clients", Door::intranet_http}});
    else
      s.word("door", l.door,
             {{"intranet-http", Door::intranet_http}, {"intranet-https", Door::intranet_https}, {"internet-https", Door::internet_https}});
    if (!s.get("door"))
      s.mistake(nullptr, "door", fallback_only() ? "must say clients" : gateway() ? "must say internet-https, or clients (of the fallback status point)" : "must say intranet-http, intranet-https or internet-https");
  }

  // What only several settings together can get wrong; the line is that of the setting to look at.
  void contradictions() {
    const auto say = [&](const char* part, const char* key, std::string_view text) {
      const auto* table = root_.get_as<toml::table>(part);
      const toml::node* node = table ? table->get(key) : nullptr;
      if (!node) node = table;
      Section(root_, std::string(part) + ".", mistakes_, file_).mistake(node, key, text);
    };
    bool internet = false, http = false, https = false;
    for (const auto& l : out_.listeners) {
      internet |= l.door == Door::internet_https;
      https |= l.door == Door::intranet_https;
      http |= l.door == Door::intranet_http;
    }
    if (internet) internet_doors(say);
    bridging(say, internet);
    if (content_only() && !internet && !https)
      say("site", "role", "a distribution point away from the site needs an HTTPS listener: the site brings content by HTTPS only");
    if (passes_on() && !internet && !https) say("site", "role", fmt::format("a {} away from the site needs an HTTPS listener", name_of(out_.role)));
    role_connections(say, internet, http || https);
    homes(say);
    if (out_.dp_anonymous && !http && !https) say("distribution_point", "anonymous", "there is no intranet listener");
    windows_contradictions(say);
    check_enrollment(say, out_, files_);
    if (out_.dp_enabled && out_.dp_name.empty())
      out_.dp_name = !out_.intranet_fqdn.empty() ? out_.intranet_fqdn : out_.internet_fqdn;
    if (out_.dp_enabled && out_.dp_name.empty()) say("distribution_point", "name", "set it, or site.intranet_fqdn");
  }

  // What the plan asks of whoever opens a door to the internet.
  void internet_doors(const auto& say) {
    if (out_.role == HostRole::secondary_site) say("site", "type", fmt::format("a secondary site has no internet listener: {}", kSecondary));
    if (out_.internet_fqdn.empty())
      say("site", "internet_fqdn", fmt::format("an internet listener needs the public name that clients use: {}", kPublicName));
    if (!out_.use_pki_client_certificate)
      say("site", "use_pki_client_certificate", fmt::format("must be true where there is an internet listener: {}", kPkiOption));
    if (out_.issuers.empty())
      say("pki", "issuers", fmt::format("an internet listener needs the list of issuers whose client certificates are accepted: {}", kNeedsPki));
    if (!files_ || out_.internet_fqdn.empty()) return;
    for (const auto& l : out_.listeners) {
      if (l.door != Door::internet_https || !file_exists(l.certificate)) continue;
      if (const Status named = check_name(l.certificate, out_.internet_fqdn); !named)
        say("site", "internet_fqdn", fmt::format("{}; clients on the internet would refuse it: {}", named.error().message, kPublicName));
    }
  }

  // A role that is for one side only needs a door there, and a door needs somebody behind it.
  void role_connections(const auto& say, bool internet, bool intranet) {
    const auto check = [&](const char* part, bool enabled, Connections connections) {
      if (!enabled) return;
      if (out_.role == HostRole::secondary_site && connections != Connections::intranet)
        return say(part, "connections", fmt::format("must be intranet at a secondary site: {}", kSecondary));
      if (gateway() && connections != Connections::internet)
        return say(part, "connections", "must be internet at a gateway: leave it out");
      if (connections == Connections::internet && !internet)
        say(part, "connections", fmt::format("is internet, and no listener has the door internet-https: {}", kRoleConnections));
      if (connections == Connections::intranet && !intranet)
        say(part, "connections", "is intranet, and no listener has an intranet door");
    };
    check("management_point", out_.mp_enabled, out_.mp_connections);
    check("distribution_point", out_.dp_enabled, out_.dp_connections);
    check("software_update_point", out_.sup_enabled, out_.sup_connections);
    const auto serves = [](bool enabled, Connections c, Connections not_this) { return enabled && c != not_this; };
    if (internet && !serves(out_.mp_enabled, out_.mp_connections, Connections::intranet) &&
        !serves(out_.dp_enabled, out_.dp_connections, Connections::intranet) &&
        !serves(out_.sup_enabled, out_.sup_connections, Connections::intranet) && !out_.enrollment.proxy)
      say("management_point", "connections", fmt::format("nothing is offered at the internet listener: {}", kRoleConnections));
  }

  // One address in the perimeter and another on the intranet would be a way around the firewall (docs/administration.md).
  void homes(const auto& say) {
    for (const auto& outer : out_.listeners)
      for (const auto& inner : out_.listeners) {
        if (gateway() || outer.door != Door::internet_https || inner.door == Door::internet_https) continue;
        if (is_any(outer.address) || is_any(inner.address) || outer.address == inner.address) continue;
        return say("site", "role", fmt::format("the internet listener is at {} and an intranet one at {}: a site system that stands in both "
                                               "networks goes around the firewall between them; give it one address", outer.address, inner.address));
      }
  }

  // A bridge goes from TLS to TLS, to the internet door, and shows a certificate that is nobody else's.
  template <class Say>
  void bridging(const Say& say, bool internet) {
    if (out_.pinned_proxies.empty()) return;
    if (!internet)
      say("pki", "pinned_proxies",
          "a bridging proxy opens TLS to an internet-https listener, and there is none: bridging from HTTPS to HTTP is not supported");
    const auto pinned = [&](const std::string& fingerprint) {
      return std::ranges::find(out_.pinned_proxies, fingerprint) != out_.pinned_proxies.end();
    };
    std::vector<Path> own{out_.link_certificate, out_.admin_certificate};
    for (const auto& l : out_.listeners) own.push_back(l.certificate);
    for (const auto& path : own) {
      const auto pem = files_ && !path.empty() ? read_file(path, kPemBytesMax) : Result<std::string>(std::string());
      const auto leaf = pem ? pki::Certificate::from_pem(*pem) : fail(Code::invalid, "no certificate");
      if (leaf && pinned(leaf->fingerprint()))
        return say("pki", "pinned_proxies", fmt::format("{} is a certificate of this host itself: a proxy has one of its own", path.native()));
    }
    if (pinned(out_.dp_site_fingerprint))
      say("pki", "pinned_proxies", "the site server's certificate is no proxy's: whoever pins it keeps the site out");
  }

  void windows_contradictions(const auto& say) {
    const auto& w = out_.windows_auth;
    const bool source = !w.keytab.empty() || !w.ntlm_accounts.empty() || w.ntlm_winbind;
    if (source && out_.windows_doors.empty() && !out_.enrollment.domain_accounts)
      say("windows_auth", "doors", "there is a keytab, NTLM accounts or winbind, and no door where anybody could log in: name doors, or leave the section out");
    if (out_.windows_doors.empty()) return;
    if (!source) say("windows_auth", "doors", "nobody can log in: name a keytab, ntlm_accounts, or ntlm_winbind = true");
    if (w.domains.empty()) say("windows_auth", "domains", "must name the domains whose accounts are trusted, such as [\"CORP.EXAMPLE=CORP\"]");
    if (!out_.mp_enabled) say("windows_auth", "doors", "the doors are the management point's, and there is none on this host");
    for (const Door door : out_.windows_doors) {
      const bool listens = std::ranges::any_of(out_.listeners, [&](const ListenerConfig& l) { return l.door == door; });
      if (!listens) say("windows_auth", "doors", fmt::format("there is no {} listener", to_string(door)));
      if (listens && !offered(out_.mp_connections, door))
        say("windows_auth", "doors", fmt::format("management_point.connections keeps clients at {} away", to_string(door)));
    }
  }

  const toml::table& root_;
  const std::string& file_;
  std::vector<std::string>& mistakes_;
  SiteConfig& out_;
  bool files_;
};

}  // namespace

std::vector<std::string> parse_config(std::string_view text, const std::string& name, SiteConfig& out, bool files_must_exist) {
  std::vector<std::string> mistakes;
  try {
    const toml::table root = toml::parse(text, name);
    Reader(root, name, mistakes, out, files_must_exist).read();
  } catch (const toml::parse_error& e) {
    mistakes.push_back(fmt::format("{}:{}: {}", name, e.source().begin.line, e.description()));
  }
  return mistakes;
}

std::vector<std::string> read_config(const Path& file, SiteConfig& out) {
  auto text = read_file(file, 1U << 20);
  if (!text) return {text.error().message};
  out.file = file;
  return parse_config(*text, file.native(), out, true);
}

}  // namespace fp::apps
