// Identifiers and their grammar (domain.md §0.3). Checked before anything else sees them (rule 3). Any thread; pure.
#pragma once
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"

namespace fp {

// Canonical forms. Each returns the one spelling that storage sees, or Code::invalid naming what was expected.
[[nodiscard]] Result<std::string> parse_site_code(std::string_view text);   // 3 letters or digits -> upper case
[[nodiscard]] Result<std::string> parse_guid(std::string_view text);        // braces optional -> upper case, no braces
[[nodiscard]] Result<std::string> parse_client_id(std::string_view text);   // "GUID:" optional -> GUID:XXXXXXXX-...
[[nodiscard]] Result<std::string> parse_object_id(std::string_view text);   // site code + 5 hex digits: packages, collections, deployments
[[nodiscard]] Result<std::string> parse_content_id(std::string_view text);  // LAB00002[.1], Content_<guid>[.1], <guid>[.1]; optional UID: is cut
[[nodiscard]] Result<std::string> parse_name(std::string_view text, std::size_t chars_max);  // UTF-8, no control characters, not empty
[[nodiscard]] Result<std::string> parse_host(std::string_view text);        // DNS name or IP literal -> lower case
// A relative path below a folder: no empty, "." or ".." part, no NUL or backslash, UTF-8.
[[nodiscard]] Result<std::string> parse_relative_path(std::string_view text);

[[nodiscard]] std::string new_guid(Random& random);       // version 4, upper case, no braces
[[nodiscard]] std::string new_client_id(Random& random);  // GUID:...

// "LAB00002.1" -> {"LAB00002", 1}; without a version: version 0.
struct ContentName {
  std::string id;
  int version = 0;
};
[[nodiscard]] ContentName split_content_id(std::string_view canonical);

}  // namespace fp
