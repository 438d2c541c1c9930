#include "apps/scratch.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/policy_secret.hpp"
#include "pki/authority.hpp"
#include "wire/policy_body.hpp"

namespace fp::apps {
namespace {

constexpr std::size_t kLargeBytes = 5U << 20;
constexpr std::int64_t kClientLifeS = 365LL * 86400;
constexpr const char* kAccountsFile = "windows-accounts";

std::string host_of(const Endpoint& at) { return at.address == "0.0.0.0" || at.address == "::" ? "localhost" : at.address; }

Status write_pair(pki::CertificateAuthority& ca, const Path& data, const std::string& name, const Clock& clock) {
  pki::Order order;
  order.profile = pki::Profile::client;
  order.common_name = name;
  order.dns_names = {name + ".lab.test"};
  order.not_before = clock.now().plus_s(-300);
  order.not_after = clock.now().plus_s(kClientLifeS);
  FP_TRY(identity, ca.issue_with_new_key(order));
  FP_TRY(key, identity.key.to_pem());
  FP_CHECK(write_file(data / (name + ".pem"), ca.chain_pem(identity.certificate)));
  return write_file(data / (name + ".key"), key, 0600);
}

SetupOptions setup_of(const ScratchOptions& o) {
  SetupOptions s;
  s.site_code = o.site_code;
  s.data = o.data;
  s.config = o.data / "farpoint.toml";
  s.own_ca = true;
  s.key_bits = 2048;
  s.admin.port = 0;
  s.legacy_cms = o.legacy_cms;
  const std::string host = host_of(o.https ? *o.https : *o.http);
  if (o.open) {
    s.intranet_fqdn = host;
    s.intranet = o.https;
    s.intranet_http = o.http;
    s.approval = ApprovalMode::all;
    s.dp_anonymous = true;
  } else {
    s.internet_fqdn = host;
    s.internet = o.https;
  }
  return s;
}

// The samples' secrets are hidden as old clients expect it: 3DES where the old envelope is asked for.
class Samples {
 public:
  Samples(SiteServer& site, const SiteConfig& config, const Clock& clock, Random& random)
      : site_(site), config_(config), clock_(clock), random_(random) {}

  Status put() {
    FP_TRY(application_deployment, next_id());
    FP_TRY(package_id, next_id());
    FP_TRY(package_deployment, next_id());
    FP_CHECK(files());
    FP_CHECK(package(package_id, package_deployment));
    FP_CHECK(application(application_deployment));
    FP_CHECK(policies(package_id));
    return site_.store().write([&](store::Repositories& r) { return r.site.set_value("scratch.samples", "1"); });
  }

 private:
  Result<std::string> next_id() {
    return site_.store().write([&](store::Repositories& r) { return r.site.next_object_id(config_.site_code); });
  }
  Path source() { return config_.data / "samples"; }

  Status files() {
    FP_CHECK(make_dirs(source() / "package" / "sub"));
    FP_CHECK(make_dirs(source() / "application"));
    FP_CHECK(write_file(source() / "package" / "readme.txt", "Farpoint sample\n"));
    FP_CHECK(write_file(source() / "package" / "empty.dat", ""));
    FP_CHECK(write_file(source() / "package" / "sub" / "small.txt", "in a folder of its own\n"));
    FP_CHECK(write_file(source() / "package" / "large.bin", random_.bytes(kLargeBytes)));
    // At the names that installers ask for; to be fetched, not to be run.
    for (const auto* name : {"ccmsetup.exe", "ccmsetup.cab"})
      FP_CHECK(write_file(client_files_of(config_.data) / name, "Farpoint sample, not a program\n"));
    return write_file(source() / "application" / "install.sh",
                      "#!/bin/sh\nmkdir -p /var/lib/farpoint-sample && date -u > /var/lib/farpoint-sample/installed\n", 0755);
  }

  // Adds the content, and to the site's own distribution point at once.
  Status content(const std::string& id, const std::string& owner, const Path& folder) {
    FP_TRY(manifest, site_.library().add(id, folder));
    return site_.store().write([&](store::Repositories& r) -> Status {
      ContentVersion version{id, owner, manifest.total_bytes(), static_cast<std::int64_t>(manifest.files.size()),
                             manifest.root_hash, folder.native(), r.change};
      FP_CHECK(r.contents.put(version));
      return r.contents.put_distribution({config_.dp_name, id, DistributionState::ok, "", version.bytes, 1, r.change});
    });
  }

