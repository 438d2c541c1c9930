// farpoint publish: the configuration of a web proxy in front of the site, from what the site itself says.
#include <algorithm>
#include <map>

#include "cli/session.hpp"
#include "cli/publish.hpp"
#include "base/text.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string mode = "bridge", product;
  std::vector<std::string> roles{"mp", "dp", "sup"}, backends;
  Path out, backend_issuers;
  bool deny_list_only = false, no_lists = false;
  PublishOptions text;
};

// Where the configuration and the files beside it go: --out names a folder, or the configuration file itself.
struct Target {
  Path folder, configuration;
};

Target target_of(const Options& o) {
  const bool file = o.out.extension() == ".conf" || o.out.extension() == ".cfg";
  if (file) return {o.out.has_parent_path() ? o.out.parent_path() : Path("."), o.out};
  return {o.out, o.out / (o.product == "nginx" ? "nginx.conf" : "haproxy.cfg")};
}

// "NAME=HOST:PORT": what is behind a public name, where the site cannot know it.
Result<std::map<std::string, std::string>> backends_of(const Options& o) {
  std::map<std::string, std::string> out;
  for (const auto& text : o.backends) {
    const auto equals = text.find('=');
    const auto colon = text.rfind(':');
    const auto port = colon == std::string::npos ? fail(Code::invalid, "no port") : parse_int(std::string_view(text).substr(colon + 1));
    if (equals == 0 || equals == std::string::npos || colon < equals + 2 || !port || *port < 1 || *port > 65535 ||
        text.find_first_of(" ;{}\"'#\\\n") != std::string::npos)
      return fail(Code::invalid, "--backend {}: not NAME=HOST:PORT", text);
    out[lower(text.substr(0, equals))] = text.substr(equals + 1);
  }
  return out;
}

Result<std::string> backend_of(const json::object& point, const Options& o, const std::map<std::string, std::string>& given) {
  const std::string name = field(point, "name");
  if (const auto found = given.find(lower(name)); found != given.end()) return found->second;
  const std::string known = field(point, o.text.proxy_protocol ? "backend_with_proxy_protocol" : "backend");
  if (!known.empty()) return known;
  return fail(Code::invalid, "what is behind {}? The site has no {}; name it with --backend {}=HOST:PORT", name,
              o.text.proxy_protocol ? "internet listener with proxy_protocol = true" : "internet listener", name);
}

Result<std::vector<PublishedHost>> hosts_of(const json::object& site, const Options& o) {
  FP_TRY(given, backends_of(o));
  std::map<std::pair<std::string, int>, PublishedHost> hosts;
  for (const auto& value : site.at("points").as_array()) {
    const json::object& point = value.as_object();
    const std::string role = field(point, "role");
    if (std::ranges::find(o.roles, role) == o.roles.end()) continue;
    FP_TRY(backend, backend_of(point, o, given));
    const std::string name = lower(field(point, "name"));
    const int port = static_cast<int>(point.at("port").to_number<std::int64_t>());
    PublishedHost& host = hosts[{name, port}];
    host.name = name;
    host.port = port;
    (role == "mp" ? host.mp : role == "dp" ? host.dp : host.sup) = backend;
  }
  if (hosts.empty()) return fail(Code::conflict, "nothing of this site is for the internet: no such role has an internet URL");
  std::vector<PublishedHost> out;
  for (auto& [key, host] : hosts) {
    for (const auto* other : {&host.mp, &host.dp, &host.sup})
      if (o.mode == "tunnel" && !other->empty() && *other != only_backend(host))
        return fail(Code::conflict, "a tunnel sees names only: {} cannot lead to {} and to {}", host.name, only_backend(host), *other);
    out.push_back(std::move(host));
  }
  return out;
}

std::string configuration_of(const std::vector<PublishedHost>& hosts, const Options& o) {
  if (o.product == "nginx") return o.mode == "bridge" ? nginx_bridge(hosts, o.text) : nginx_tunnel(hosts, o.text);
  return o.mode == "bridge" ? haproxy_bridge(hosts, o.text) : haproxy_tunnel(hosts, o.text);
}

// nginx knows certificates by SHA-1 only; to keep one out that is enough, because nobody can choose what the authority signs.
std::string denied_of(const json::object& site, const Options& o) {
  const bool nginx = o.product == "nginx";
  std::string out;
  for (const auto& value : site.at("denied").as_array()) {
    const std::string mark = field(value, nginx ? "sha1" : "sha256");
    if (!mark.empty()) out += nginx ? fmt::format("{} 1;\n", mark) : mark + "\n";
  }
  return out;
}

class Writer {
 public:
  explicit Writer(Path folder) : folder_(std::move(folder)) {}
  // Leaves a file alone that is as it should be, so that whoever watches it is woken by changes only.
  Status put(std::string_view name, std::string_view text) {
    const Path path = folder_ / name;
    const auto before = read_file(path, 64U << 20);
    if (before && *before == text) return {};
    FP_CHECK(write_file(path, text));
    changed_.push_back(path.native());
    return {};
  }
  [[nodiscard]] const std::vector<std::string>& changed() const { return changed_; }

 private:
  Path folder_;
  std::vector<std::string> changed_;
};

Status check_lists(const json::object& site, const Options& o) {
  if (o.no_lists || site.at("issuers_without_list").as_array().empty()) return {};
  std::string names;
  for (const auto& name : site.at("issuers_without_list").as_array()) names += (names.empty() ? "" : "; ") + std::string(name.as_string());
  return fail(Code::conflict,
              "the site has no current revocation list of {}: the proxy would refuse everybody. Name it in pki.crl_files of the site, or "
              "publish --without-revocation-lists",
              names);
}

