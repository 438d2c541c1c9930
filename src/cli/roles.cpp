// farpoint role ...: the built-in security roles, and copies of them.
#include "cli/session.hpp"
#include "base/text.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string name, source;
  std::vector<std::string> allow, deny;
};

// "device:read,approve" as an object class and its permissions.
Result<std::pair<std::string, std::vector<std::string>>> grant_of(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return fail(Code::invalid, "not CLASS:PERMISSION,...: {} (such as device:read,approve)", text);
  std::vector<std::string> permissions;
  const std::string list = text.substr(colon + 1);
  for (const auto part : split(list, ','))
    if (!trim(part).empty()) permissions.emplace_back(trim(part));
  return std::pair{text.substr(0, colon), permissions};
}

Status change(json::object& permissions, const Options& o) {
  for (const auto& text : o.deny) {
    FP_TRY(grant, grant_of(text));
    auto* list = permissions.if_contains(grant.first);
    if (!list) continue;
    json::array left;
    for (const auto& name : list->as_array())
      if (std::ranges::find(grant.second, std::string_view(name.as_string())) == grant.second.end()) left.push_back(name);
    *list = std::move(left);
  }
  for (const auto& text : o.allow) {
    FP_TRY(grant, grant_of(text));
    auto& list = permissions[grant.first];
    if (!list.is_array()) list = json::array{};
    for (const auto& name : grant.second) {
      const json::value item(name);
      if (std::ranges::find(list.as_array(), item) == list.as_array().end()) list.as_array().push_back(item);
    }
  }
  return {};
}

Result<json::value> find_role(Cli& cli, const std::string& name) {
  FP_TRY(rows, cli.get("/roles"));
  for (auto& role : rows.as_object()["items"].as_array())
    if (iequals(field(role, "name"), name)) return role;
  return fail(Code::not_found, "there is no security role {}: `farpoint role list`", name);
}

Status copy(Cli& cli, const Options& o) {
  FP_TRY(source, find_role(cli, o.source));
  json::object body{{"name", o.name}, {"copied_from", field(source, "name")}, {"permissions", source.as_object()["permissions"]}};
  if (const std::string origin = field(source, "copied_from"); !origin.empty()) body["copied_from"] = origin;
  FP_CHECK(change(body["permissions"].as_object(), o));
  FP_TRY(made, cli.send("POST", "/roles", body));
  cli.show_object(made);
  return {};
}

Status change_role(Cli& cli, const Options& o) {
  FP_TRY(role, find_role(cli, o.name));
  FP_CHECK(change(role.as_object()["permissions"].as_object(), o));
  FP_TRY(changed, cli.send("PUT", "/roles/" + encode(o.name), role));
  cli.show_object(changed);
  return {};
}

void add_changes(CLI::App& verb, Options& o) {
  verb.add_option("--allow", o.allow, "CLASS:PERMISSION,..., such as device:read,approve; may be repeated");
  verb.add_option("--deny", o.deny, "the same, taken away; may be repeated");
}

}  // namespace

void add_role_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* role = app.add_subcommand("role", "security roles: what they allow, and roles of your own");
  role->require_subcommand(1);
  role->add_subcommand("list", "the built-in roles and your own")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.get("/roles"));
      cli.show_rows(rows.as_object()["items"].as_array(),
                    {{"ROLE", "name"}, {"BUILT IN", "built_in"}, {"COPIED FROM", "copied_from"}, {"PERMISSIONS", "permissions"}});
      return {};
    });
  });
  auto* show = role->add_subcommand("show", "what one role allows");
  show->add_option("role", o.name, "name")->required();
  show->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(found, find_role(cli, o.name));
      cli.show_object(found);
      return {};
    });
  });
  auto* copying = role->add_subcommand("copy", "make a role of your own out of another");
  copying->add_option("source", o.source, "the role to copy")->required();
  copying->add_option("name", o.name, "of the new role")->required();
  add_changes(*copying, o);
  copying->callback([&cli] { cli.run([&] { return copy(cli, o); }); });
  auto* changing = role->add_subcommand("change", "allow or deny something to whoever has a role of your own");
  changing->add_option("role", o.name, "name")->required();
  add_changes(*changing, o);
  changing->callback([&cli] { cli.run([&] { return change_role(cli, o); }); });
  auto* remove = role->add_subcommand("delete", "remove a role of your own that nobody has");
  remove->add_option("role", o.name, "name")->required();
  remove->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", "/roles/" + encode(o.name)));
      cli.say(o.name + ": deleted");
      return {};
    });
  });
}

}  // namespace fp::cli
