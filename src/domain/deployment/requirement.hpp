// Do the requirements of a deployment type or program hold on this device (domain.md §13), and why? Any thread; pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "domain/deployment/reason.hpp"
#include "domain/deployment/version.hpp"
#include "model/application.hpp"

namespace fp::deployment {

// What is known of the device: os.id, os.version, architecture, memory_mb, disk_free_mb, kernel, hostname,
// package_manager (dpkg or rpm), package:<name> -> installed version, fact:<name>. Made by agent/sensors.
using Facts = std::map<std::string, std::string, std::less<>>;

struct Verdict {
  bool holds = false;
  Reasons reasons;  // one for each requirement: those that do not hold first
};

// dpkg or rpm, by the fact package_manager; dpkg where it says nothing.
[[nodiscard]] VersionScheme version_scheme(const Facts& facts);

// An attribute that is not known: exists is false, not_exists true, everything else false.
// Two whole numbers compare as numbers, versions (os.version, kernel, package:) by the device's scheme, the rest as text
// without case. ne: differs from every value; eq and one_of: equals one of the values; contains: has one of the values in it.
[[nodiscard]] Verdict evaluate(const Requirement& requirement, const Facts& facts);
[[nodiscard]] Verdict evaluate(const std::vector<Requirement>& requirements, const Facts& facts);  // all must hold; none: holds

}  // namespace fp::deployment
