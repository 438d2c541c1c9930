// farpoint fsp ...: fallback status points, and what clients said through them.
#include "cli/session.hpp"
#include "pki/certificate.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string name, link, comment, device;
  Path certificate;
};

const std::vector<Column> kPointColumns = {{"NAME", "name"},         {"SITE LINK", "link_state"},
                                           {"ANSWERED", "answered_at"}, {"FETCHED", "fetched"},
                                           {"WAITING", "waiting"},   {"REFUSED", "refused"},
                                           {"THROTTLED", "throttled"}, {"PROBLEM", "problem"}};
const std::vector<Column> kMessageColumns = {{"RECEIVED", "received_at"}, {"SAYS IT IS", "who"}, {"FROM", "address"},
                                             {"TOPIC", "topic"},         {"STATE", "state"},    {"DETAIL", "said"},
                                             {"SEALED", "sealed"},       {"TRUSTED", "trusted"}};

// One column for who it says that it is, and one for what it adds.
json::array for_people(json::array rows) {
  for (auto& row : rows) {
    auto& m = row.as_object();
    std::string who = field(row, "name");
    for (const auto* other : {"client_id", "sender"})
      if (who.empty()) who = field(row, other);
    std::string said = field(row, "details");
    if (said.empty())
      for (const auto& parameter : m["parameters"].as_array()) said += (said.empty() ? "" : ", ") + std::string(parameter.as_string());
    m["who"] = who;
    m["said"] = said;
  }
  return rows;
}

Status add(Cli& cli, const Options& o) {
  json::object body;
  FP_TRY(known, cli.list("/fallback/points"));
  for (const auto& point : known)  // what is not named stays
    if (field(point, "name") == o.name)
      for (const char* kept : {"fingerprint", "link", "comment"}) body[kept] = point.at(kept);
  if (!o.link.empty()) body["link"] = o.link;
  if (!o.certificate.empty()) {
    FP_TRY(pem, read_file(o.certificate));
    FP_TRY(certificate, pki::Certificate::from_pem(pem));
    body["fingerprint"] = certificate.fingerprint();
  }
  if (!o.comment.empty()) body["comment"] = o.comment;
  FP_TRY(made, cli.send("PUT", "/fallback/points/" + encode(o.name), body));
  cli.show_object(made);
  return {};
}

Status messages(Cli& cli, const Options& o) {
  FP_TRY(page, cli.get("/fallback/messages" + (o.device.empty() ? std::string() : "?device=" + encode(o.device))));
  const auto& rows = page.as_object()["items"].as_array();
  cli.show_rows(cli.as_json ? rows : for_people(rows), kMessageColumns);
  return {};
}

}  // namespace

void add_fallback_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* fsp = app.add_subcommand("fsp", "fallback status points, and what clients said through them");
  fsp->require_subcommand(1);
  fsp->add_subcommand("list", "all fallback status points, and how each is doing")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/fallback/points"));
      cli.show_rows(rows, kPointColumns);
      return {};
    });
  });
  auto* adding = fsp->add_subcommand("add", "add or change a fallback status point; the site then opens the site link to it and fetches (of a gateway: farpoint gateway add --fallback)");
  adding->add_option("name", o.name, "host name")->required();
  adding->add_option("--certificate", o.certificate, "PEM file: what the host shows on the site link")->check(CLI::ExistingFile);
  adding->add_option("--link", o.link, "HOST:PORT where the site opens the site link");
  adding->add_option("--comment", o.comment, "for people");
  adding->callback([&cli] { cli.run([&] { return add(cli, o); }); });
  auto* remove = fsp->add_subcommand("remove", "forget a fallback status point; what came through it stays");
  remove->add_option("name", o.name, "host name")->required();
  remove->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/fallback/points/" + encode(o.name)));
      cli.say(o.name + ": removed");
      return {};
    });
  });
  auto* said = fsp->add_subcommand("messages", "what clients said, newest first; anybody may have said it");
  said->add_option("--device", o.device, "name or id; also of a computer that the site does not know");
  said->callback([&cli] { cli.run([&] { return messages(cli, o); }); });
}

}  // namespace fp::cli
