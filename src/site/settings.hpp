// Client settings: their names, defaults and ranges (domain.md §9). Pure. The agent asks for values by these names.
#pragma once
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/administration.hpp"

namespace fp::site {

struct SettingRule {
  std::string_view name;
  std::string_view initial;
  std::int64_t least, most;  // numbers; least > most: true or false
  std::string_view meaning;
  Status (*text)(std::string_view value) = nullptr;  // set: it is text, which this looks at
};
[[nodiscard]] std::span<const SettingRule> setting_rules();

// The default object (<site>00000): applies to every device, whatever else does not.
[[nodiscard]] ClientSettings default_client_settings(std::string_view site_code);

// Code::invalid naming the setting and its range.
[[nodiscard]] Status check_settings(const std::map<std::string, std::string>& values);

}  // namespace fp::site
