// farpoint login, site, mp, settings, admin, audit, events
#include <iostream>

#include "cli/session.hpp"
#include "base/text.hpp"
#include "store/audit.hpp"
#include "wire/model_json_value.hpp"

namespace fp::cli {
namespace {

constexpr int kPriority = 100;

struct Options {
  std::string name, device;
  std::vector<std::string> values, collections, users, roles, scopes;
  int limit = 100, priority = 0, enabled = 0;  // enabled: below 0 off, above on
  bool verify = false;
};

json::array texts(const std::vector<std::string>& list) { return json::array(list.begin(), list.end()); }

Status set_values(json::object& values, const std::vector<std::string>& assignments) {
  for (const auto& a : assignments) {
    const auto equals = a.find('=');
    if (equals == std::string::npos) return fail(Code::invalid, "not NAME=VALUE: {}", a);
    values[a.substr(0, equals)] = a.substr(equals + 1);
  }
  return {};
}

// Without --for: the default object. With it: the object of that name, made if it is not there yet.
Status set_settings(Cli& cli, const Options& o) {
  FP_TRY(all, cli.list("/settings"));
  json::value target;
  for (const auto& s : all) {
    const std::string id = field(s, "id");
    if (o.name.empty() && o.collections.empty() && o.users.empty() ? id.ends_with("00000") : iequals(field(s, "name"), o.name)) target = s;
  }
  if (target.is_null()) {
    if (o.name.empty() || (o.collections.empty() && o.users.empty()))
      return fail(Code::invalid, "a new settings object needs --name and --for, or --name and --for-user");
    json::object body{{"name", o.name},
                      {"priority", o.priority == 0 ? kPriority : o.priority},
                      {"collections", texts(o.collections)},
                      {"users", texts(o.users)},
                      {"values", json::object{}}};
    FP_CHECK(set_values(body["values"].as_object(), o.values));
    FP_TRY(made, cli.send("POST", "/settings", body));
    cli.show_object(made);
    return {};
  }
  target.as_object().erase("changed_at");
  if (!o.collections.empty()) target.as_object()["collections"] = texts(o.collections);
  if (!o.users.empty()) target.as_object()["users"] = texts(o.users);
  if (o.priority != 0) target.as_object()["priority"] = o.priority;
  FP_CHECK(set_values(target.as_object()["values"].as_object(), o.values));
  FP_TRY(changed, cli.send("PUT", "/settings/" + encode(field(target, "id")), target));
  cli.show_object(changed);
  return {};
}

void add_settings(CLI::App& app, Cli& cli, Options& o) {
  auto* settings = app.add_subcommand("settings", "client settings");
  settings->require_subcommand(1);
  settings->add_subcommand("list", "settings objects, the strongest first")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/settings"));
      cli.show_rows(rows, {{"ID", "id"},
                           {"NAME", "name"},
                           {"PRIORITY", "priority"},
                           {"COLLECTIONS", "collections"},
                           {"USERS", "users"},
                           {"VALUES", "values"}});
      return {};
    });
  });
  settings->add_subcommand("names", "every setting with its default and range")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.get("/settings/rules"));
      cli.show_rows(rows.as_object()["items"].as_array(),
                    {{"NAME", "name"}, {"DEFAULT", "default"}, {"LEAST", "least"}, {"MOST", "most"}, {"MEANING", "meaning"}});
      return {};
    });
  });
  auto* set = settings->add_subcommand("set", "change settings for every device, or with --for for the members of collections");
  set->add_option("values", o.values, "NAME=VALUE ...")->required();
  set->add_option("--for", o.collections, "collection: name or id");
  set->add_option("--for-user", o.users, "account, such as alice@CORP.EXAMPLE, or * for every user; may be repeated");
  set->add_option("--name", o.name, "name of the settings object");
  set->add_option("--priority", o.priority, "the lowest wins; a new object has 100")->check(CLI::Range(1, 9999));
  set->callback([&cli, &o] { cli.run([&] { return set_settings(cli, o); }); });
  auto* remove = settings->add_subcommand("delete", "remove a settings object; its devices follow the others");
  remove->add_option("settings", o.name, "name or id")->required();
  remove->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/settings/" + encode(o.name)));
      cli.say(o.name + ": deleted");
      return {};
    });
  });
}

Status change_administrator(Cli& cli, const Options& o) {
  FP_TRY(all, cli.list("/administrators"));
  for (auto& known : all) {
    if (field(known, "name") != o.name) continue;
    auto& body = known.as_object();
    if (!o.roles.empty()) body["roles"] = texts(o.roles);
    if (!o.scopes.empty()) body["scopes"] = texts(o.scopes);
    if (!o.collections.empty()) body["collections"] = texts(o.collections);
    if (o.enabled != 0) body["enabled"] = o.enabled > 0;
    FP_TRY(changed, cli.send("PUT", "/administrators/" + encode(o.name), known));
    cli.show_object(changed);
    return {};
  }
  return fail(Code::not_found, "there is no administrator {}", o.name);
}

