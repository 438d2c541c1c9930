// farpoint boundary ..., farpoint boundary-group ...
#include <algorithm>
#include <iostream>

#include "cli/session.hpp"
#include "base/text.hpp"

namespace fp::cli {
namespace {

struct Options {
  std::string id, name, comment, type = "ip_subnet", value;
  std::vector<std::string> boundaries, dps, mps, without_boundaries, without_dps, without_mps;
  std::string site, neighbour, content_fallback, mp_fallback, prefer;
  std::string address, subnet, ad_site, tunnel, content;
  std::int64_t waiting = 0;
  bool internet = false;
};

const std::vector<Column> kBoundaryColumns{{"ID", "id"}, {"NAME", "name"}, {"TYPE", "type"}, {"VALUE", "value"}, {"COMMENT", "comment"}};

std::string boundary_path(const Options& o) { return "/boundaries/" + encode(o.id); }
std::string group_path(const Options& o) { return "/boundary-groups/" + encode(o.id); }

// "never" or minutes, as the site counts them.
Result<std::int64_t> minutes_of(const std::string& text) {
  if (text == "never") return -1;
  const auto n = parse_int(text);
  if (!n || *n < 0) return fail(Code::invalid, "{}: must be a number of minutes, or never", text);
  return *n;
}

void set_texts(json::object& body, const char* name, const std::vector<std::string>& more, const std::vector<std::string>& less) {
  json::array list;
  if (const auto* held = body.if_contains(name))
    for (const auto& text : held->as_array())
      if (std::ranges::find(less, std::string_view(text.as_string())) == less.end()) list.push_back(text);
  for (const auto& text : more)
    if (std::ranges::find(list, json::value(text)) == list.end()) list.emplace_back(text);
  body[name] = std::move(list);
}

void apply(json::object& body, const Options& o) {
  if (!o.name.empty()) body["name"] = o.name;
  if (!o.comment.empty()) body["comment"] = o.comment;
  if (!o.site.empty()) body["assigned_site"] = o.site == "none" ? std::string() : o.site;
  set_texts(body, "boundaries", o.boundaries, o.without_boundaries);
  set_texts(body, "distribution_points", o.dps, o.without_dps);
  set_texts(body, "management_points", o.mps, o.without_mps);
}

// Ids of boundaries are what the site holds; a person takes them out by name.
Status names_to_ids(Cli& cli, std::vector<std::string>& boundaries) {
  for (auto& name : boundaries) {
    FP_TRY(found, cli.get("/boundaries/" + encode(name)));
    name = field(found, "id");
  }
  return {};
}

Status show_group(Cli& cli, const json::value& group) {
  if (cli.as_json) {
    cli.show_object(group);
    return {};
  }
  FP_TRY(boundaries, cli.list("/boundaries"));
  FP_TRY(groups, cli.list("/boundary-groups"));
  const auto name_in = [](const json::array& list, std::string_view id) {
    for (const auto& item : list)
      if (field(item, "id") == id) return field(item, "name");
    return std::string(id);
  };
  json::value shown = group;
  auto& o = shown.as_object();
  for (auto& id : o["boundaries"].as_array()) id = name_in(boundaries, std::string_view(id.as_string()));
  const auto minutes = [](const json::value& link, const char* name) {
    const auto n = link.as_object().at(name).to_number<std::int64_t>();
    return n < 0 ? std::string("never") : fmt::format("after {} min", n);
  };
  json::array links;
  for (const auto& link : o["neighbours"].as_array())
    links.emplace_back(fmt::format("{}: content {}, management point {}", name_in(groups, field(link, "group_id")),
                                   minutes(link, "content_fallback_min"), minutes(link, "management_point_fallback_min")));
  o["neighbours"] = std::move(links);
  cli.show_object(shown);
  return {};
}

Status change_group(Cli& cli, Options o, const std::function<Status(json::object&)>& change) {
  FP_CHECK(names_to_ids(cli, o.without_boundaries));
  FP_CHECK(names_to_ids(cli, o.boundaries));
  FP_TRY(group, cli.get(group_path(o)));
  apply(group.as_object(), o);
  if (change) FP_CHECK(change(group.as_object()));
  FP_TRY(changed, cli.send("PUT", group_path(o), group));
  return show_group(cli, changed);
}

Status link(Cli& cli, const Options& o, bool wanted) {
  FP_TRY(other, cli.get("/boundary-groups/" + encode(o.neighbour)));
  const std::string id = field(other, "id");
  json::object made{{"group_id", id}};
  if (!o.content_fallback.empty()) {
    FP_TRY(minutes, minutes_of(o.content_fallback));
    made["content_fallback_min"] = minutes;
  }
  if (!o.mp_fallback.empty()) {
    FP_TRY(minutes, minutes_of(o.mp_fallback));
    made["management_point_fallback_min"] = minutes;
  }
  return change_group(cli, o, [&](json::object& group) -> Status {
    auto& links = group["neighbours"].as_array();
    const auto before = links.size();
    links.erase(std::remove_if(links.begin(), links.end(), [&](const json::value& l) { return field(l, "group_id") == id; }), links.end());
    if (wanted) links.push_back(made);
    else if (links.size() == before) return fail(Code::not_found, "{} is no neighbour of {}", o.neighbour, o.id);
    return {};
  });
}

Status change_settings(Cli& cli, const Options& o) {
  FP_TRY(settings, cli.get("/boundary-settings"));
  auto& body = settings.as_object();
  const json::object before = body;
  if (!o.prefer.empty()) body["prefer_management_points"] = o.prefer == "on";
  if (!o.site.empty()) body["fallback_site"] = o.site == "none" ? std::string() : o.site;
  if (!o.content_fallback.empty()) {
    FP_TRY(minutes, minutes_of(o.content_fallback));
    body["content_fallback_min"] = minutes;
  }
  if (!o.mp_fallback.empty()) {
    FP_TRY(minutes, minutes_of(o.mp_fallback));
    body["management_point_fallback_min"] = minutes;
  }
  if (body != before) {
    FP_TRY(changed, cli.send("PUT", "/boundary-settings", settings));
    settings = std::move(changed);
  }
  cli.show_object(settings);
  return {};
}

Status explain(Cli& cli, const Options& o) {
  std::string path = fmt::format("/boundary-explanation?waiting={}", o.waiting);
  const auto add = [&](const char* name, const std::string& value) {
    if (!value.empty()) path += fmt::format("&{}={}", name, encode(value));
  };
  add("address", o.address);
  add("subnet", o.subnet);
  add("ad_site", o.ad_site);
  add("tunnel", o.tunnel);
  add("content", o.content);
  add("internet", o.internet ? "true" : "");
  FP_TRY(answer, cli.get(path));
  if (cli.as_json) {
    cli.show_object(answer);
    return {};
  }
  const auto& a = answer.as_object();
  for (const auto& match : a.at("boundaries").as_array())
    std::cout << fmt::format("boundary           {}: {}\n", field(match, "name"), field(match, "because"));
  for (const auto& group : a.at("groups").as_array())
    std::cout << fmt::format("boundary group     {}\n", std::string_view(group.as_string()));
  const std::string site = field(answer, "assigned_site");
  std::cout << fmt::format("assigned site      {}: {}\n\nmanagement points, best first\n", site.empty() ? "none" : site,
                           field(answer, "assigned_because"));
  cli.show_rows(a.at("management_points").as_array(),
                {{"NAME", "name"}, {"CATEGORY", "category"}, {"LOCALITY", "locality"}, {"BECAUSE", "because"}});
  std::cout << "\ndistribution points, best first\n";
  cli.show_rows(a.at("distribution_points").as_array(),
                {{"NAME", "name"}, {"OFFERED", "offered"}, {"LOCALITY", "locality"}, {"BECAUSE", "because"}});
  return {};
}

void add_boundaries(CLI::App& app, Cli& cli, Options& o) {
  auto* boundary = app.add_subcommand("boundary", "boundaries: where on the company's network a client is");
  boundary->require_subcommand(1);
  boundary->add_subcommand("list", "all boundaries")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/boundaries"));
      cli.show_rows(rows, kBoundaryColumns);
      return {};
    });
  });
  const auto common = [&o](CLI::App* verb) {
    verb->add_option("--type", o.type, "kind of boundary")
        ->check(CLI::IsMember({"ip_subnet", "ip_range", "ipv6_prefix", "ad_site", "vpn"}));
    verb->add_option("--value", o.value, "10.1.2.0/24; 10.1.2.10-10.1.2.90; 2001:db8:1::/48; the AD site; what the tunnel's name begins with");
    verb->add_option("--comment", o.comment, "what it is for");
  };
  auto* create = boundary->add_subcommand("create", "describe a part of the network");
  create->add_option("name", o.name, "of the boundary")->required();
  common(create);
  create->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(made, cli.send("POST", "/boundaries",
                            json::object{{"name", o.name}, {"type", o.type}, {"value", o.value}, {"comment", o.comment}}));
      cli.show_object(made);
      return {};
    });
  });
  auto* change = boundary->add_subcommand("change", "another value, type, name or comment");
  change->add_option("boundary", o.id, "name or id")->required();
  change->add_option("--name", o.name, "the new name");
  common(change);
  change->callback([&cli, &o, change] {
    cli.run([&]() -> Status {
      FP_TRY(held, cli.get(boundary_path(o)));
      auto& body = held.as_object();
      if (!o.name.empty()) body["name"] = o.name;
      if (change->count("--type") > 0) body["type"] = o.type;
      if (change->count("--value") > 0) body["value"] = o.value;
      if (change->count("--comment") > 0) body["comment"] = o.comment;
      FP_TRY(changed, cli.send("PUT", boundary_path(o), held));
      cli.show_object(changed);
      return {};
    });
  });
  auto* remove = boundary->add_subcommand("delete", "forget a boundary, in every group that holds it");
  remove->add_option("boundary", o.id, "name or id")->required();
  remove->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", boundary_path(o)));
      cli.say(o.id + ": deleted");
      return {};
    });
  });
}

