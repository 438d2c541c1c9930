// Which of two package versions is newer, by the rules of dpkg and of rpm. Any thread; pure; linear in the text.
// Any text is accepted (it comes from packages made by others). dpkg's is a total preorder over all texts; rpm's over those
// that have a release, and over those that have none.
#pragma once
#include <string_view>

#include "model/application.hpp"

namespace fp::deployment {

enum class VersionScheme { dpkg, rpm };

// Negative, zero, positive as a is older than, the same as, newer than b.
[[nodiscard]] int compare_dpkg(std::string_view a, std::string_view b);  // [epoch:]upstream[-revision]
// [epoch:]version[-release]; an absent release on either side is not compared, as rpm's own dependencies do.
[[nodiscard]] int compare_rpm(std::string_view a, std::string_view b);
[[nodiscard]] int compare_versions(VersionScheme scheme, std::string_view a, std::string_view b);

// `have` op `want` for eq ne lt le gt ge; other operators are false.
[[nodiscard]] bool version_holds(VersionScheme scheme, std::string_view have, Compare op, std::string_view want);

[[nodiscard]] std::string_view symbol(Compare op);  // "=", ">=", "one of", ...

}  // namespace fp::deployment
