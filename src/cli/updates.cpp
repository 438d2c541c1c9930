// farpoint update ...: the catalogue of software updates, who requires what, synchronisation and deployment.
#include <chrono>
#include <thread>

#include "base/clock.hpp"
#include "cli/deploy.hpp"

namespace fp::cli {
namespace {

constexpr std::int64_t kSyncWaitS = 1800;
constexpr auto kLookEvery = std::chrono::milliseconds(500);

struct Options {
  std::string id, device;
  std::vector<std::string> updates;
  DeployOptions deploy;
  bool expired = false, no_wait = false;
};

const std::vector<Column> kColumns = {{"PACKAGE", "package"},   {"VERSION", "version"},     {"ARCHITECTURE", "architecture"},
                                      {"CLASSIFICATION", "classification"}, {"PRODUCT", "product"}, {"REQUIRED", "required"},
                                      {"INSTALLED", "installed"}, {"NOT REQUIRED", "not_required"}, {"UNKNOWN", "unknown"},
                                      {"ID", "id"}};
const std::vector<Column> kStateColumns = {{"DEVICE", "name"}, {"STATE", "state"}, {"AT", "at"}};
const std::vector<Column> kSourceColumns = {{"SOURCE", "name"},        {"UPDATES", "updates"},   {"SYNCHRONISED", "succeeded_at"},
                                            {"RELEASE OF", "released_at"}, {"TRIED", "tried_at"}, {"PROBLEM", "problem"}};
const std::vector<Column> kPointColumns = {{"POINT", "name"}, {"CONNECTIONS", "connections"}, {"INTRANET", "intranet_url"}, {"INTERNET", "internet_url"}};

Status show(Cli& cli, const Options& o) {
  FP_TRY(found, cli.get("/updates/" + encode(o.id)));
  FP_TRY(states, cli.list("/updates/" + encode(field(found, "id")) + "/states"));
  if (cli.as_json) {
    found.as_object()["states"] = states;
    cli.show_object(found);
    return {};
  }
  cli.show_object(found);
  cli.say("");
  cli.show_rows(states, kStateColumns);
  return {};
}

Status show_status(Cli& cli) {
  FP_TRY(status, cli.get("/updates/status"));
  if (cli.as_json) {
    cli.show_object(status);
    return {};
  }
  cli.say("content version " + text_at(status, "content_version"));
  cli.show_rows(status.as_object()["points"].as_array(), kPointColumns);
  cli.say("");
  cli.show_rows(status.as_object()["sources"].as_array(), kSourceColumns);
  return {};
}

// Every source was tried since the order; the first problem is the answer.
Status wait_for_sync(Cli& cli, Instant since) {
  const auto& clock = system_clock();
  for (const auto began = clock.steady_ms(); clock.steady_ms() - began < kSyncWaitS * 1000;) {
    FP_TRY(status, cli.get("/updates/status"));
    const auto& sources = status.as_object()["sources"].as_array();
    bool all = !sources.empty();
    std::string problem;
    for (const auto& s : sources) {
      const auto at = parse_time(field(s, "tried_at"));
      all = all && at && at->ms >= since.ms;
      if (problem.empty() && !field(s, "problem").empty()) problem = fmt::format("{}: {}", field(s, "name"), field(s, "problem"));
    }
    if (all && !problem.empty()) return fail(Code::unavailable, "{}", problem);
    if (all) return show_status(cli);
    std::this_thread::sleep_for(kLookEvery);
  }
  return fail(Code::timed_out, "the site is not done after {} s: farpoint update status tells when it is", kSyncWaitS);
}

Status sync(Cli& cli, const Options& o) {
  FP_TRY(ordered, cli.send("POST", "/updates/sync"));
  if (o.no_wait) {
    cli.say("ordered; farpoint update status tells what came of it");
    return {};
  }
  FP_TRY(since, parse_time(field(ordered, "requested_at")));
  return wait_for_sync(cli, since);
}

Status required(Cli& cli, const Options& o) {
  FP_TRY(found, cli.get("/devices/" + encode(o.device) + "/updates"));
  auto& all = found.as_object()["items"].as_array();
  json::array wanted;
  for (const auto& item : all)
    if (field(item, "state") == "required") wanted.push_back(item);
  if (cli.as_json) {
    found.as_object()["items"] = wanted;
    cli.show_object(found);
    return {};
  }
  const auto& scan = found.as_object()["scan"];
  cli.say(scan.is_object() ? fmt::format("{}: last scan {} {} at {}, catalogue version {}{}{}", field(found, "device"), field(scan, "at"), field(scan, "state"),
                                         field(scan, "point"), text_at(scan, "content_version"), field(scan, "detail").empty() ? "" : ": ", field(scan, "detail"))
                           : field(found, "device") + ": has not scanned yet");
  cli.show_rows(wanted, {{"PACKAGE", "package"}, {"VERSION", "version"}, {"CLASSIFICATION", "classification"}, {"SINCE", "at"}, {"ID", "id"}});
  return {};
}

// The site fetches each update from its vendor, makes it an application, and this deploys it like any other.
Status deploy_updates(Cli& cli, Options& o) {
  if (o.deploy.collection.empty()) return fail(Code::invalid, "--to is needed: a collection of devices");
  for (const auto& update : o.updates) {
    FP_TRY(application, cli.send("POST", "/updates/" + encode(update) + "/application"));
    o.deploy.what = field(application, "id");
    o.deploy.shown = "update " + field(application, "name");
    const auto& types = application.as_object()["types"].as_array();
    const std::string content = types.empty() ? std::string() : field(types.front(), "content_id");
    FP_TRY(ordered, cli.send("POST", "/content/" + encode(content) + "/distribute"));
    if (!o.no_wait) FP_CHECK(wait_for_distribution(cli, content));
    FP_CHECK(deploy(cli, o.deploy));
  }
  return {};
}

}  // namespace

void add_update_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* update = app.add_subcommand("update", "software updates: the catalogue, who requires what, deployment");
  update->require_subcommand(1);
  auto* list = update->add_subcommand("list", "all updates, and how many devices require and have each");
  list->add_flag("--expired", o.expired, "also those that no repository offers any more");
  list->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list(o.expired ? "/updates?expired=true" : "/updates"));
      cli.show_rows(rows, kColumns);
      return {};
    });
  });
  auto* one = update->add_subcommand("show", "one update, and what each device said of it");
  one->add_option("update", o.id, "id, or the name of its package")->required();
  one->callback([&cli] { cli.run([&] { return show(cli, o); }); });
  auto* needs = update->add_subcommand("required", "what a device requires, and its last scan");
  needs->add_option("--device", o.device, "name or id")->required();
  needs->callback([&cli] { cli.run([&] { return required(cli, o); }); });
  auto* syncing = update->add_subcommand("sync", "synchronise with the repositories now");
  syncing->add_flag("--no-wait", o.no_wait, "do not wait until it is done");
  syncing->callback([&cli] { cli.run([&] { return sync(cli, o); }); });
  update->add_subcommand("status", "software update points, repositories, and what came of the last synchronisation")->callback([&cli] {
    cli.run([&] { return show_status(cli); });
  });
  auto* deploying = update->add_subcommand("deploy", "fetch updates from their vendor and deploy them to a collection");
  deploying->add_option("updates", o.updates, "ids, or names of packages")->required()->expected(1, 1000);
  add_deploy_options(*deploying, o.deploy);
  deploying->add_flag("--no-wait", o.no_wait, "do not wait for the distribution points");
  deploying->callback([&cli] { cli.run([&] { return deploy_updates(cli, o); }); });
}

}  // namespace fp::cli
