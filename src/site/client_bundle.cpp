#include "site/client_bundle.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "domain/internet/features.hpp"
#include "pki/verifier.hpp"

namespace fp::site {
namespace {

constexpr std::size_t kPackageBytesMax = 256U << 20;
constexpr std::string_view kCa = "/etc/farpoint/ca.pem", kCertificates = "/etc/farpoint/certificates";

class Maker {
 public:
  Maker(const BundleSource& source, const BundleOrder& order, Instant now) : source_(source), order_(order), now_(now) {
    bundle_.kind = order.kind;
  }

  Result<ClientBundle> make() {
    combinations();
    if (internet()) door(source_.internet, "internet", "--internet-listen and --internet-fqdn");
    if (order_.kind != BundleKind::internet_only && order_.management_points.empty())
      door(source_.intranet, "intranet", "--intranet-listen and --intranet-fqdn");
    for (const auto& mp : order_.management_points) named(mp);
    if (!order_.fsp.empty()) host("FSP", order_.fsp);
    signing();
    if (source_.roots.empty() && encrypted())
      wrong("no root certificate is known that clients could trust: name the root in pki.issuers of the site's configuration");
    package();
    if (problems_.empty()) certificate();
    if (!problems_.empty()) {
      std::string all;
      for (const auto& p : problems_) all += (all.empty() ? "" : "; ") + p;
      return fail(Code::invalid, "this bundle is not handed out: {}", all);
    }
    files();
    return std::move(bundle_);
  }

 private:
  template <class... A>
  void wrong(fmt::format_string<A...> text, A&&... args) {
    problems_.push_back(fmt::format(text, std::forward<A>(args)...));
  }
  [[nodiscard]] bool internet() const { return order_.kind != BundleKind::intranet; }
  [[nodiscard]] bool encrypted() const { return internet() || !source_.intranet || source_.intranet->https; }
  [[nodiscard]] std::string site_code() const { return order_.site_code.empty() ? source_.site_code : upper(order_.site_code); }

  // What cannot stand together whatever the site looks like (domain.md §7.3, §7.4).
  void combinations() {
    const auto code = site_code();
    if (code == "AUTO" && internet())
      wrong("SMSSITECODE=AUTO: {}", internet::rule_of(internet::Feature::automatic_site_assignment).internet);
    else if (code != "AUTO" && code != source_.site_code)
      wrong("SMSSITECODE={}: this site is {}; a bundle is made by the site that it is for", code, source_.site_code);
    if (order_.kind == BundleKind::internet_only) {
      if (!order_.management_points.empty())
        wrong("SMSMP: an internet-only client talks to site systems for the internet only; make a dual bundle");
      if (!order_.dns_suffix.empty()) wrong("DNSSUFFIX: an internet-only client never asks DNS for service records; make a dual bundle");
      if (!order_.domain.empty()) wrong("DOMAIN: an internet-only client never asks for domain controllers; make a dual bundle");
    }
    for (const auto& [name, value] : {std::pair{"DNSSUFFIX", order_.dns_suffix}, {"DOMAIN", order_.domain}})
      if (!value.empty() && !parse_host(value)) wrong("{}: {} is not the name of a domain", name, value);
    if (order_.issue && order_.name.empty()) wrong("a certificate is issued for one computer: name it");
    if (order_.issue && !source_.issue)
      wrong("this site has no authority of its own: have yours issue the client certificate, and put it into {}", kCertificates);
    if (order_.name.empty()) return;
    const auto host = parse_host(order_.name);
    if (!host || host->find('.') == std::string::npos) wrong("{} is not the fully qualified name of a computer", order_.name);
    if (!order_.issue) wrong("a bundle for {} alone needs --issue: without a certificate it is the same for every computer", order_.name);
  }

  void host(std::string_view property, const std::string& name) {
    const auto good = parse_host(name.substr(0, name.rfind(':')));
    if (!good) return wrong("{}: {} is not a host name", property, name);
    const auto found = source_.resolve(*good);
    if (!found) wrong("{}: {} does not resolve here ({}): register it in DNS", property, *good, found.error().message);
  }
  void named(const std::string& mp) {
    std::string_view name = mp;
    if (istarts_with(name, "http://") && internet()) return wrong("SMSMP: {}: a client that goes to the internet uses HTTPS only", mp);
    for (const std::string_view scheme : {"https://", "http://"})
      if (istarts_with(name, scheme)) name.remove_prefix(scheme.size());
    host("SMSMP", std::string(name));
  }

  void door(const std::optional<BundleDoor>& door, std::string_view place, std::string_view how) {
    if (!door)
      return wrong("{}: this site has no management point for connections from the {} (farpointd init: {})", to_string(order_.kind), place, how);
    host(place == "internet" ? "CCMHOSTNAME" : "SMSMP", door->host);
    if (!door->https) {
      if (internet()) wrong("SMSMP: the intranet door speaks plain HTTP only; a dual client needs HTTPS at both doors");
      return;
    }
    shown_certificate(*door, place);
  }

