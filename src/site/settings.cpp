#include "site/settings.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::site {
namespace {

// Written into a client's log and command lines: no user and password, no white space, no control characters.
Status check_proxy(std::string_view value) {
  if (value.empty()) return {};
  if (value.find('@') != std::string_view::npos)
    return fail(Code::invalid, "user and password do not belong here: each computer has them in a file (PROXYCREDENTIALS)");
  auto rest = value;
  for (const std::string_view scheme : {"http://", "https://", "socks5h://"})
    if (istarts_with(rest, scheme)) rest.remove_prefix(scheme.size());
  const auto colon = rest.rfind(':');
  if (colon == std::string_view::npos) return fail(Code::invalid, "a proxy is http://host:port, https://host:port or socks5h://host:port");
  const auto port = parse_int(rest.substr(colon + 1));
  if (!port || *port < 1 || *port > 65535) return fail(Code::invalid, "the port is not 1 to 65535");
  FP_CHECK(parse_host(rest.substr(0, colon)));
  return {};
}

Status check_exceptions(std::string_view value) {
  constexpr std::size_t kBytesMax = 4096;
  if (value.size() > kBytesMax) return fail(Code::invalid, "more than {} characters", kBytesMax);
  for (const char c : value)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return fail(Code::invalid, "a control character");
  return {};
}

constexpr SettingRule kRules[] = {
    {"client_policy.polling_interval_min", "60", 3, 1440, "how often policy is asked for"},
    {"client_policy.proxy", "", 0, 0, "web proxy to the internet, http://host:port; before that of the installation", check_proxy},
    {"client_policy.no_proxy", "", 0, 0, "names and networks that are reached without that proxy, between commas", check_exceptions},
    {"client_policy.proxy_on_intranet", "false", 1, 0, "proxies to intranet servers too"},
    {kUserPolicy, "true", 1, 0, "policy for the user who is logged in, where the management point can tell who that is"},
    {kUserPolicyOnInternet, "false", 1, 0, "the same on the internet; opens the Windows-authentication door there"},
    {"state_messages.reporting_interval_min", "15", 1, 1440, "how often state messages are sent"},
    {"heartbeat.interval_min", "10080", 10, 43200, "how often the device says that it is there"},
    {"hardware_inventory.enabled", "true", 1, 0, "hardware inventory"},
    {"hardware_inventory.interval_min", "10080", 10, 43200, "how often hardware inventory is made"},
    {"hardware_inventory.random_delay_min", "240", 0, 480, "spread of hardware inventory"},
    {"software_inventory.enabled", "true", 1, 0, "software inventory"},
    {"software_inventory.interval_min", "10080", 10, 43200, "how often software inventory is made"},
    {"software_deployment.reevaluation_min", "10080", 10, 43200, "how often installed applications are looked at again"},
    {"software_deployment.activation_random_min", "0", 0, 120, "spread of the start of new required deployments"},
    {"software_updates.enabled", "true", 1, 0, "scan for software updates, where the site has a software update point"},
    {"software_updates.scan_interval_min", "10080", 60, 43200, "how often the device scans for software updates"},
    {"computer_agent.grace_period_h", "0", 0, 120, "how long policy that arrives after its deadline waits before it acts"},
    {"cache.size_mb", "5120", 1, 1048576, "size of the content cache"},
    {"cache.min_age_min", "1440", 0, 10080, "how long content stays at least"},
    {"restart.forced", "true", 1, 0, "restart by itself after the deadline"},
    {"restart.after_deadline_min", "90", 0, 20160, "countdown to a restart"},
    {"restart.final_countdown_min", "15", 1, 1440, "last warning before a restart"},
    {"location.refresh_min", "1500", 10, 10080, "how often the list of management points is asked for"},
    {"compliance.user_data_and_profiles", "false", 1, 0, "for users: management of their data and profiles", nullptr, true},
    {"user_device_affinity.user_defined", "false", 1, 0, "for users: whether they may name their primary devices", nullptr, true},
};

}  // namespace

std::span<const SettingRule> setting_rules() { return kRules; }

ClientSettings default_client_settings(std::string_view site_code) {
  ClientSettings settings;
  settings.id = std::string(site_code) + "00000";
  settings.name = "Default Client Settings";
  settings.priority = 10000;
  for (const auto& rule : kRules)
    if (!rule.user) settings.values.emplace(rule.name, rule.initial);
  return settings;
}

Status check_settings(const std::map<std::string, std::string>& values, bool of_users) {
  for (const auto& [name, value] : values) {
    const SettingRule* rule = nullptr;
    for (const auto& r : kRules)
      if (r.name == name) rule = &r;
    if (!rule) return fail(Code::invalid, "there is no client setting {}", name);
    if (rule->user != of_users)
      return fail(Code::invalid, "{}: is a setting of {}: it belongs into an object {}", name, rule->user ? "users" : "devices",
                  rule->user ? "with users" : "without users");
    if (rule->text != nullptr) {
      if (auto good = rule->text(value); !good) return std::unexpected(good.error().with_context(name));
      continue;
    }
    if (rule->least > rule->most) {
      if (value != "true" && value != "false") return fail(Code::invalid, "{}: must be true or false", name);
      continue;
    }
    const auto number = parse_int(value);
    if (!number || *number < rule->least || *number > rule->most)
      return fail(Code::invalid, "{}: must be a whole number from {} to {}", name, rule->least, rule->most);
  }
  return {};
}

Status check_users(const std::vector<std::string>& users) {
  for (const auto& user : users) {
    const auto at = user.find('@');
    const bool named = at != std::string::npos && at > 0 && at + 1 < user.size() && user.find('@', at + 1) == std::string::npos;
    if (user != "*" && !named)
      return fail(Code::invalid, "users: \"{:.100}\" must be an account with its domain, such as alice@CORP.EXAMPLE, or *", user);
  }
  return {};
}

std::string effective_setting(std::span<const ClientSettings> all, std::span<const std::string> collections_of_device,
                              std::string_view site_code, std::string_view name) {
  const std::string default_id = std::string(site_code) + "00000";
  for (const ClientSettings& settings : all) {
    const bool reaches = settings.id == default_id || std::ranges::any_of(settings.collections, [&](const std::string& id) {
                           return std::ranges::find(collections_of_device, id) != collections_of_device.end();
                         });
    if (const auto value = settings.values.find(std::string(name)); reaches && value != settings.values.end()) return value->second;
  }
  const auto* rule = std::ranges::find(kRules, name, &SettingRule::name);
  return rule == std::end(kRules) ? std::string() : std::string(rule->initial);
}

bool is_true_for_some(std::span<const ClientSettings> all, std::string_view name) {
  return std::ranges::any_of(all, [&](const ClientSettings& settings) {
    const auto value = settings.values.find(std::string(name));
    return settings.users.empty() && value != settings.values.end() && value->second == "true";
  });
}

bool is_aimed_at(const ClientSettings& settings, const Account& account) {
  return std::ranges::any_of(settings.users, [&](const std::string& user) { return user == "*" || iequals(user, account.full_name()); });
}

}  // namespace fp::site