// Reads the whole log and computes its chain of hashes again.
Status verify_log(Cli& cli) {
  std::vector<AuditLine> lines;
  std::string before = "0";
  while (!before.empty()) {
    FP_TRY(page, cli.get("/audit?limit=1000&before=" + before));
    FP_TRY(some, wire::from_value<std::vector<AuditLine>>(page.as_object().at("items")));
    lines.insert(lines.end(), some.begin(), some.end());
    before = field(page, "next");
  }
  const auto count = lines.size();
  FP_CHECK(store::verify_audit(std::move(lines)));
  if (cli.as_json) cli.show_object(json::object{{"lines", count}, {"unbroken", true}});
  else cli.say(fmt::format("{} lines, the chain is unbroken", count));
  return {};
}

void add_administrators(CLI::App& app, Cli& cli, Options& o) {
  auto* admin = app.add_subcommand("admin", "administrators, their roles, scopes and collections");
  admin->require_subcommand(1);
  admin->add_subcommand("list", "all administrators")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/administrators"));
      cli.show_rows(rows, {{"NAME", "name"},
                           {"ROLES", "roles"},
                           {"SCOPES", "scopes"},
                           {"COLLECTIONS", "collections"},
                           {"ENABLED", "enabled"}});
      return {};
    });
  });
  auto* add = admin->add_subcommand("add", "add an administrator; the token is shown once");
  add->add_option("name", o.name, "of the new administrator")->required();
  add->add_option("--role", o.roles, "may be repeated")->required();
  add->add_option("--scope", o.scopes, "may be repeated (Default)");
  add->add_option("--collection", o.collections, "whose members may be acted on: name or id, may be repeated (all)");
  add->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(made, cli.send("POST", "/administrators",
                            json::object{{"name", o.name},
                                         {"roles", texts(o.roles)},
                                         {"scopes", texts(o.scopes)},
                                         {"collections", texts(o.collections)}}));
      cli.show_object(made);
      return {};
    });
  });
  auto* change = admin->add_subcommand("change", "other roles, scopes or collections; switch off or on");
  change->add_option("name", o.name, "whom")->required();
  change->add_option("--role", o.roles, "all roles from now on");
  change->add_option("--scope", o.scopes, "all scopes from now on");
  change->add_option("--collection", o.collections, "all collections from now on");
  change->add_flag("--enable,!--disable", o.enabled, "whether the token opens anything");
  change->callback([&cli, &o] { cli.run([&] { return change_administrator(cli, o); }); });
  auto* remove = admin->add_subcommand("remove", "remove an administrator");
  remove->add_option("name", o.name, "whom")->required();
  remove->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/administrators/" + encode(o.name)));
      cli.say(o.name + ": removed");
      return {};
    });
  });
}

void add_lists(CLI::App& app, Cli& cli, Options& o) {
  app.add_subcommand("site", "the site in a few numbers")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(site, cli.get("/site"));
      cli.show_object(site);
      return {};
    });
  });
  auto* audit = app.add_subcommand("audit", "who changed what, newest first");
  audit->add_option("--limit", o.limit, "at most so many lines")->check(CLI::Range(1, 1000))->capture_default_str();
  audit->add_flag("--verify", o.verify, "compute the chain of hashes over the whole log again");
  audit->callback([&cli, &o] {
    cli.run([&]() -> Status {
      if (o.verify) return verify_log(cli);
      FP_TRY(page, cli.get(fmt::format("/audit?limit={}", o.limit)));
      cli.show_rows(page.as_object()["items"].as_array(), {{"TIME", "at"},
                                                           {"WHO", "who"},
                                                           {"ACTION", "action"},
                                                           {"KIND", "object_kind"},
                                                           {"OBJECT", "object_id"},
                                                           {"DETAIL", "detail"}});
      return {};
    });
  });
  auto* events = app.add_subcommand("events", "what the site noticed, newest first");
  events->add_option("--device", o.device, "name or id");
  events->add_option("--limit", o.limit, "at most so many lines")->check(CLI::Range(1, 1000))->capture_default_str();
  events->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(page, cli.get(fmt::format("/events?limit={}{}", o.limit, o.device.empty() ? "" : "&device=" + encode(o.device))));
      cli.show_rows(page.as_object()["items"].as_array(), {{"TIME", "at"},
                                                           {"SEVERITY", "severity"},
                                                           {"COMPONENT", "component"},
                                                           {"DEVICE", "client_id"},
                                                           {"TEXT", "text"}});
      return {};
    });
  });
}

}  // namespace

void add_site_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* login = app.add_subcommand("login", "remember where the site is: --server, --token and --ca-file");
  login->callback([&cli] {
    cli.run([&]() -> Status {
      const char* home = std::getenv("HOME");
      if (cli.server.empty() || cli.token.empty()) return fail(Code::invalid, "--server and --token are needed");
      if (!home) return fail(Code::invalid, "HOME is not set");
      return cli.login(Path(home) / ".config" / "farpoint" / "cli.json");
    });
  });
  add_lists(app, cli, o);
  add_settings(app, cli, o);
  add_administrators(app, cli, o);
}

}  // namespace fp::cli
