// Log lines: time, level, component, message; to standard error and, where set, a file; as text, JSON or CMTrace
// (domain.md §32). Any thread; a line costs nothing below the level. Secrets are never passed in (rule of design §7).
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json, cmtrace };

struct Options {
  Level level = Level::info;
  Format format = Format::text;
  std::string file;  // empty: standard error only
  std::size_t file_bytes_max = 2'500'000;
  int history = 1;
  bool to_stderr = true;
};

[[nodiscard]] Status start(const Options& options);  // again: replaces the sinks
[[nodiscard]] bool wanted(Level level);
void line(Level level, std::string_view component, std::string_view message);

// `component` names the part as administrators know it: "mp.register", "dp", "content-transfer".
template <class... A>
void debug(std::string_view component, fmt::format_string<A...> text, A&&... args) {
  if (wanted(Level::debug)) line(Level::debug, component, fmt::format(text, std::forward<A>(args)...));
}
template <class... A>
void info(std::string_view component, fmt::format_string<A...> text, A&&... args) {
  if (wanted(Level::info)) line(Level::info, component, fmt::format(text, std::forward<A>(args)...));
}
template <class... A>
void warning(std::string_view component, fmt::format_string<A...> text, A&&... args) {
  if (wanted(Level::warning)) line(Level::warning, component, fmt::format(text, std::forward<A>(args)...));
}
template <class... A>
void error(std::string_view component, fmt::format_string<A...> text, A&&... args) {
  line(Level::error, component, fmt::format(text, std::forward<A>(args)...));
}

// One line in the given format, without its newline; what tests hold golden.
[[nodiscard]] std::string render(Format format, Level level, std::string_view component, std::string_view message,
                                 std::int64_t time_ms, unsigned thread);

}  // namespace fp::log
