// Client settings: their names, defaults and ranges (domain.md §9). Pure. The agent asks for values by these names.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/account.hpp"
#include "model/administration.hpp"

namespace fp::site {

struct SettingRule {
  std::string_view name;
  std::string_view initial;
  std::int64_t least, most;  // numbers; least > most: true or false
  std::string_view meaning;
  Status (*text)(std::string_view value) = nullptr;  // set: it is text, which this looks at
  bool user = false;  // of users, not of devices
};
inline constexpr std::string_view kUserPolicy = "client_policy.enable_user_policy";
inline constexpr std::string_view kUserPolicyOnInternet = "client_policy.enable_user_policy_on_internet";
[[nodiscard]] std::span<const SettingRule> setting_rules();

// The default object (<site>00000): applies to every device, whatever else does not.
[[nodiscard]] ClientSettings default_client_settings(std::string_view site_code);

// Code::invalid naming the setting and its range. An object is of devices or, where `users` are named, of users.
[[nodiscard]] Status check_settings(const std::map<std::string, std::string>& values, bool of_users = false);
// Code::invalid: not "alice@CORP.EXAMPLE" or "*".
[[nodiscard]] Status check_users(const std::vector<std::string>& users);

// What counts for a device: the value in the strongest object that reaches it. `all`: by priority, as the store gives them.
[[nodiscard]] std::string effective_setting(std::span<const ClientSettings> all, std::span<const std::string> collections_of_device,
                                            std::string_view site_code, std::string_view name);
// Whether any settings of devices say so.
[[nodiscard]] bool is_true_for_some(std::span<const ClientSettings> all, std::string_view name);
[[nodiscard]] bool is_aimed_at(const ClientSettings& settings, const Account& account);

}  // namespace fp::site