  void shown_certificate(const BundleDoor& door, std::string_view place) {
    if (door.chain.empty()) return wrong("the certificate of the {} door cannot be read", place);
    const auto& leaf = door.chain.front();
    if (!pki::names_host(leaf, door.host))
      wrong("the certificate of the {} door does not name {}: have one issued with that name in its subject alternative names", place,
            door.host);
    pki::TrustPolicy trust;
    trust.roots = source_.roots;
    trust.intermediates.assign(door.chain.begin() + 1, door.chain.end());
    trust.check_crl = false;
    const auto check = pki::Verifier(std::move(trust), nullptr).check_server(leaf, {}, door.host, now_);
    if (!check.ok() && check.problem != CertificateProblem::wrong_name)
      wrong("clients would refuse the certificate of the {} door: {} ({})", place, to_string(check.problem), check.detail);
    if (order_.check_crl) revocation(leaf, place);
  }

  void revocation(const pki::Certificate& leaf, std::string_view place) {
    if (leaf.crl_urls().empty())
      return wrong("the certificate of the {} door names no revocation list over HTTP, so clients that check revocation refuse it: have "
                   "one issued with a CRL distribution point (farpointd init --crl-listen), or say --no-crl-check",
                   place);
    for (const auto& url : leaf.crl_urls()) {
      auto name = std::string_view(url).substr(std::min(url.size(), url.find("://") + 3));
      name = name.substr(0, name.find_first_of(":/"));
      if (const auto found = source_.resolve(std::string(name)); !found)
        wrong("the revocation list {} cannot be reached: {} does not resolve here", url, name);
    }
  }

  void signing() {
    if (!source_.signing) return wrong("the site signing certificate cannot be read");
    if (!source_.signing_fits) wrong("the site signing certificate is not of the key that signs policy: restore keys/ of the site");
    if (now_ > source_.signing->not_after()) wrong("the site signing certificate ended at {}", to_iso(source_.signing->not_after()));
  }

  void package() {
    if (!order_.package) return;
    const auto found = find_client_package(source_.package_folders);
    if (!found) return wrong("{}", found.error().message);
    auto bytes = read_file(*found, kPackageBytesMax);
    if (!bytes) return wrong("{}", bytes.error().message);
    const std::string name = found->filename().native();
    if (const Status good = check_client_package(name, *bytes); !good) return wrong("{}", good.error().message);
    bundle_.files.push_back({name, 0644, std::move(*bytes)});
  }

  void certificate() {
    if (!order_.issue) return;
    auto issued = source_.issue(*parse_host(order_.name));
    if (!issued) return wrong("{}", issued.error().message);
    for (auto& file : *issued) {
      file.name = "certificates/" + file.name;
      bundle_.files.push_back(std::move(file));
    }
    bundle_.notes.push_back(fmt::format("holds the key of {}: give it to nobody else, and delete it when it is installed", order_.name));
  }

  static std::string at(const BundleDoor& door) {
    return door.port == (door.https ? 443 : 80) ? door.host : fmt::format("{}:{}", door.host, door.port);
  }

  [[nodiscard]] std::vector<std::string> properties() const {
    std::vector<std::string> words;
    if (encrypted()) words.emplace_back("/UsePKICert");
    if (!order_.check_crl) words.emplace_back("/NoCRLCheck");
    words.push_back("SMSSITECODE=" + site_code());
    if (order_.kind == BundleKind::internet_only) words.emplace_back("CCMALWAYSINF=1");
    if (internet()) words.push_back("CCMHOSTNAME=" + at(*source_.internet));
    if (order_.kind != BundleKind::internet_only) {
      std::string all;
      for (const auto& mp : order_.management_points) all += (all.empty() ? "" : ";") + mp;
      if (all.empty()) all = (source_.intranet->https ? "https://" : "http://") + at(*source_.intranet);
      words.push_back("SMSMP=" + all);
    }
    if (!order_.dns_suffix.empty()) words.push_back("DNSSUFFIX=" + order_.dns_suffix);
    if (!order_.domain.empty()) words.push_back("DOMAIN=" + order_.domain);
    if (!order_.fsp.empty()) words.push_back("FSP=" + order_.fsp);
    return words;
  }

  void files() {
    std::string line;
    for (const auto& word : properties()) line += (line.empty() ? "" : " ") + word;
    const bool roots = encrypted();
    bundle_.command = fmt::format("farpoint-agent install {} SMSSIGNCERT=site-signing.pem{}{}", line,
                                  roots ? fmt::format(" --ca-file {}", kCa) : "", roots ? fmt::format(" --certificate-dir {}", kCertificates) : "");
    if (!order_.issue && roots)
      bundle_.notes.push_back(fmt::format("the computer's own certificate and key must lie in {} before", kCertificates));
    std::string ca;
    for (const auto& root : source_.roots) ca += root.pem();
    bundle_.files.push_back({"ca.pem", 0644, std::move(ca)});
    bundle_.files.push_back({"site-signing.pem", 0644, source_.signing->pem()});
    bundle_.files.push_back({"client.properties", 0644, fmt::format("[Client Install]\nInstall={}\n", line)});
    bundle_.files.push_back({"install.sh", 0755, script()});
    bundle_.files.push_back({"README", 0644, readme()});
  }