void add_group_changes(CLI::App& group, Cli& cli, Options& o) {
  auto* create = group.add_subcommand("create", "tie boundaries to the site systems near them");
  create->add_option("name", o.name, "of the group")->required();
  auto* change = group.add_subcommand("change", "add or take out boundaries and site systems; another assigned site");
  change->add_option("group", o.id, "name or id; default: the default group of the site")->required();
  change->add_option("--name", o.name, "the new name");
  for (auto* verb : {create, change}) {
    verb->add_option("--boundary", o.boundaries, "a boundary, by name or id; may be repeated");
    verb->add_option("--dp", o.dps, "a distribution point; may be repeated");
    verb->add_option("--mp", o.mps, "a management point; may be repeated");
    verb->add_option("--assigned-site", o.site, "the site that new clients there are assigned to; none: no site");
    verb->add_option("--comment", o.comment, "what it is for");
  }
  change->add_option("--without-boundary", o.without_boundaries, "take a boundary out; may be repeated");
  change->add_option("--without-dp", o.without_dps, "take a distribution point out; may be repeated");
  change->add_option("--without-mp", o.without_mps, "take a management point out; may be repeated");
  create->callback([&cli, &o] {
    cli.run([&]() -> Status {
      json::object body;
      apply(body, o);
      FP_TRY(made, cli.send("POST", "/boundary-groups", body));
      return show_group(cli, made);
    });
  });
  change->callback([&cli, &o] { cli.run([&] { return change_group(cli, o, {}); }); });
  auto* linking = group.add_subcommand("link", "clients of a group may use what is near to another one, after some time");
  auto* unlinking = group.add_subcommand("unlink", "and may not any more");
  for (auto* verb : {linking, unlinking}) {
    verb->add_option("group", o.id, "name or id")->required();
    verb->add_option("neighbour", o.neighbour, "name or id of the other group; default: the default group of the site")->required();
  }
  linking->add_option("--content-fallback", o.content_fallback, "minutes a download has looked in vain, or never (default: 120)");
  linking->add_option("--mp-fallback", o.mp_fallback, "0, or never (default: 0)");
  linking->callback([&cli, &o] { cli.run([&] { return link(cli, o, true); }); });
  unlinking->callback([&cli, &o] { cli.run([&] { return link(cli, o, false); }); });
}