  Status package(const std::string& id, const std::string& deployment_id) {
    FP_CHECK(content(id + ".1", id, source() / "package"));
    return site_.store().write([&](store::Repositories& r) -> Status {
      Package package;
      package.id = id;
      package.name = "Sample package";
      package.version = "1";
      package.content_version = 1;
      package.source_path = (source() / "package").native();
      package.programs = {{"Show", "cat readme.txt sub/small.txt", 5, {}, true}};
      package.changed_at = r.change;
      FP_CHECK(r.software.put_package(package));
      Deployment d;
      d.id = deployment_id;
      d.kind = DeploymentKind::package;
      d.target_id = id;
      d.program = "Show";
      return deploy(r, d);
    });
  }

  Status application(const std::string& deployment_id) {
    const std::string id = new_guid(random_);
    auto content_id = parse_content_id("Content_" + new_guid(random_) + ".1");
    FP_CHECK(content(*content_id, id, source() / "application"));
    return site_.store().write([&](store::Repositories& r) -> Status {
      Application a;
      a.id = id;
      a.name = "Sample application";
      a.publisher = "Farpoint";
      a.version = "1.0";
      DeploymentType type;
      type.id = new_guid(random_);
      type.name = "Script";
      type.technology = Technology::script;
      type.content_id = *content_id;
      type.install_command = "sh install.sh";
      type.uninstall_command = "rm -rf /var/lib/farpoint-sample";
      DetectionRule rule;
      rule.kind = DetectionKind::file;
      rule.op = Compare::exists;
      rule.path = "/var/lib/farpoint-sample/installed";
      type.detection = {rule};
      a.types = {type};
      a.changed_at = r.change;
      FP_CHECK(r.software.put_application(a));
      Deployment d;
      d.id = deployment_id;
      d.kind = DeploymentKind::application;
      d.target_id = id;
      return deploy(r, d);
    });
  }

  Status deploy(store::Repositories& r, Deployment d) {
    d.collection_id = kAllSystems;
    d.purpose = Purpose::available;
    d.available_at = clock_.now();
    d.changed_at = r.change;
    d.created_by = "scratch";
    FP_CHECK(r.deployments.put(d));
    return site_.policies().deployment(r, d);
  }

  Result<std::string> hidden(std::string_view text) {
    return crypto::obfuscate(
        text, config_.legacy_cms ? crypto::SecretAlgorithm::triple_des : crypto::SecretAlgorithm::aes256,
        random_);
  }

  // A policy of one instance, for clients that look for these classes. The values are invented.
  Status sample(store::Repositories& r, const char* source, const char* category, unsigned flags,
                const wire::PolicyInstance& instance) {
    const auto body = [&](std::string_view id, std::string_view version) {
      return wire::encode_policy_body({std::string(id), std::string(version), "SMS:" + config_.site_code, {}, {instance}});
    };
    return site_.policies().raw(r, source, category, flags, body, {kAllSystems});
  }

  Status policies(const std::string& package_id) {
    FP_TRY(user, hidden("LAB\\svc-naa"));
    FP_TRY(password, hidden("sample-only-password"));
    FP_TRY(sequence, hidden("<sequence version=\"3.10\"><step type=\"SMS_TaskSequence_RunCommandLineAction\" name=\"Say hello\">"
                            "<action>cmd /c echo hello</action></step></sequence>"));
    const wire::PolicyInstance account{policy_class::kNetworkAccessAccount,
                                       {{"SiteSettingsKey", "1", wire::cim::kUint32},
                                        {"NetworkAccessUsername", user, wire::cim::kString, true},
                                        {"NetworkAccessPassword", password, wire::cim::kString, true}}};
    const wire::PolicyInstance task_sequence{policy_class::kTaskSequence,
                                             {{"PKG_Name", "Sample task sequence"},
                                              {"PKG_PackageID", package_id},
                                              {"ADV_AdvertisementID", config_.site_code + "20001"},
                                              {"TS_Sequence", sequence, wire::cim::kString, true}}};
    return site_.store().write([&](store::Repositories& r) -> Status {
      FP_CHECK(sample(r, "sample-account", policy_category::kNetworkAccessAccount,
                      policy_flag::kSecret | policy_flag::kRequiresAuth, account));
      FP_CHECK(sample(r, "sample-sequence", policy_category::kTaskSequence,
                      policy_flag::kTaskSequence | policy_flag::kSecret | policy_flag::kRequiresAuth, task_sequence));
      FP_TRY(all, r.collections.find(kAllSystems));
      all.variables = {{"SampleVariable", "sample value", true}};
      FP_CHECK(r.collections.put(all));
      return site_.policies().collection(r, all);
    });
  }

