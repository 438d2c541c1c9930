// farpoint device ..., farpoint why
#include <iostream>

#include "cli/session.hpp"

namespace fp::cli {
namespace {

const std::vector<Column> kDeviceColumns = {{"NAME", "name"},
                                            {"ID", "client_id"},
                                            {"APPROVAL", "approval"},
                                            {"PKI", "pki"},
                                            {"BLOCKED", "blocked"},
                                            {"CONNECTION", "connection"},
                                            {"AGENT", "agent_version"},
                                            {"LAST POLICY", "last_policy_at"},
                                            {"LAST HEARTBEAT", "last_heartbeat_at"}};

struct Options {
  std::string id, filter, approval, collection, reason, class_name, deployment;
  bool blocked = false, yes = false;
};

std::string path_of(const Options& o, std::string_view tail = {}) { return fmt::format("/devices/{}{}", encode(o.id), tail); }

void add_decision(CLI::App& device, Cli& cli, Options& o, const std::string& verb, const char* help) {
  auto* command = device.add_subcommand(verb, help);
  command->add_option("device", o.id, "name or id")->required();
  if (verb == "block") command->add_option("--reason", o.reason, "why; shown to whoever asks later");
  command->callback([&cli, &o, verb] {
    cli.run([&]() -> Status {
      json::value body;
      if (!o.reason.empty()) body = json::object{{"reason", o.reason}};
      FP_TRY(device_now, cli.send("POST", path_of(o, "/" + verb), body));
      if (cli.as_json) cli.show_object(device_now);
      else cli.say(fmt::format("{}: {}{}", field(device_now, "name"), verb, verb.ends_with('e') ? "d" : "ed"));
      return {};
    });
  });
}

void show_inventory(const Cli& cli, const json::array& items) {
  if (cli.as_json) {
    std::cout << json::serialize(items) << "\n";
    return;
  }
  for (const auto& item : items) {
    std::cout << field(item, "class_name") << "  " << field(item, "key") << "\n";
    if (const auto* properties = item.as_object().if_contains("properties"); properties && properties->is_object())
      for (const auto& [name, value] : properties->as_object())
        std::cout << fmt::format("    {:<28} {}\n", std::string_view(name),
                                 value.is_string() ? std::string_view(value.as_string()) : "");
  }
}

void add_lists(CLI::App& device, Cli& cli, Options& o) {
  auto* list = device.add_subcommand("list", "devices, with what they last did");
  list->add_option("--name", o.filter, "part of the name or id");
  list->add_option("--collection", o.collection, "only members of this collection: name or id");
  list->add_option("--approval", o.approval, "pending, approved, rejected, not_applicable");
  list->add_flag("--blocked", o.blocked, "only blocked ones");
  list->callback([&cli, &o] {
    cli.run([&]() -> Status {
      std::string path = "/devices?";
      if (!o.filter.empty()) path += "name=" + encode(o.filter) + "&";
      if (!o.collection.empty()) path += "collection=" + encode(o.collection) + "&";
      if (!o.approval.empty()) path += "approval=" + encode(o.approval) + "&";
      if (o.blocked) path += "blocked=true&";
      path.pop_back();
      FP_TRY(rows, cli.list(path));
      cli.show_rows(rows, kDeviceColumns);
      return {};
    });
  });
  const auto sub_list = [&](const char* verb, const char* help, std::vector<Column> columns) {
    auto* command = device.add_subcommand(verb, help);
    command->add_option("device", o.id, "name or id")->required();
    command->callback([&cli, &o, verb, columns] {
      cli.run([&]() -> Status {
        FP_TRY(rows, cli.get(path_of(o, fmt::format("/{}", verb))));
        cli.show_rows(rows.as_object()["items"].as_array(), columns);
        return {};
      });
    });
  };
  sub_list("states", "state messages, newest first",
           {{"TIME", "sent_at"},
            {"TOPIC", "topic_type"},
            {"STATE", "state_id"},
            {"ABOUT", "topic_id"},
            {"DETAIL", "parameters"}});
  sub_list("policies", "policy that the device should hold",
           {{"POLICY", "id"},
            {"VERSION", "version"},
            {"CATEGORY", "category"},
            {"FROM", "source_id"},
            {"COLLECTION", "collection_id"}});
  sub_list("collections", "collections that the device is in", {{"COLLECTION", ""}});
  sub_list("deployments", "what the device said about each deployment",
           {{"DEPLOYMENT", "deployment_id"}, {"STATE", "state"}, {"AT", "at"}, {"DETAIL", "detail"}});
}

void show_why(const Cli& cli, const json::value& why) {
  if (cli.as_json) return cli.show_object(why);
  std::cout << field(why, "device") << ", deployment " << field(why, "deployment") << "\n\n";
  for (const auto& step : why.as_object().at("steps").as_array())
    std::cout << fmt::format("  {:<3} {:<11} {}\n", step.as_object().at("ok").as_bool() ? "ok" : "--",
                             field(step, "step"), field(step, "because"));
  std::cout << "\n" << field(why, "conclusion") << "\n";
}

}  // namespace

void add_device_verbs(CLI::App& app, Cli& cli) {
  static Options o;
  auto* device = app.add_subcommand("device", "devices: list, approve, block, inventory, states");
  device->require_subcommand(1);
  add_lists(*device, cli, o);
  auto* show = device->add_subcommand("show", "everything about one device");
  show->add_option("device", o.id, "name or id")->required();
  show->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(found, cli.get(path_of(o)));
      cli.show_object(found);
      return {};
    });
  });
  add_decision(*device, cli, o, "approve", "let a device without a trusted certificate have policy");
  add_decision(*device, cli, o, "reject", "refuse a device that waits for approval");
  add_decision(*device, cli, o, "block", "refuse the device everywhere, from now on");
  add_decision(*device, cli, o, "unblock", "take a block back");
  auto* remove = device->add_subcommand("delete", "forget a device; if it still runs it comes back with its next heartbeat");
  remove->add_option("device", o.id, "name or id")->required();
  remove->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(done, cli.send("DELETE", path_of(o)));
      cli.say(o.id + ": deleted");
      return {};
    });
  });
  auto* inventory = device->add_subcommand("inventory", "hardware and software as the device reported it");
  inventory->add_option("device", o.id, "name or id")->required();
  inventory->add_option("--class", o.class_name, "one class, such as OPERATING_SYSTEM");
  inventory->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(items, cli.get(path_of(o, o.class_name.empty() ? "/inventory" : "/inventory?class=" + encode(o.class_name))));
      show_inventory(cli, items.as_object()["items"].as_array());
      return {};
    });
  });
  auto* why = app.add_subcommand("why", "the chain of decisions from a deployment to a device's state");
  why->add_option("device", o.id, "name or id")->required();
  why->add_option("deployment", o.deployment, "id, or the name of what is deployed")->required();
  why->callback([&cli] {
    cli.run([&]() -> Status {
      FP_TRY(answer, cli.get(path_of(o, "/why/" + encode(o.deployment))));
      show_why(cli, answer);
      return {};
    });
  });
}

}  // namespace fp::cli