void add_groups(CLI::App& app, Cli& cli, Options& o) {
  auto* group = app.add_subcommand("boundary-group", "boundary groups: what is near to clients there");
  group->require_subcommand(1);
  group->add_subcommand("list", "all boundary groups")->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(rows, cli.list("/boundary-groups"));
      cli.show_rows(rows, {{"ID", "id"},
                           {"NAME", "name"},
                           {"DISTRIBUTION POINTS", "distribution_points"},
                           {"MANAGEMENT POINTS", "management_points"},
                           {"ASSIGNED SITE", "assigned_site"}});
      return {};
    });
  });
  auto* show = group->add_subcommand("show", "one group: its boundaries, site systems and neighbours");
  show->add_option("group", o.id, "name or id; default: the default group of the site")->required();
  show->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(found, cli.get(group_path(o)));
      return show_group(cli, found);
    });
  });
  add_group_changes(*group, cli, o);
  auto* remove = group->add_subcommand("delete", "forget a group; its site systems go to the default group");
  remove->add_option("group", o.id, "name or id")->required();
  remove->callback([&cli, &o] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", group_path(o)));
      cli.say(o.id + ": deleted");
      return {};
    });
  });
  auto* settings = group->add_subcommand("settings", "what holds for all groups; without options it is shown");
  settings->add_option("--prefer-management-points", o.prefer, "whether those of the groups come first")->check(CLI::IsMember({"on", "off"}));
  settings->add_option("--fallback-site", o.site, "the site of new clients outside every group that has one; none: no site");
  settings->add_option("--content-fallback", o.content_fallback, "minutes until the default group of the site is used, or never");
  settings->add_option("--mp-fallback", o.mp_fallback, "the same for management points: 0 or never");
  settings->callback([&cli, &o] { cli.run([&] { return change_settings(cli, o); }); });
  auto* why = group->add_subcommand("explain", "which management and distribution points a client would get, and why");
  why->add_option("--address", o.address, "of the client");
  why->add_option("--subnet", o.subnet, "its subnet ID, for boundaries that name only that");
  why->add_option("--ad-site", o.ad_site, "the Active Directory site that it is in");
  why->add_option("--tunnel", o.tunnel, "name of an interface that leads through a VPN");
  why->add_option("--content", o.content, "only distribution points that hold this content");
  why->add_option("--waiting", o.waiting, "minutes that the download has looked in vain");
  why->add_flag("--internet", o.internet, "a client on the internet");
  why->callback([&cli, &o] { cli.run([&] { return explain(cli, o); }); });
}

}  // namespace

void add_boundary_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  add_boundaries(app, cli, o);
  add_groups(app, cli, o);
}

}  // namespace fp::cli
