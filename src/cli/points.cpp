// farpoint mp ...: management points, those of other hosts with their site link.
#include "cli/session.hpp"
#include "base/file.hpp"
#include "base/text.hpp"
#include "pki/certificate.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string name, intranet_url, internet_url, connections, link, site_code;
  Path certificate;
  bool role_opens = false, this_server = false;
  std::vector<std::string> subnets;
};

Status put(Cli& cli, const Options& o) {
  json::object body{{"name", o.name}};
  FP_TRY(known, cli.list("/management-points"));
  for (const auto& point : known)
    if (iequals(field(point, "name"), o.name)) body = point.as_object();  // what is not named stays
  const auto set = [&](const char* name, const std::string& value) {
    if (!value.empty()) body[name] = value;
  };
  set("intranet_url", o.intranet_url);
  set("internet_url", o.internet_url);
  set("connections", o.connections);
  set("link", o.link);
  set("site_code", o.site_code);
  if (o.role_opens) body["link"] = "";
  if (!o.subnets.empty()) body["subnets"] = json::array(o.subnets.begin(), o.subnets.end());
  if (!o.certificate.empty()) {
    FP_TRY(pem, read_file(o.certificate));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    body["fingerprint"] = certificate.fingerprint();
  }
  if (o.this_server) body["this_server"] = true;
  FP_TRY(made, cli.send("PUT", "/management-points/" + encode(o.name), body));
  cli.show_object(made);
  return {};
}

}  // namespace

void add_management_point_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* mp = app.add_subcommand("mp", "management points");
  mp->require_subcommand(1);
  mp->add_subcommand("list", "all management points, and how the site link to each is")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/management-points"));
      cli.show_rows(rows, {{"NAME", "name"},
                           {"CONNECTIONS", "connections"},
                           {"INTRANET", "intranet_url"},
                           {"INTERNET", "internet_url"},
                           {"SITE", "site_code"},
                           {"SITE LINK", "link_state"}});
      return {};
    });
  });
  auto* add = mp->add_subcommand("add", "add or change a management point on another host, or that of a secondary site");
  add->add_option("name", o.name, "host name")->required();
  add->add_option("--certificate", o.certificate, "PEM file: what the host shows on the site link")->check(CLI::ExistingFile);
  add->add_option("--intranet-url", o.intranet_url, "https://mp2.corp.example:443");
  add->add_option("--internet-url", o.internet_url, "https://mp.example.com:443");
  add->add_option("--connections", o.connections, "which clients it serves")->check(CLI::IsMember({"intranet", "internet", "both"}));
  auto* link = add->add_option("--link", o.link, "HOST:PORT where the site opens the site link (require the site server to initiate connections)");
  add->add_flag("--role-opens", o.role_opens, "the host opens the site link to the site")->excludes(link);
  add->add_flag("--this-server", o.this_server, "a further name of this server, such as a second public address")->excludes(link);
  add->add_option("--secondary", o.site_code, "site code of the secondary site that it belongs to");
  add->add_option("--subnet", o.subnets, "10.2.0.0/16: clients there use it as their proxy management point; may be repeated");
  add->callback([&cli] { cli.run([&] { return put(cli, o); }); });
  auto* remove = mp->add_subcommand("remove", "forget a management point of another host, and close the site link to it");
  remove->add_option("name", o.name, "host name")->required();
  remove->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/management-points/" + encode(o.name)));
      cli.say(o.name + ": removed");
      return {};
    });
  });
}

}  // namespace fp::cli
