#include "apps/setup.hpp"

#include <algorithm>
#include <functional>

#include "apps/ownership.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "pki/authority.hpp"
#include "site/keys.hpp"
#include "site/settings.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::apps {
namespace {

constexpr std::int64_t kServerLifeS = 2LL * 365 * 86400;

Status save(const Path& path, const crypto::PrivateKey& key) {
  FP_TRY(pem, key.to_pem());
  return write_file(path, pem, 0600);
}

// One certificate with key from the site's own authority, written as <stem>.pem (with chain) and <stem>.key.
Status issue_pair(pki::CertificateAuthority& ca, const Path& stem, pki::Profile profile, std::string name,
                  std::vector<std::string> dns, std::vector<std::string> addresses, const Clock& clock) {
  pki::Order order;
  order.profile = profile;
  order.common_name = std::move(name);
  order.dns_names = std::move(dns);
  order.ip_addresses = std::move(addresses);
  order.not_before = clock.now().plus_s(-300);
  order.not_after = clock.now().plus_s(kServerLifeS);
  FP_TRY(identity, ca.issue_with_new_key(order));
  FP_CHECK(write_file(stem.native() + ".pem", ca.chain_pem(identity.certificate)));
  return save(stem.native() + ".key", identity.key);
}

bool is_literal(std::string_view address) {
  return !address.empty() && address.find_first_not_of("0123456789.:abcdefABCDEF") == std::string_view::npos;
}

bool is_wildcard(std::string_view address) { return address == "0.0.0.0" || address == "::"; }

std::string listener_toml(const Endpoint& at, std::string_view door, const Path& certificate, const Path& key) {
  std::string text = fmt::format("[[listener]]\naddress = \"{}\"\nport = {}\ndoor = \"{}\"\n", at.address, at.port, door);
  if (!certificate.empty()) text += fmt::format("certificate = \"{}\"\nkey = \"{}\"\n", certificate.native(), key.native());
  return text + "\n";
}

std::string toml_list(const std::vector<std::string>& items) {
  std::string text;
  for (const auto& item : items) text += fmt::format("{}\"{}\"", text.empty() ? "" : ", ", item);
  return "[" + text + "]";
}

class Setup {
 public:
  Setup(const SetupOptions& options, const Clock& clock, Random& random) : o_(options), clock_(clock), random_(random) {}

  Result<SetupResult> run() {
    FP_CHECK(check());
    FP_CHECK(make_dirs(o_.data.parent_path()));
    FP_CHECK(make_dirs(o_.data, 0750));
    for (const auto& dir : {library_of(o_.data), uploads_of(o_.data), client_files_of(o_.data)}) FP_CHECK(make_dirs(dir));
    FP_TRY(keys, site::make_site_keys(keys_of(o_.data), code_, host(), clock_, random_));
    say("site signing certificate {} (give it to clients as SMSSIGNCERT)", (keys_of(o_.data) / "signing.pem").native());
    if (o_.own_ca) FP_CHECK(authority());
    FP_CHECK(configuration());
    FP_CHECK(database());
    FP_CHECK(admin_command());
    FP_CHECK(hand_over());
    return std::move(result_);
  }

 private:
  template <class... A>
  void say(fmt::format_string<A...> text, A&&... args) {
    result_.made.push_back(fmt::format(text, std::forward<A>(args)...));
  }
  [[nodiscard]] std::string host() const { return o_.intranet_fqdn.empty() ? o_.internet_fqdn : o_.intranet_fqdn; }

  Status check() {
    FP_TRY(code, parse_site_code(o_.site_code));
    code_ = code;
    if (file_exists(database_of(o_.data))) return fail(Code::conflict, "{} holds a site already", o_.data.native());
    if (file_exists(o_.config)) return fail(Code::conflict, "{} exists already; name another with --config", o_.config.native());
    if (!o_.internet && !o_.intranet && !o_.intranet_http)
      return fail(Code::invalid, "no listener: name --internet-listen, --intranet-listen or both");
    if (o_.internet && o_.internet_fqdn.empty()) return fail(Code::invalid, "--internet-listen needs --internet-fqdn");
    if (!o_.internet && o_.intranet_fqdn.empty()) return fail(Code::invalid, "an intranet site needs --intranet-fqdn");
    if (!o_.own_ca && o_.certificate.empty())
      return fail(Code::invalid, "without --own-ca the server's certificate is needed: --certificate and --key");
    if (!o_.own_ca && o_.issuers.empty())
      return fail(Code::invalid, "without --own-ca name the issuers of client certificates: --issuer FILE");
    if (!o_.certificate.empty() && o_.key.empty()) return fail(Code::invalid, "--certificate needs --key");
    if (o_.link_certificate.empty() != o_.link_key.empty()) return fail(Code::invalid, "--link-certificate and --link-key go together");
    FP_TRY(user, service_user(o_.user));
    user_ = user;
    return check_files();
  }

