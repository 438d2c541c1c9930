// farpoint gateway ...: gateways on the internet, each with its management point, content store and fallback status point together.
#include "cli/session.hpp"
#include "pki/certificate.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string name, internet_url, link;
  Path certificate;
  bool no_content = false, content = false, fallback = false, no_fallback = false;
};

Status add(Cli& cli, const Options& o) {
  json::object body;
  FP_TRY(known, cli.list("/gateways"));
  for (const auto& gateway : known)  // what is not named stays
    if (field(gateway, "name") == o.name)
      for (const char* kept : {"internet_url", "fingerprint", "link"}) body[kept] = gateway.at(kept);
  if (!o.internet_url.empty()) body["internet_url"] = o.internet_url;
  else if (!body.contains("internet_url")) body["internet_url"] = "https://" + o.name + ":443";
  if (!o.link.empty()) body["link"] = o.link;
  if (!o.certificate.empty()) {
    FP_TRY(pem, read_file(o.certificate));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    body["fingerprint"] = certificate.fingerprint();
  }
  if (o.content || o.no_content) body["content"] = o.content;
  if (o.fallback || o.no_fallback) body["fallback"] = o.fallback;
  FP_TRY(made, cli.send("PUT", "/gateways/" + encode(o.name), body));
  cli.show_object(made);
  return {};
}

void add_changing_verbs(CLI::App& gateway, Cli& cli, Options& o) {
  auto* adding = gateway.add_subcommand("add", "add or change a gateway; the site then opens the site link to it");
  adding->add_option("name", o.name, "public host name")->required();
  adding->add_option("--internet-url", o.internet_url, "where clients reach it (default: https://NAME:443)");
  adding->add_option("--certificate", o.certificate, "PEM file: what the host shows on the site link")->check(CLI::ExistingFile);
  adding->add_option("--link", o.link, "HOST:PORT where the site opens the site link");
  auto* content = adding->add_flag("--content", o.content, "content-enabled: a distribution point that is fed over the link (the default)");
  adding->add_flag("--no-content", o.no_content, "it only passes messages on")->excludes(content);
  auto* fallback = adding->add_flag("--fallback", o.fallback, "it is a fallback status point too");
  adding->add_flag("--no-fallback", o.no_fallback, "it is none any more")->excludes(fallback);
  adding->callback([&] { cli.run([&] { return add(cli, o); }); });
  auto* remove = gateway.add_subcommand("remove", "forget a gateway with all that it is, and close the site link to it");
  remove->add_option("name", o.name, "host name")->required();
  remove->callback([&] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/gateways/" + encode(o.name)));
      cli.say(o.name + ": removed");
      return {};
    });
  });
}

}  // namespace

void add_gateway_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* gateway = app.add_subcommand("gateway", "gateways on the internet");
  gateway->require_subcommand(1);
  gateway->add_subcommand("list", "all gateways, and how the site link to each is")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/gateways"));
      cli.show_rows(rows, {{"NAME", "name"},
                           {"INTERNET", "internet_url"},
                           {"CONTENT", "content"},
                           {"FALLBACK", "fallback"},
                           {"SITE LINK", "link_state"}});
      return {};
    });
  });
  auto* show = gateway->add_subcommand("show", "its health, asked over the site link: since when, requests, bytes of content, last error, warnings");
  show->add_option("name", o.name, "host name")->required();
  show->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(found, cli.get("/gateways/" + encode(o.name)));
      cli.show_object(found);
      return {};
    });
  });
  add_changing_verbs(*gateway, cli, o);
}

}  // namespace fp::cli
