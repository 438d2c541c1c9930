// farpoint deploy, farpoint deployment ...
#include "cli/deploy.hpp"
#include "base/clock.hpp"

namespace fp::cli {
namespace {

using Options = DeployOptions;

Result<std::string> time_of(const std::string& text) {
  if (text == "now") return to_iso(system_clock().now());
  FP_TRY(at, parse_time(text));
  return to_iso(at);
}

}  // namespace

Status deploy(Cli& cli, const DeployOptions& o) {
  json::object body{{"kind", o.task_sequence ? "task_sequence" : o.program.empty() ? "application" : "package"},
                    {"target_id", o.what},
                    {"collection_id", o.collection},
                    {"purpose", o.purpose},
                    {"action", o.action},
                    {"install_outside_window", o.ignore_window},
                    {"restart_outside_window", o.ignore_window},
                    {"suppress_restart", o.suppress_restart},
                    {"send_wake_up", o.wake},
                    {"comment", o.comment}};
  if (!o.program.empty()) body["program"] = o.program;
  if (!o.user.empty()) body["user"] = o.user;
  else if (o.collection.empty()) return fail(Code::invalid, "--to is needed: a collection of devices");
  if (!o.rerun.empty()) body["rerun"] = o.rerun;
  if (o.allow_internet) body["allow_internet"] = true;
  if (o.on_demand) body["download_on_demand"] = true;
  if (!o.deadline.empty()) {
    FP_TRY(at, time_of(o.deadline));
    body["deadline"] = at;
  }
  if (!o.available.empty()) {
    FP_TRY(at, time_of(o.available));
    body["available_at"] = at;
  }
  FP_TRY(made, cli.send("POST", "/deployments", body));
  if (cli.as_json) cli.show_object(made);
  else
    cli.say(fmt::format("deployment {}: {} {}, {}, to {}", field(made, "id"), o.action, o.shown.empty() ? o.what : o.shown, o.purpose,
                        o.collection.empty() ? field(made, "collection_id") : o.collection));
  if (const auto* warnings = made.as_object().if_contains("warnings"); warnings && !cli.as_json)
    for (const auto& w : warnings->as_array()) cli.say("warning: " + std::string(w.as_string()));
  return {};
}

void add_deploy_options(CLI::App& verb, DeployOptions& o) {
  verb.add_option("--to", o.collection, "collection: name or id");
  verb.add_option("--purpose", o.purpose, "must it be there, or may people choose it")
      ->check(CLI::IsMember({"required", "available"}))
      ->capture_default_str();
  verb.add_option("--available", o.available, "from when on: a time, or now");
  verb.add_option("--deadline", o.deadline, "until when at the latest (required): a time, or now");
  verb.add_option("--comment", o.comment, "a line for people");
  verb.add_flag("--ignore-window", o.ignore_window, "install and restart outside maintenance windows too");
  verb.add_flag("--suppress-restart", o.suppress_restart, "never restart because of it");
  verb.add_flag("--wake", o.wake, "send wake-up packets to intranet clients before the deadline (required)");
}

namespace {

Status switch_to(Cli& cli, const Options& o, bool on) {
  FP_TRY(found, cli.get("/deployments/" + encode(o.id)));
  found.as_object()["enabled"] = on;
  FP_TRY(changed, cli.send("PUT", "/deployments/" + encode(field(found, "id")), found));
  if (cli.as_json) cli.show_object(changed);
  else cli.say(fmt::format("{}: {}", field(changed, "id"), on ? "enabled" : "disabled"));
  return {};
}

Status status(Cli& cli, const Options& o) {
  const std::string path = "/deployments/" + encode(o.id);
  FP_TRY(summary, cli.get(path + "/summary"));
  FP_TRY(states, cli.list(path + "/states"));
  if (cli.as_json) {
    cli.show_object(json::object{{"summary", summary}, {"states", states}});
    return {};
  }
  cli.show_object(summary);
  cli.say("");
  cli.show_rows(states, {{"DEVICE", "client_id"}, {"STATE", "state"}, {"AT", "at"}, {"DETAIL", "detail"}});
  return {};
}

}  // namespace

namespace {

// A deployment of the application that brings an update is one of an update to people.
void name_updates(Cli& cli, json::array& rows) {
  const auto applications = cli.list("/applications");
  if (!applications) return;  // they are not for this administrator to see
  for (auto& row : rows)
    for (const auto& a : *applications)
      if (field(a, "id") == field(row, "target_id") && !field(a, "update_id").empty()) {
        row.as_object()["kind"] = "update";
        row.as_object()["target_id"] = a.as_object().at("name");
      }
}

void add_deploy(CLI::App& app, Cli& cli, Options& o) {
  auto* d = app.add_subcommand("deploy", "deploy an application, a package's program or a task sequence to a collection");
  d->add_option("what", o.what, "application, package or task sequence: name or id")->required();
  add_deploy_options(*d, o);
  d->add_option("--to-user", o.user, "refused, with the reason: software is deployed to devices");
  d->add_option("--program", o.program, "of a package");
  auto* sequence = d->add_flag("--task-sequence", o.task_sequence, "it is a task sequence")->excludes("--program");
  d->add_flag("--allow-internet", o.allow_internet, "allow the task sequence to run for clients on the internet")->needs(sequence);
  d->add_flag("--download-on-demand", o.on_demand, "content when a step needs it, instead of all of it first")->needs(sequence);
  d->add_option("--rerun", o.rerun, "what becomes of a program or a task sequence that ran before")
      ->check(CLI::IsMember({"never", "always", "if_failed", "if_succeeded"}));
  d->add_option("--action", o.action, "what the devices do")
      ->check(CLI::IsMember({"install", "uninstall", "repair"}))
      ->capture_default_str();
  d->callback([&cli, &o] { cli.run([&] { return deploy(cli, o); }); });
}

}  // namespace

void add_deployment_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  add_deploy(app, cli, o);
  auto* deployment = app.add_subcommand("deployment", "deployments and what became of them");
  deployment->require_subcommand(1);
  deployment->add_subcommand("list", "all deployments")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/deployments"));
      if (!cli.as_json) name_updates(cli, rows);
      cli.show_rows(rows, {{"ID", "id"},
                           {"KIND", "kind"},
                           {"WHAT", "target_id"},
                           {"COLLECTION", "collection_id"},
                           {"PURPOSE", "purpose"},
                           {"ACTION", "action"},
                           {"AVAILABLE", "available_at"},
                           {"DEADLINE", "deadline"},
                           {"BY", "created_by"}});
      return {};
    });
  });
  auto* show = deployment->add_subcommand("show", "one deployment");
  show->add_option("deployment", o.id, "id, or the name of what is deployed")->required();
  show->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(found, cli.get("/deployments/" + encode(o.id)));
      cli.show_object(found);
      return {};
    });
  });
  auto* state = deployment->add_subcommand("status", "how many have it, who has not, and why");
  state->add_option("deployment", o.id, "id, or the name of what is deployed")->required();
  state->callback([&cli] { cli.run([&] { return status(cli, o); }); });
  for (const bool on : {true, false}) {
    auto* turn = deployment->add_subcommand(on ? "enable" : "disable",
                                            on ? "switch it on again" : "switch it off without losing it");
    turn->add_option("deployment", o.id, "id, or the name of what is deployed")->required();
    turn->callback([&cli, on] { cli.run([&] { return switch_to(cli, o, on); }); });
  }
  auto* remove = deployment->add_subcommand("delete", "stop deploying; what is installed stays");
  remove->add_option("deployment", o.id, "id, or the name of what is deployed")->required();
  remove->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/deployments/" + encode(o.id)));
      cli.say(o.id + ": deleted");
      return {};
    });
  });
}

}  // namespace fp::cli