  [[nodiscard]] std::string script() const {
    return fmt::format(R"sh(#!/bin/sh
# Makes this computer a client of the Farpoint site {} ({}). Run it as root; words behind it are added to the installation's.
set -eu
cd "$(dirname "$0")"
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
[ "$(id -u)" = 0 ] || {{ echo "install.sh: run it as root" >&2; exit 2; }}
for package in ./farpoint-agent_*.deb; do
  [ -e "$package" ] || continue
  DEBIAN_FRONTEND=noninteractive dpkg -i "$package" </dev/null || DEBIAN_FRONTEND=noninteractive apt-get -y -f install </dev/null
done
command -v farpoint-agent >/dev/null || {{ echo "install.sh: there is no package farpoint-agent here, and it is not installed" >&2; exit 2; }}
install -d -m 755 /etc/farpoint
install -d -m 700 {}
[ ! -s ca.pem ] || install -m 644 ca.pem {}
for file in certificates/*; do
  [ ! -e "$file" ] || install -m 600 "$file" {}/
done
{} "$@"
[ ! -d /run/systemd/system ] || systemctl enable --now farpoint-agent
)sh",
                       source_.site_code, to_string(order_.kind), kCertificates, kCa, kCertificates, bundle_.command);
  }

  [[nodiscard]] std::string readme() const {
    const std::string_view what =
        order_.kind == BundleKind::internet_only ? "An internet-only client: it talks to site systems for the internet only, wherever it is."
        : order_.kind == BundleKind::dual ? "A client for both places: managed by the intranet while it is there, by the internet everywhere else."
                                          : "A client of the intranet only.";
    std::string out = fmt::format(
        "Farpoint client for the site {}, made {}\n{}\n\nAs root, in this folder:\n\n    sh install.sh\n\nThat installs the package and runs\n\n"
        "    {}\n\nThe same properties stand in client.properties (farpoint-agent install /config:client.properties /source:.).\n"
        "Whether a client is internet-only is settled at installation: to change it, install it again with --reinstall.\n\n",
        site_code(), to_iso(now_), what, bundle_.command);
    for (const auto& note : bundle_.notes) out += "- " + note + "\n";
    for (const auto& root : source_.roots) out += fmt::format("- ca.pem holds {}, SHA-256 {}\n", root.subject(), root.fingerprint());
    out += fmt::format("- site-signing.pem has the SHA-256 {}: compare it with the site's\n", source_.signing->fingerprint());
    return out;
  }

  const BundleSource& source_;
  const BundleOrder& order_;
  Instant now_;
  ClientBundle bundle_;
  std::vector<std::string> problems_;
};

}  // namespace

Result<ClientBundle> make_client_bundle(const BundleSource& source, const BundleOrder& order, Instant now) {
  return Maker(source, order, now).make();
}

Result<Path> find_client_package(const std::vector<Path>& folders) {
  std::string looked;
  for (const auto& folder : folders) {
    looked += (looked.empty() ? "" : ", ") + folder.native();
    Path best;
    std::filesystem::file_time_type newest{};
    std::error_code ec;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ec)) {
      const auto name = entry.path().filename().native();
      if (!name.starts_with("farpoint-agent_") || !name.ends_with(".deb")) continue;
      const auto at = entry.last_write_time(ec);
      if (best.empty() || at > newest) best = entry.path(), newest = at;
    }
    if (!best.empty()) return best;
  }
  return fail(Code::not_found, "there is no farpoint-agent_*.deb in {}: put the agent's package there, or name it with --package", looked);
}

Status check_client_package(std::string_view name, std::string_view bytes) {
  const bool named = name.starts_with("farpoint-agent_") && name.ends_with(".deb") && name.size() <= 100 && name.find('/') == std::string_view::npos;
  if (!named) return fail(Code::invalid, "{} is not called farpoint-agent_VERSION_ARCHITECTURE.deb", name);
  if (!bytes.starts_with("!<arch>\ndebian-binary")) return fail(Code::invalid, "{} is no Debian package", name);
  return {};
}

std::string_view to_string(BundleKind kind) {
  return kind == BundleKind::internet_only ? "internet-only" : kind == BundleKind::dual ? "dual" : "intranet";
}

Result<BundleKind> parse_bundle_kind(std::string_view text) {
  for (const auto kind : {BundleKind::internet_only, BundleKind::dual, BundleKind::intranet})
    if (to_string(kind) == text) return kind;
  return fail(Code::invalid, "kind: must be internet-only, dual or intranet");
}

}  // namespace fp::site
