// farpoint client ..., farpoint features, and what is asked of one device's network: wake, remote-control, deploy-os.
#include <iostream>

#include "cli/session.hpp"
#include "base/text.hpp"
#include "site/client_bundle.hpp"

namespace fp::cli {
namespace {

constexpr std::size_t kPackageBytesMax = 256U << 20, kKeyBytesMax = 64U << 10;

struct Options {
  std::string kind = "dual", site_code, fsp, dns_suffix, domain, name, host, user = "root", fingerprint, id, device;
  std::vector<std::string> management_points;
  Path out = "farpoint-client", package, key;
  int port = 22;
  bool issue = false, no_issue = false, no_crl = false, kerberos = false, now = false;
};

json::object order_of(const Options& o) {
  json::object body{{"kind", o.kind}, {"issue", o.issue}, {"check_crl", !o.no_crl}, {"package", o.package.empty()}};
  for (const auto& [key, value] : {std::pair{"site_code", &o.site_code}, {"fsp", &o.fsp}, {"dns_suffix", &o.dns_suffix}, {"domain", &o.domain}, {"name", &o.name}})
    if (!value->empty()) body[key] = *value;
  if (!o.management_points.empty()) body["management_points"] = json::array(o.management_points.begin(), o.management_points.end());
  return body;
}

Result<std::vector<site::ArchiveFile>> files_of(const json::value& answer, const Options& o) {
  std::vector<site::ArchiveFile> files;
  for (const auto& f : answer.as_object().at("files").as_array()) {
    FP_TRY(bytes, unbase64(field(f, "base64")));
    files.push_back({field(f, "name"), static_cast<unsigned>(f.as_object().at("mode").to_number<std::int64_t>()), std::move(bytes)});
  }
  if (!o.package.empty()) {
    FP_TRY(bytes, read_file(o.package, kPackageBytesMax));
    const std::string name = o.package.filename().native();
    FP_CHECK(site::check_client_package(name, bytes));
    files.push_back({name, 0644, std::move(bytes)});
  }
  return files;
}

// A folder, or one archive where the name ends so. Nothing that is there is overwritten. Holds a key where one was issued.
Status write_bundle(const std::vector<site::ArchiveFile>& files, const Options& o) {
  if (file_exists(o.out)) return fail(Code::conflict, "{} exists already: name another with --out", o.out.native());
  if (o.out.native().ends_with(".tar.gz")) {
    FP_TRY(packed, site::tar_gz(files, system_clock().now()));
    return write_file(o.out, packed, o.issue ? 0600 : 0644);
  }
  FP_CHECK(make_dirs(o.out, o.issue ? 0700 : 0755));
  for (const auto& f : files) {
    FP_CHECK(make_dirs((o.out / f.name).parent_path()));
    FP_CHECK(write_file(o.out / f.name, f.bytes, f.mode));
  }
  return {};
}

Status bundle(Cli& cli, const Options& o) {
  if (file_exists(o.out)) return fail(Code::conflict, "{} exists already: name another with --out", o.out.native());
  FP_TRY(answer, cli.send("POST", "/clients/bundle", order_of(o)));
  FP_TRY(files, files_of(answer, o));
  FP_CHECK(write_bundle(files, o));
  auto& said = answer.as_object();
  said.erase("files");
  said["out"] = o.out.native();
  if (cli.as_json) {
    cli.show_object(answer);
    return {};
  }
  cli.say(fmt::format("{}: {} client of the site, {} files\non the computer, as root, in that folder: sh install.sh\nit runs: {}", o.out.native(), o.kind,
                      files.size(), field(answer, "command")));
  for (const auto& note : said.at("notes").as_array()) cli.say("note: " + std::string(note.as_string()));
  return {};
}

Status push(Cli& cli, const Options& o) {
  json::object body{{"host", o.host}, {"port", o.port}, {"user", o.user}, {"logon", o.kerberos ? "kerberos" : "key"}, {"issue", !o.no_issue}, {"now", o.now}};
  for (const auto& [key, value] : {std::pair{"fingerprint", &o.fingerprint}, {"fsp", &o.fsp}})
    if (!value->empty()) body[key] = *value;
  if (!o.kind.empty()) body["kind"] = o.kind;
  if (!o.key.empty()) {
    FP_TRY(pem, read_file(o.key, kKeyBytesMax));
    body["key"] = pem;
  }
  FP_TRY(made, cli.send("POST", "/clients/pushes", body));
  if (cli.as_json) cli.show_object(made);
  else cli.say(fmt::format("push {} to {}: {}; farpoint client push-list shows what becomes of it", field(made, "id"), field(made, "host"), field(made, "state")));
  return {};
}

Status list_pushes(Cli& cli) {
  FP_TRY(rows, cli.list("/clients/pushes"));
  if (!cli.as_json)
    for (auto& row : rows) {
      auto& o = row.as_object();
      const auto& attempts = o.at("attempts").as_array();
      o["tries"] = attempts.size();
      o["last"] = attempts.empty() ? "not tried yet" : field(attempts.back(), "reason");
      if (field(row, "state") != "waiting") o["next_at"] = nullptr;
    }
  cli.show_rows(rows, {{"ID", "id"}, {"HOST", "host"}, {"STATE", "state"}, {"TRIES", "tries"}, {"NEXT", "next_at"}, {"BY", "created_by"}, {"LAST", "last"}});
  return {};
}

void add_bundle(CLI::App& client, Cli& cli, Options& o) {
  auto* b = client.add_subcommand("bundle", "everything that makes a computer a client, with the command that does it");
  b->add_option("--kind", o.kind, "where the client will be managed")->required()->check(CLI::IsMember({"internet-only", "dual", "intranet"}));
  b->add_option("--out", o.out, "folder, or FILE.tar.gz")->capture_default_str();
  b->add_option("--package", o.package, "the agent's Debian package, where the site has none in its client files")->check(CLI::ExistingFile);
  b->add_option("--site-code", o.site_code, "the site's own; AUTO on the intranet only");
  b->add_option("--management-point", o.management_points, "of the intranet, instead of the site's own; may be repeated");
  b->add_option("--fsp", o.fsp, "fallback status point");
  b->add_option("--dns-suffix", o.dns_suffix, "domain of the service records of management points");
  b->add_option("--domain", o.domain, "directory domain whose controllers tell the intranet");
  b->add_option("--name", o.name, "fully qualified name of the computer it is for");
  b->add_flag("--issue", o.issue, "with a certificate that the site's authority issues for that computer");
  b->add_flag("--no-crl-check", o.no_crl, "the client does not check whether site systems' certificates are revoked");
  b->callback([&cli, &o] { cli.run([&] { return bundle(cli, o); }); });
}

void add_push(CLI::App& client, Cli& cli, Options& o) {
  auto* p = client.add_subcommand("push", "install the client on a computer of the intranet, over SSH; tried hourly for seven days");
  p->add_option("host", o.host, "fully qualified name")->required();
  p->add_option("--user", o.user, "whom to log on as; others than root need sudo without a password")->capture_default_str();
  p->add_option("--key", o.key, "private key to log on with, without a password; the site keeps it until the push is at its end")->check(CLI::ExistingFile);
  p->add_flag("--kerberos", o.kerberos, "log on with the site's keytab (client_push.keytab)");
  p->add_option("--fingerprint", o.fingerprint, "SHA256:... of the host key; without it the key seen first is believed and kept");
  p->add_option("--port", o.port, "of the host's SSH server")->check(CLI::Range(1, 65535))->capture_default_str();
  p->add_option_function<std::string>("--kind", [&o](const std::string& kind) { o.kind = kind; }, "dual where the site has a door for the internet")
      ->check(CLI::IsMember({"dual", "intranet"}));
  p->add_option("--fsp", o.fsp, "fallback status point");
  p->add_flag("--no-issue", o.no_issue, "the computer has its certificate already");
  p->add_flag("--now", o.now, "a push to this host that waits for its hour is tried at once");
  p->callback([&cli, &o, p] {
    cli.run([&] {
      if (p->count("--kind") == 0) o.kind.clear();
      return push(cli, o);
    });
  });
  client.add_subcommand("push-list", "pushes, open and done, with the reason of the last attempt")->callback([&cli] {
    cli.run([&] { return list_pushes(cli); });
  });
  const auto about_one = [&](const char* verb, const char* help, const char* method, const char* tail) {
    auto* c = client.add_subcommand(verb, help);
    c->add_option("push", o.id, "id of the push")->required();
    c->callback([&cli, &o, method, tail] {
      cli.run([&]() -> Status {
        const auto path = "/clients/pushes/" + encode(o.id) + tail;
        FP_TRY(found, std::string_view(method) == "GET" ? cli.get(path) : cli.send(method, path));
        if (cli.as_json || *tail == 0) cli.show_object(found);
        else cli.say(fmt::format("{}: {}", field(found, "id"), field(found, "state")));
        return {};
      });
    });
  };
  about_one("push-show", "one push with every attempt and its reason", "GET", "");
  about_one("push-cancel", "end a push; its key is forgotten", "POST", "/cancel");
}

Status features(Cli& cli, const Options& o) {
  if (o.device.empty()) {
    FP_TRY(rows, cli.list("/features"));
    cli.show_rows(rows, {{"FEATURE", "feature"}, {"INTERNET", "on_internet"}, {"INTRANET", "on_intranet"}, {"WHY NOT ON THE INTERNET", "internet_reason"}});
    return {};
  }
  FP_TRY(answer, cli.get("/devices/" + encode(o.device) + "/features"));
  if (cli.as_json) {
    cli.show_object(answer);
    return {};
  }
  cli.say(field(answer, "place") + "\n");
  cli.show_rows(answer.as_object().at("items").as_array(), {{"FEATURE", "feature"}, {"OFFERED", "offered"}, {"WHY", "reason"}});
  return {};
}

void add_device_requests(CLI::App& device, Cli& cli, Options& o) {
  const auto ask = [&](const char* verb, const char* tail, const char* help) {
    auto* c = device.add_subcommand(verb, help);
    c->add_option("device", o.device, "name or id")->required();
    c->callback([&cli, &o, tail] {
      cli.run([&]() -> Status {
        FP_TRY(answer, cli.send("POST", "/devices/" + encode(o.device) + tail));
        if (cli.as_json) {
          cli.show_object(answer);
          return {};
        }
        for (const auto& p : answer.as_object().at("packets").as_array())
          cli.say(fmt::format("{}: wake-up packet for {} to {}", field(answer, "device"), field(p, "mac"), field(p, "address")));
        return {};
      });
    });
  };
  ask("wake", "/wake", "send wake-up packets to a device on the intranet");
  ask("remote-control", "/remote-control", "not offered: says why");
  ask("deploy-os", "/os-deployment", "not offered: says why");
}

}  // namespace

void add_client_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* client = app.add_subcommand("client", "how computers become clients: installation bundles, client push");
  client->require_subcommand(1);
  add_bundle(*client, cli, o);
  add_push(*client, cli, o);
  client->add_subcommand("publish", "software update-based client installation: not offered, says why")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_CHECK(cli.send("POST", "/clients/update-based-installation"));
      return {};
    });
  });
  auto* f = app.add_subcommand("features", "what is refused on the internet, and why; with a device: what it has now");
  f->add_option("device", o.device, "name or id");
  f->callback([&cli] { cli.run([&] { return features(cli, o); }); });
  add_device_requests(*app.get_subcommand("device"), cli, o);
}

}  // namespace fp::cli
