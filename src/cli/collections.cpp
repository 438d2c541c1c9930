// farpoint collection ..., farpoint query
#include "cli/session.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string id, name, comment, limiting, wql, file;
  std::vector<std::string> queries, direct, include, exclude;
  bool incremental = false;
  // a maintenance window
  std::string window, start, recurrence = "weekly", kind = "all_deployments";
  std::int64_t duration_min = 180, every = 1;
  bool local_time = false;
};

std::string path_of(const std::string& id) { return "/collections/" + encode(id); }

json::array rules_of(const Options& o) {
  json::array rules;
  for (const auto& q : o.queries)
    rules.push_back(
        json::object{{"kind", "query"}, {"name", fmt::format("query {}", rules.size() + 1)}, {"wql", q}});
  const auto add = [&](const std::vector<std::string>& targets, const char* kind) {
    for (const auto& t : targets)
      rules.push_back(json::object{{"kind", kind}, {"name", fmt::format("{} {}", kind, t)}, {"target", t}});
  };
  add(o.direct, "direct");
  add(o.include, "include");
  add(o.exclude, "exclude");
  return rules;
}

// Names that the person typed become the ids that rules hold.
Status resolve(Cli& cli, std::vector<std::string>& names, const char* kind, const char* key) {
  for (auto& name : names) {
    FP_TRY(found, cli.get(fmt::format("/{}/{}", kind, encode(name))));
    name = field(found, key);
  }
  return {};
}

Status create(Cli& cli, Options& o) {
  FP_CHECK(resolve(cli, o.direct, "devices", "client_id"));
  FP_CHECK(resolve(cli, o.include, "collections", "id"));
  FP_CHECK(resolve(cli, o.exclude, "collections", "id"));
  std::vector<std::string> limiting{o.limiting.empty() ? "SMS00001" : o.limiting};
  FP_CHECK(resolve(cli, limiting, "collections", "id"));
  json::object body{{"name", o.name},       {"comment", o.comment},         {"limiting_id", limiting[0]},
                    {"rules", rules_of(o)}, {"incremental", o.incremental}};
  FP_TRY(made, cli.send("POST", "/collections", body));
  if (cli.as_json) cli.show_object(made);
  else cli.say(fmt::format("collection {} ({}): {} members", o.name, field(made, "id"), text_at(made, "member_count")));
  return {};
}

// All pages of the answer.
Status run_query(Cli& cli, const Options& o) {
  json::array all;
  std::string after;
  do {
    FP_TRY(page,
           cli.send("POST", "/queries/run?limit=1000" + (after.empty() ? "" : "&after=" + encode(after)),
                    json::object{{"wql", o.wql}}));
    for (auto& item : page.as_object().at("items").as_array()) all.push_back(std::move(item));
    after = field(page, "next");
  } while (!after.empty());
  cli.show_rows(all, {{"NAME", "name"}, {"ID", "client_id"}, {"LAST HEARTBEAT", "last_heartbeat_at"}});
  return {};
}

Status add_window(Cli& cli, const Options& o) {
  FP_TRY(collection, cli.get(path_of(o.id)));
  auto& windows = collection.as_object()["windows"].as_array();
  windows.push_back(json::object{{"name", o.window}, {"kind", o.kind}, {"recurrence", o.recurrence}, {"start", o.start},
                                 {"duration_min", o.duration_min}, {"every", o.every}, {"utc", !o.local_time}});
  FP_TRY(changed, cli.send("PUT", path_of(o.id), collection));
  if (cli.as_json) cli.show_object(changed);
  else cli.say(fmt::format("{}: {} maintenance windows", o.id, changed.as_object()["windows"].as_array().size()));
  return {};
}

void add_create(CLI::App& parent, Cli& cli, Options& o) {
  auto* c = parent.add_subcommand("create", "make a collection of devices and evaluate it");
  c->add_option("--name", o.name, "unlike any other collection's")->required();
  c->add_option("--comment", o.comment, "a line for people");
  c->add_option("--limiting", o.limiting, "limiting collection (All Systems)");
  c->add_option("--query", o.queries, "WQL; may be repeated (docs/wql.md)");
  c->add_option("--direct", o.direct, "a device; may be repeated");
  c->add_option("--include", o.include, "members of another collection");
  c->add_option("--exclude", o.exclude, "not the members of another collection");
  c->add_flag("--incremental", o.incremental, "follow changes within minutes");
  c->callback([&cli, &o] { cli.run([&] { return create(cli, o); }); });
}

