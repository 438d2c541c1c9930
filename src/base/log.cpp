#include "base/log.hpp"

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/clock.hpp"

namespace fp::log {
namespace {

struct State {
  std::shared_ptr<spdlog::logger> logger;
  std::atomic<Level> level{Level::info};
  std::atomic<Format> format{Format::text};
};

State& state() {
  static State s{[] {
                   auto logger = std::make_shared<spdlog::logger>("farpoint", std::make_shared<spdlog::sinks::stderr_sink_mt>());
                   logger->set_pattern("%v");
                   logger->set_level(spdlog::level::trace);
                   return logger;
                 }()};
  return s;
}

std::string_view name(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "info";
}

// Bytes from the network reach log lines: no control character may forge a second line or a terminal sequence.
std::string printable(std::string_view text, bool json) {
  std::string out;
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (b < 0x20 || b == 0x7F) {
      out += json ? fmt::format("\\u{:04x}", b) : fmt::format("\\x{:02x}", b);
    } else if (json && (c == '"' || c == '\\')) {
      out += '\\';
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string render(Format format, Level level, std::string_view component, std::string_view message, std::int64_t time_ms,
                   unsigned thread) {
  const std::string iso = to_iso_ms({time_ms});
  if (format == Format::json)
    return fmt::format(R"({{"time":"{}","level":"{}","component":"{}","message":"{}"}})", iso, name(level),
                       printable(component, true), printable(message, true));
  if (format == Format::cmtrace) {
    const int type = level == Level::error ? 3 : level == Level::warning ? 2 : 1;
    return fmt::format(R"(<![LOG[{}]LOG]!><time="{}+000" date="{}-{}-{}" component="{}" context="" type="{}" thread="{}" file="">)",
                       printable(message, false), iso.substr(11, 12), iso.substr(5, 2), iso.substr(8, 2), iso.substr(0, 4),
                       printable(component, false), type, thread);
  }
  return fmt::format("{} {:<7} {}: {}", iso, name(level), component, printable(message, false));
}

Status start(const Options& options) {
  try {
    std::vector<spdlog::sink_ptr> sinks;
    if (options.to_stderr) sinks.push_back(std::make_shared<spdlog::sinks::stderr_sink_mt>());
    if (!options.file.empty())
      sinks.push_back(std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, options.file_bytes_max,
                                                                             static_cast<std::size_t>(options.history)));
    auto logger = std::make_shared<spdlog::logger>("farpoint", sinks.begin(), sinks.end());
    logger->set_pattern("%v");
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    state().logger = std::move(logger);
  } catch (const std::exception& e) {
    return fail(Code::io, "opening the log {}: {}", options.file, e.what());
  }
  state().level = options.level;
  state().format = options.format;
  return {};
}

bool wanted(Level level) { return level >= state().level.load(std::memory_order_relaxed); }

void line(Level level, std::string_view component, std::string_view message) {
  State& s = state();
  s.logger->log(spdlog::level::info, "{}",
                render(s.format, level, component, message, system_clock().now().ms, static_cast<unsigned>(::gettid())));
}

}  // namespace fp::log