Status write_lists(const json::object& site, const Options& o, Writer& files) {
  FP_CHECK(check_lists(site, o));
  if (!o.no_lists) FP_CHECK(files.put(kListsFile, field(site, "lists")));
  return files.put(o.product == "nginx" ? kNginxDenied : kHaproxyDenied, denied_of(site, o));
}

Status tell(Cli& cli, const Writer& files) {
  if (cli.as_json) {
    cli.show_object(json::object{{"changed", json::array(files.changed().begin(), files.changed().end())}});
    return {};
  }
  for (const auto& path : files.changed()) cli.say(path);
  if (files.changed().empty()) cli.say("unchanged");
  return {};
}

Status publish(Cli& cli, Options o) {
  if (o.mode == "tunnel" && (o.deny_list_only || o.text.strict))
    return fail(Code::invalid, "a tunnel sees neither certificates nor headers: --deny-list-only and --strict are for --mode bridge");
  if (o.mode == "bridge" && o.text.proxy_protocol) return fail(Code::invalid, "--proxy-protocol is for --mode tunnel");
  const Target target = target_of(o);
  FP_TRY(answer, cli.get("/publishing"));
  const json::object& site = answer.as_object();
  FP_CHECK(make_dirs(target.folder));
  Writer files(target.folder);
  if (o.deny_list_only) {
    FP_CHECK(write_lists(site, o, files));
    return tell(cli, files);
  }
  if (o.text.folder.empty()) {
    std::error_code error;
    o.text.folder = std::filesystem::absolute(target.folder, error).lexically_normal().native();
    while (o.text.folder.size() > 1 && o.text.folder.ends_with('/')) o.text.folder.pop_back();
  }
  if (o.text.certificate.empty()) o.text.certificate = o.text.folder + "/proxy.pem";
  if (o.text.key.empty()) o.text.key = o.text.folder + "/proxy.key";
  o.text.revocation = !o.no_lists;
  FP_TRY(hosts, hosts_of(site, o));
  if (o.mode == "bridge") {
    FP_CHECK(write_lists(site, o, files));
    FP_CHECK(files.put(kIssuersFile, field(site, "issuers")));
    std::string behind = field(site, "issuers");
    if (!o.backend_issuers.empty()) {
      FP_TRY(pem, read_file(o.backend_issuers, 4U << 20));
      behind = pem;
    }
    FP_CHECK(files.put(kBackendIssuersFile, behind));
  }
  FP_CHECK(files.put(std::string_view(target.configuration.filename().native()), configuration_of(hosts, o)));
  return tell(cli, files);
}

std::string command_of(const Options& o) {
  std::string out = fmt::format("farpoint publish --mode {} --for {}", o.mode, o.product);
  std::string roles;
  for (const auto& role : o.roles) roles += (roles.empty() ? "" : ",") + role;
  if (o.roles.size() < 3) out += " --role " + roles;
  if (o.text.strict) out += " --strict";
  if (o.text.proxy_protocol) out += " --proxy-protocol";
  return out;
}

}  // namespace

void add_publish_verb(CLI::App& app, Cli& cli) {
  static Options o;
  auto* c = app.add_subcommand("publish", "the configuration of a web proxy in front of the site: SSL bridging or tunnelling");
  c->add_option("--mode", o.mode, "bridge: the proxy ends TLS and opens it anew; tunnel: TLS passes through")
      ->check(CLI::IsMember({"bridge", "tunnel"}))
      ->capture_default_str();
  c->add_option("--for", o.product, "nginx, haproxy")->check(CLI::IsMember({"nginx", "haproxy"}))->required();
  c->add_option("--role", o.roles, "mp, dp, sup, or several with commas")->delimiter(',')->check(CLI::IsMember({"mp", "dp", "sup"}))->capture_default_str();
  c->add_option("--out", o.out, "folder to write to, or the configuration file, with the others beside it")->required();
  c->add_flag("--strict", o.text.strict, "bridge: pass only the request headers that are needed");
  c->add_flag("--proxy-protocol", o.text.proxy_protocol, "tunnel: tell the site whose connection it is (PROXY protocol)");
  c->add_flag("--deny-list-only", o.deny_list_only, "only the lists of blocked devices and revoked certificates; what did not change stays untouched");
  c->add_option("--folder", o.text.folder, "where the files will lie on the proxy, if it is another than --out");
  c->add_option("--certificate", o.text.certificate, "the proxy's certificate on the proxy (FOLDER/proxy.pem; for haproxy with its key in the file)");
  c->add_option("--key", o.text.key, "its key on the proxy, for nginx (FOLDER/proxy.key)");
  c->add_option("--listen", o.text.listen, "address of the proxy that clients reach")->capture_default_str();
  c->add_option("--backend", o.backends, "NAME=HOST:PORT: what is behind a public name, where the site does not know it; may be repeated");
  c->add_option("--backend-issuers", o.backend_issuers, "PEM file: authorities of the servers behind, if others than those of the clients")
      ->check(CLI::ExistingFile);
  c->add_flag("--without-revocation-lists", o.no_lists, "bridge: leave revocation to the site");
  c->callback([&cli] {
    cli.run([&] {
      o.text.command = command_of(o);
      return publish(cli, o);
    });
  });
}

}  // namespace fp::cli