void add_window_verb(CLI::App& parent, Cli& cli, Options& o) {
  auto* c = parent.add_subcommand("add-window", "a maintenance window for the members");
  c->add_option("collection", o.id, "name or id")->required();
  c->add_option("--name", o.window, "of the window")->required();
  c->add_option("--start", o.start, "first occurrence: 2026-12-01T01:00:00Z")->required();
  c->add_option("--minutes", o.duration_min, "length, 5 minutes to just under a day")->capture_default_str();
  c->add_option("--recurrence", o.recurrence, "how often it comes again")
      ->check(CLI::IsMember({"once", "daily", "weekly", "monthly"}))
      ->capture_default_str();
  c->add_option("--every", o.every, "every n days, weeks or months")->capture_default_str();
  c->add_option("--for", o.kind, "what it opens for")
      ->check(CLI::IsMember({"all_deployments", "software_updates", "task_sequences"}))
      ->capture_default_str();
  c->add_flag("--local-time", o.local_time, "the device's local time instead of UTC");
  c->callback([&cli, &o] { cli.run([&] { return add_window(cli, o); }); });
}

void add_simple(CLI::App& parent, Cli& cli, Options& o) {
  auto* members = parent.add_subcommand("members", "who is in it, since when, by which rule");
  members->add_option("collection", o.id, "name or id")->required();
  members->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.get(path_of(o.id) + "/members"));
      cli.show_rows(rows.as_object()["items"].as_array(), {{"DEVICE", "client_id"}, {"BY", "reason"}, {"SINCE", "since"}});
      return {};
    });
  });
  auto* evaluate = parent.add_subcommand("evaluate", "run the rules now, and those of every collection that depends on it");
  evaluate->add_option("collection", o.id, "name or id")->required();
  evaluate->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.send("POST", path_of(o.id) + "/evaluate"));
      cli.show_rows(rows.as_object()["items"].as_array(),
                    {{"COLLECTION", "collection_id"}, {"MEMBERS", "members"}, {"JOINED", "joined"}, {"LEFT", "left"}});
      return {};
    });
  });
  auto* update = parent.add_subcommand("update", "replace the definition by a file (as `show --json` prints it)");
  update->add_option("collection", o.id, "name or id")->required();
  update->add_option("--file", o.file, "JSON")->required();
  update->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(body, read_json(o.file));
      FP_TRY(changed, cli.send("PUT", path_of(o.id), body));
      cli.show_object(changed);
      return {};
    });
  });
  auto* remove = parent.add_subcommand("delete", "remove a collection that nothing depends on");
  remove->add_option("collection", o.id, "name or id")->required();
  remove->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", path_of(o.id)));
      cli.say(o.id + ": deleted");
      return {};
    });
  });
}

}  // namespace

void add_collection_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* collection = app.add_subcommand("collection", "collections of devices and their maintenance windows");
  collection->require_subcommand(1);
  auto* list = collection->add_subcommand("list", "all collections");
  list->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/collections"));
      cli.show_rows(rows, {{"ID", "id"},
                           {"NAME", "name"},
                           {"MEMBERS", "member_count"},
                           {"LIMITED BY", "limiting_id"},
                           {"EVALUATED", "evaluated_at"}});
      return {};
    });
  });
  auto* show = collection->add_subcommand("show", "one collection with its rules");
  show->add_option("collection", o.id, "name or id")->required();
  show->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(found, cli.get(path_of(o.id)));
      cli.show_object(found);
      return {};
    });
  });
  add_create(*collection, cli, o);
  add_window_verb(*collection, cli, o);
  add_simple(*collection, cli, o);
  auto* query = app.add_subcommand("query", "run a WQL query over the inventory and list the devices");
  query->add_option("wql", o.wql, "the query (docs/wql.md)")->required();
  query->callback([&cli] { cli.run([&] { return run_query(cli, o); }); });
}

}  // namespace fp::cli
