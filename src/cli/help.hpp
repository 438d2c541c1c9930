// What a program says about itself, made from its own tree of verbs and options so that it cannot be behind it: completion
// for shells and the manual page, for farpointd, farpoint and farpoint-agent alike. One thread, at the start of a program.
// Costs a walk over the tree. Never asks a site, never reads a file.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

namespace fp::cli {

inline constexpr std::string_view kVersion = "0.1.0";

struct ManualPage {
  using Rows = std::vector<std::pair<std::string_view, std::string_view>>;
  std::string_view program, section, summary;  // "farpointd", "8", "run a site"
  Rows exit_codes, files;
  std::string_view see_also;  // "farpoint(1), farpoint-agent(8)"
};

// Adds --version, `completion SHELL` and `man`. `page` is copied.
void add_help_verbs(CLI::App& app, const ManualPage& page);

// `PROGRAM complete WORD...`: what the shells' scripts ask. Answers and returns true where that is the first word; to be
// called before the command line is parsed, because what is being typed does not parse yet.
[[nodiscard]] bool answer_completion(const CLI::App& app, int argc, const char* const* argv);

// What may stand in the place of the last of `words` (which may be empty or begun): verbs, options, values. Sorted as declared.
[[nodiscard]] std::vector<std::string> candidates(const CLI::App& app, const std::vector<std::string>& words);

[[nodiscard]] std::string manual(const CLI::App& app, const ManualPage& page);                          // roff
[[nodiscard]] std::string completion_script(std::string_view program, std::string_view shell);  // bash, zsh, fish

}  // namespace fp::cli