  SiteServer& site_;
  const SiteConfig& config_;
  const Clock& clock_;
  Random& random_;
};

// Programs tell a management point by the 401 at these doors (wire.md §2). Who may log in: a sample user and a sample computer.
Status open_windows_doors(const ScratchOptions& o, SiteConfig& config, Random& random) {
  const Path accounts = o.data / kAccountsFile;
  if (!file_exists(accounts)) {
    const std::string user = hex_lower(random.bytes(8)), computer = hex_lower(random.bytes(8));
    FP_CHECK(write_file(accounts, fmt::format("LAB:labuser:{}\nLAB:LABPC$:{}\n", user, computer), 0600));
  }
  config.windows_auth.ntlm_accounts = accounts;
  config.windows_auth.domains = {{"LAB.TEST", "LAB"}};
  config.windows_auth.require_binding = false;
  config.windows_doors.clear();
  for (const auto& listener : config.listeners) config.windows_doors.insert(listener.door);
  return {};
}

}  // namespace

Result<SiteConfig> prepare_scratch(const ScratchOptions& options, const Clock& clock, Random& random) {
  if (!options.open && options.http)
    return fail(Code::invalid, "--http is refused by the default profile: --https is an internet listener, and on the internet "
                               "nothing speaks plain HTTP. Leave --http out, or use --profile open");
  if (!options.https && !options.http) return fail(Code::invalid, "name --https ADDRESS:PORT");
  if (!options.open && !options.https) return fail(Code::invalid, "the default profile needs --https ADDRESS:PORT");
  const SetupOptions setup = setup_of(options);
  if (!file_exists(database_of(options.data))) {
    FP_TRY(made, set_up_site(setup, clock, random));
    FP_TRY(ca, pki::CertificateAuthority::open(authority_of(options.data), clock, random));
    FP_CHECK(write_file(options.data / "ca.pem", ca.root().pem()));
    FP_CHECK(write_file(options.data / "ca-chain.pem", ca.issuing().pem() + ca.root().pem()));
    for (const auto* name : {"client1", "client2"}) FP_CHECK(write_pair(ca, options.data, name, clock));
  }
  SiteConfig config;
  if (const auto mistakes = read_config(options.data / "farpoint.toml", config); !mistakes.empty())
    return fail(Code::invalid, "{}", mistakes.front());
  if (options.open) FP_CHECK(open_windows_doors(options, config, random));
  // The folder may be from an earlier run at other addresses: what was asked for now is what counts.
  for (auto& listener : config.listeners) {
    const auto& at = listener.door == Door::intranet_http ? options.http : options.https;
    if (!at) return fail(Code::conflict, "{} was made with another set of listeners; name another folder", options.data.native());
    listener.address = at->address;
    listener.port = at->port;
  }
  return config;
}

Status put_samples(SiteServer& site, const SiteConfig& config, const Clock& clock, Random& random) {
  if (site.store().read([](store::Repositories& r) { return r.site.value("scratch.samples"); })) return {};
  return Samples(site, config, clock, random).put();
}

std::vector<std::string> describe_scratch(const ScratchOptions& o, const SiteConfig& config) {
  std::vector<std::string> lines;
  if (o.open) {
    lines.push_back("***************************************************************************");
    lines.push_back("*  OPEN PROFILE: plain HTTP, automatic approval of everybody, anonymous   *");
    lines.push_back("*  distribution point, Windows logins by NTLM that anybody can relay.      *");
    lines.push_back("*  For laboratories. Never on a network that matters.                     *");
    lines.push_back("***************************************************************************");
  }
  for (const auto& l : config.listeners)
    lines.push_back(fmt::format("{:<15} {}://{}:{}", to_string(l.door), l.door == Door::intranet_http ? "http" : "https",
                                host_of({l.address, l.port}), l.port));
  const auto file = [&](std::string_view name, std::string_view what) {
    lines.push_back(fmt::format("{:<15} {}", what, (o.data / name).native()));
  };
  file("ca.pem", "CA");
  file("server.pem", "server");
  file("client1.pem", "client 1");
  file("client2.pem", "client 2");
  if (o.open) {
    file(kAccountsFile, "NTLM accounts");
    lines.push_back(fmt::format("{:<15} LAB\\labuser (a user) and LAB\\LABPC$ (a computer); their passwords stand in that file", ""));
  }
  lines.push_back(fmt::format("{:<15} package {}00002.1, one application, policies of every kind", "samples", config.site_code));
  return lines;
}

}  // namespace fp::apps