  // Before anything is made: a second try must not find half a site.
  Status check_files() {
    std::vector<Path> files{o_.certificate, o_.key, o_.link_certificate, o_.link_key};
    files.insert(files.end(), o_.issuers.begin(), o_.issuers.end());
    std::erase(files, Path());
    for (const auto& file : files)
      if (!file_exists(file)) return fail(Code::invalid, "there is no file {}", file.native());
    if (!o_.certificate.empty()) FP_CHECK(check_pair(o_.certificate, o_.key));
    if (!o_.link_certificate.empty()) FP_CHECK(check_pair(o_.link_certificate, o_.link_key));
    return user_ ? must_read(*user_, files) : Status();
  }

  Status authority() {
    pki::AuthoritySettings settings;
    settings.name = "Farpoint " + code_;
    settings.organisation = o_.organisation;
    settings.key_bits = o_.key_bits;
    if (o_.crl) {
      const std::string name = o_.internet_fqdn.empty() || is_literal(o_.crl->address) ? crl_host() : o_.internet_fqdn;
      settings.crl_base_url = fmt::format("http://{}:{}/", name, o_.crl->port);
    }
    FP_TRY(ca, pki::CertificateAuthority::init(authority_of(o_.data), settings, clock_, random_));
    say("certificate authority in {} (root.pem is what clients trust)", authority_of(o_.data).native());
    std::vector<std::string> dns, addresses{"127.0.0.1"};
    for (const auto& name : {o_.intranet_fqdn, o_.internet_fqdn, std::string("localhost")})
      if (!name.empty()) (is_literal(name) ? addresses : dns).push_back(name);
    for (const auto& at : {o_.internet, o_.intranet})
      if (at && is_literal(at->address) && !is_wildcard(at->address)) addresses.push_back(at->address);
    FP_CHECK(issue_pair(ca, o_.data / "server", pki::Profile::server, host(), dns, addresses, clock_));
    FP_CHECK(issue_pair(ca, o_.data / "link", pki::Profile::client, "Farpoint site server " + code_, {}, {}, clock_));
    say("server certificate {}", (o_.data / "server.pem").native());
    return {};
  }

  [[nodiscard]] std::string crl_host() const {
    return is_wildcard(o_.crl->address) ? (o_.internet_fqdn.empty() ? host() : o_.internet_fqdn) : o_.crl->address;
  }

