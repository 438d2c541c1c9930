#include "site/settings.hpp"

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
    {"state_messages.reporting_interval_min", "15", 1, 1440, "how often state messages are sent"},
    {"heartbeat.interval_min", "10080", 10, 43200, "how often the device says that it is there"},
    {"hardware_inventory.enabled", "true", 1, 0, "hardware inventory"},
    {"hardware_inventory.interval_min", "10080", 10, 43200, "how often hardware inventory is made"},
    {"hardware_inventory.random_delay_min", "240", 0, 480, "spread of hardware inventory"},
    {"software_inventory.enabled", "true", 1, 0, "software inventory"},
    {"software_inventory.interval_min", "10080", 10, 43200, "how often software inventory is made"},
    {"software_deployment.reevaluation_min", "10080", 10, 43200, "how often installed applications are looked at again"},
    {"software_deployment.activation_random_min", "0", 0, 120, "spread of the start of new required deployments"},
    {"computer_agent.grace_period_h", "0", 0, 120, "how long policy that arrives after its deadline waits before it acts"},
    {"cache.size_mb", "5120", 1, 1048576, "size of the content cache"},
    {"cache.min_age_min", "1440", 0, 10080, "how long content stays at least"},
    {"restart.forced", "true", 1, 0, "restart by itself after the deadline"},
    {"restart.after_deadline_min", "90", 0, 20160, "countdown to a restart"},
    {"restart.final_countdown_min", "15", 1, 1440, "last warning before a restart"},
    {"location.refresh_min", "1500", 10, 10080, "how often the list of management points is asked for"},
};

}  // namespace

std::span<const SettingRule> setting_rules() { return kRules; }

ClientSettings default_client_settings(std::string_view site_code) {
  ClientSettings settings;
  settings.id = std::string(site_code) + "00000";
  settings.name = "Default Client Settings";
  settings.priority = 10000;
  for (const auto& rule : kRules) settings.values.emplace(rule.name, rule.initial);
  return settings;
}

Status check_settings(const std::map<std::string, std::string>& values) {
  for (const auto& [name, value] : values) {
    const SettingRule* rule = nullptr;
    for (const auto& r : kRules)
      if (r.name == name) rule = &r;
    if (!rule) return fail(Code::invalid, "there is no client setting {}", name);
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

}  // namespace fp::site
