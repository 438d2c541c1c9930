// farpoint enrollment ...: tokens, what was issued for them, and the proxy points on other hosts.
#include "base/file.hpp"
#include "base/text.hpp"
#include "cli/session.hpp"
#include "pki/certificate.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string kind = "computer", names, valid = "7d", id, name, connections, link;
  Path certificate;
  int uses = 1;
  bool role_opens = false;
};

// "90m", "12h", "7d".
Result<std::int64_t> seconds_of(std::string_view text) {
  constexpr std::pair<char, std::int64_t> kUnits[] = {{'m', 60}, {'h', 3600}, {'d', 24 * 3600}};
  for (const auto& [unit, seconds] : kUnits) {
    if (!text.ends_with(unit)) continue;
    if (const auto n = parse_int(text.substr(0, text.size() - 1)); n && *n > 0 && *n < 1'000'000) return *n * seconds;
  }
  return fail(Code::invalid, "--valid \"{}\": must be a number with m, h or d behind it, such as 7d", text);
}

Status create(Cli& cli, const Options& o) {
  FP_TRY(valid_s, seconds_of(o.valid));
  json::object body{{"kind", o.kind}, {"uses", o.uses}, {"valid_s", valid_s}};
  if (!o.names.empty()) body["names"] = o.names;
  FP_TRY(made, cli.send("POST", "/enrollment/tokens", body));
  if (cli.as_json) {
    cli.show_object(made);
    return {};
  }
  cli.say(fmt::format("{}: a token for {} {}{}, until {}\n{}\nIt is not shown again. It is good for a certificate: hand it on as a password.", field(made, "id"), o.uses,
                      o.uses == 1 ? o.kind : o.kind + "s", o.names.empty() ? "" : " named " + field(made, "names"), field(made, "expires_at"), field(made, "token")));
  return {};
}

void add_tokens(CLI::App& enrollment, Cli& cli, Options& o) {
  auto* token = enrollment.add_subcommand("token", "enrollment tokens: what a computer shows to get a certificate");
  token->require_subcommand(1);
  auto* make = token->add_subcommand("create", "make a token; it is shown once");
  make->add_option("--uses", o.uses, "how many certificates it is good for")->check(CLI::Range(1, 100'000))->capture_default_str();
  make->add_option("--valid", o.valid, "how long, such as 90m, 12h or 7d")->capture_default_str();
  make->add_option("--kind", o.kind, "a mobile device is internet-only, and needs a proxy that tunnels")
      ->check(CLI::IsMember({"computer", "mobile"}))->capture_default_str();
  make->add_option("--name", o.names, "the host name it is good for, or *.corp.example; any without it");
  make->callback([&cli, &o] { cli.run([&] { return create(cli, o); }); });
  token->add_subcommand("list", "all tokens, and what each is worth now")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/enrollment/tokens"));
      cli.show_rows(rows, {{"TOKEN", "id"}, {"STATE", "state"}, {"KIND", "kind"}, {"NAMES", "names"}, {"USES", "uses"}, {"USED", "used"},
                           {"UNTIL", "expires_at"}, {"LAST USED", "last_used_at"}, {"BY", "last_used_by"}, {"MADE BY", "created_by"}});
      return {};
    });
  });
  auto* revoke = token->add_subcommand("revoke", "make a token worthless; certificates that it got stay (farpoint pki revoke)");
  revoke->add_option("token", o.id, "id of the token")->required();
  revoke->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("POST", "/enrollment/tokens/" + encode(o.id) + "/revoke"));
      if (cli.as_json) cli.show_object(done);
      else cli.say(o.id + ": revoked");
      return {};
    });
  });
}

Status put_proxy(Cli& cli, const Options& o) {
  json::object body{{"name", o.name}};
  FP_TRY(known, cli.list("/enrollment/proxy-points"));
  for (const auto& point : known)
    if (iequals(field(point, "name"), o.name)) body = point.as_object();  // what is not named stays
  if (!o.connections.empty()) body["connections"] = o.connections;
  if (!o.link.empty()) body["link"] = o.link;
  if (o.role_opens) body["link"] = "";
  if (!o.certificate.empty()) {
    FP_TRY(pem, read_file(o.certificate));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    body["fingerprint"] = certificate.fingerprint();
  }
  FP_TRY(made, cli.send("PUT", "/enrollment/proxy-points/" + encode(o.name), body));
  cli.show_object(made);
  return {};
}

void add_proxies(CLI::App& enrollment, Cli& cli, Options& o) {
  auto* proxy = enrollment.add_subcommand("proxy", "enrollment proxy points on other hosts");
  proxy->require_subcommand(1);
  proxy->add_subcommand("list", "all of them, and how the site link to each is")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/enrollment/proxy-points"));
      cli.show_rows(rows, {{"NAME", "name"}, {"CONNECTIONS", "connections"}, {"LINK", "link"}, {"SITE LINK", "link_state"}});
      return {};
    });
  });
  auto* add = proxy->add_subcommand("add", "let a host pass enrolment on to this site; of a management point the name is enough");
  add->add_option("name", o.name, "host name")->required();
  add->add_option("--certificate", o.certificate, "PEM file: what the host shows on the site link")->check(CLI::ExistingFile);
  add->add_option("--connections", o.connections, "which computers enrol there; internet unless said")->check(CLI::IsMember({"intranet", "internet", "both"}));
  auto* link = add->add_option("--link", o.link, "HOST:PORT where the site opens the site link");
  add->add_flag("--role-opens", o.role_opens, "the host opens the site link to the site")->excludes(link);
  add->callback([&cli, &o] { cli.run([&] { return put_proxy(cli, o); }); });
  auto* remove = proxy->add_subcommand("remove", "let a host pass nothing on any more");
  remove->add_option("name", o.name, "host name")->required();
  remove->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/enrollment/proxy-points/" + encode(o.name)));
      cli.say(o.name + ": removed");
      return {};
    });
  });
}

}  // namespace

void add_enrollment_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* enrollment = app.add_subcommand("enrollment", "certificates that computers ask for themselves: tokens, what was issued, proxy points");
  enrollment->require_subcommand(1);
  add_tokens(*enrollment, cli, o);
  enrollment->add_subcommand("list", "certificates that were issued, the newest first")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/enrollment/certificates"));
      cli.show_rows(rows, {{"NAME", "name"}, {"KIND", "kind"}, {"AT", "at"}, {"BY", "by"}, {"FROM", "address"}, {"THROUGH", "via"},
                           {"UNTIL", "not_after"}, {"SERIAL", "serial"}});
      return {};
    });
  });
  add_proxies(*enrollment, cli, o);
}

}  // namespace fp::cli