  Status configuration() {
    const Path certificate = o_.own_ca ? o_.data / "server.pem" : o_.certificate;
    const Path key = o_.own_ca ? o_.data / "server.key" : o_.key;
    std::vector<std::string> issuers;
    if (o_.own_ca) issuers.push_back((authority_of(o_.data) / "chain.pem").native());
    for (const auto& issuer : o_.issuers) issuers.push_back(issuer.native());
    constexpr std::string_view kApproval[] = {"manual", "trusted", "all"};
    std::string text = fmt::format(
        "# Farpoint site {}. `farpointd check` tells what is wrong with it; docs/configuration.md explains every line.\n\n"
        "[site]\ncode = \"{}\"\ndata = \"{}\"\nintranet_fqdn = \"{}\"\ninternet_fqdn = \"{}\"\napproval = \"{}\"\n"
        "use_pki_client_certificate = true\nlegacy_cms = {}\n\n[pki]\nissuers = {}\ncheck_crl = true\n",
        code_, code_, o_.data.native(), o_.intranet_fqdn, o_.internet_fqdn, kApproval[static_cast<int>(o_.approval)],
        o_.legacy_cms, toml_list(issuers));
    // Without published lists, the authority's own files are the revocation lists.
    if (o_.own_ca) {
      const Path ca = authority_of(o_.data);
      text += fmt::format("crl_files = {}\n", toml_list({(ca / "root.crl").native(), (ca / "issuing.crl").native()}));
    }
    if (o_.crl) text += fmt::format("publish_crl_address = \"{}\"\npublish_crl_port = {}\n", o_.crl->address, o_.crl->port);
    text += fmt::format("\n[management_point]\nenabled = true\n\n[distribution_point]\nenabled = true\nanonymous = {}\n\n",
                        o_.dp_anonymous);
    text += fmt::format("[admin]\naddress = \"{}\"\nport = {}\n", o_.admin.address, o_.admin.port);
    if (o_.admin.port != 0) text += fmt::format("certificate = \"{}\"\nkey = \"{}\"\n", certificate.native(), key.native());
    const Path link = o_.own_ca && o_.link_certificate.empty() ? o_.data / "link.pem" : o_.link_certificate;
    const Path link_key = o_.own_ca && o_.link_key.empty() ? o_.data / "link.key" : o_.link_key;
    if (!link.empty()) text += fmt::format("link_certificate = \"{}\"\nlink_key = \"{}\"\n", link.native(), link_key.native());
    text += "\n";
    if (o_.link) text += fmt::format("[link]\naddress = \"{}\"\nport = {}\n\n", o_.link->address, o_.link->port);
    if (o_.intranet) text += listener_toml(*o_.intranet, "intranet-https", certificate, key);
    if (o_.internet) text += listener_toml(*o_.internet, "internet-https", certificate, key);
    if (o_.intranet_http) text += listener_toml(*o_.intranet_http, "intranet-http", {}, {});
    if (const auto mistakes = parse_config(text, o_.config.native(), config_, true); !mistakes.empty())
      return fail(Code::invalid, "{}", mistakes.front());
    FP_CHECK(make_dirs(o_.config.parent_path()));
    FP_CHECK(write_file(o_.config, text, 0640));
    result_.config = o_.config;
    say("configuration {}", o_.config.native());
    return {};
  }

  Status database() {
    FP_TRY(store, store::open_sqlite(database_of(o_.data), clock_));
    result_.admin_token = "fpa_" + hex_lower(random_.bytes(24));
    FP_CHECK(put_first_objects(*store, config_, result_.admin_token, clock_.now()));
    say("database {}", database_of(o_.data).native());
    return {};
  }

  Status hand_over() {
    if (!user_) return {};
    FP_CHECK(give_to(*user_, o_.data, o_.config));
    say("everything in {} belongs to the user {}, which runs the service", o_.data.native(), user_->name);
    return {};
  }

  Status admin_command() {
    if (o_.admin.port == 0) return {};
    const std::string name = is_wildcard(o_.admin.address) ? host() : o_.admin.address;
    result_.admin_cli = o_.data / "admin-cli.json";
    const Path ca = o_.own_ca ? authority_of(o_.data) / "root.pem" : (o_.issuers.empty() ? Path() : o_.issuers.front());
    FP_CHECK(
        write_file(result_.admin_cli,
                   fmt::format("{{\"server\": \"https://{}:{}\", \"token\": \"{}\", \"ca_file\": \"{}\"}}\n",
                               name, o_.admin.port, result_.admin_token, ca.native()),
                   0600));
    const bool found = o_.data == SetupOptions().data;
    say("administrator `admin`; the farpoint command finds its token in {}{}", result_.admin_cli.native(),
        found ? "" : fmt::format(" after `export FARPOINT_CLI={}`", result_.admin_cli.native()));
    return {};
  }

  const SetupOptions& o_;
  const Clock& clock_;
  Random& random_;
  std::string code_;
  std::optional<ServiceUser> user_;
  SiteConfig config_;
  SetupResult result_;
};

std::string url_of(const SiteConfig& config, bool internet) {
  const std::string& name = internet ? config.internet_fqdn : config.intranet_fqdn;
  if (name.empty()) return {};
  const ListenerConfig* best = nullptr;
  for (const auto& l : config.listeners) {
    const bool fits = internet ? l.door == Door::internet_https : l.door != Door::internet_https;
    if (fits && (!best || best->door == Door::intranet_http)) best = &l;
  }
  if (!best) return {};
  return fmt::format("{}://{}:{}", best->door == Door::intranet_http ? "http" : "https", name, best->port);
}

}  // namespace

std::string http_url_of(const SiteConfig& config) {
  const auto plain = std::ranges::find(config.listeners, Door::intranet_http, &ListenerConfig::door);
  if (plain == config.listeners.end() || config.intranet_fqdn.empty()) return {};
  return fmt::format("http://{}:{}", config.intranet_fqdn, plain->port);
}

Result<Endpoint> parse_endpoint(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(Code::invalid, "not ADDRESS:PORT: {}", text);
  std::string_view address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') address = address.substr(1, address.size() - 2);
  const auto port = parse_int(text.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535 || !is_literal(address))
    return fail(Code::invalid, "not ADDRESS:PORT (the address as numbers): {}", text);
  return Endpoint{std::string(address), static_cast<int>(*port)};
}

Result<SetupResult> set_up_site(const SetupOptions& options, const Clock& clock, Random& random) {
  return Setup(options, clock, random).run();
}

Status put_first_objects(store::Store& store, const SiteConfig& config, std::string_view admin_token, Instant now) {
  return store.write([&](store::Repositories& r) -> Status {
    Collection all;
    all.id = kAllSystems;
    all.name = "All Systems";
    all.limiting_id = kAllSystems;
    all.comment = "Every registered device";
    all.changed_at = all.evaluated_at = now;
    FP_CHECK(r.collections.put(all));
    FP_CHECK(r.administration.put_settings(site::default_client_settings(config.site_code)));
    Administrator admin;
    admin.name = "admin";
    admin.roles = {"Full Administrator"};
    admin.scopes = {"All"};
    admin.collections = {kAllSystems};
    admin.token_hash = hex_lower(crypto::sha256(admin_token));
    admin.created_at = now;
    FP_CHECK(r.administration.put(admin));
    return {};
  });
}

namespace {

// What is configured, as far as there are doors for it.
Connections offered_by(const SiteConfig& config, Connections configured) {
  if (configured != Connections::both) return configured;
  if (url_of(config, true).empty()) return Connections::intranet;
  return url_of(config, false).empty() ? Connections::internet : Connections::both;
}

// This host has none, any more.
Status no_update_point(store::Repositories& r, const std::string& name) {
  const Status gone = r.updates.remove_point(name);
  if (!gone && gone.error().code != Code::not_found) return gone;
  const auto id = r.site.value(sup::kSourceId);
  if (!id) return id.error().code == Code::not_found ? Status() : std::unexpected(id.error());
  FP_TRY(policies, r.policies.list_by_source(*id));
  for (const auto& policy : policies) FP_CHECK(r.policies.remove(policy.id));
  return {};
}

}  // namespace

Status put_own_points(store::Store& store, const SiteConfig& config) {
  return store.write([&](store::Repositories& r) -> Status {
    const std::string name = config.intranet_fqdn.empty() ? config.internet_fqdn : config.intranet_fqdn;
    if (config.mp_enabled) {
      FP_CHECK(r.site.put_management_point({name, url_of(config, false), url_of(config, true), offered_by(config, config.mp_connections)}));
    } else if (const Status gone = r.site.remove_management_point(name); !gone && gone.error().code != Code::not_found) {
      return gone;
    }
    if (config.sup_enabled) {
      FP_CHECK(r.updates.put_point({name, url_of(config, false), url_of(config, true), offered_by(config, config.sup_connections)}));
    } else {
      FP_CHECK(no_update_point(r, name));
    }
    if (!config.dp_enabled) return {};
    fp::DistributionPoint dp;
    if (auto known = r.contents.find_dp(config.dp_name)) dp = *known;
    dp.name = config.dp_name;
    dp.intranet_url = url_of(config, false);
    dp.internet_url = url_of(config, true);
    dp.connections = offered_by(config, config.dp_connections);
    dp.local = true;
    dp.validate_every_h = config.dp_validate_every_h;
    return r.contents.put_dp(dp);
  });
}

}  // namespace fp::apps
