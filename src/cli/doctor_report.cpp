#include "cli/doctor_report.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <thread>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::cli {

namespace json = boost::json;

int show_findings(const std::vector<doctor::Finding>& findings, bool as_json) {
  const bool good = doctor::all_good(findings);
  if (as_json) {
    json::array list;
    for (const auto& f : findings)
      list.push_back(json::object{{"server", f.server},
                                  {"check", f.check},
                                  {"outcome", doctor::to_string(f.outcome)},
                                  {"seen", f.seen},
                                  {"change", f.change}});
    std::cout << json::serialize(json::object{{"good", good}, {"findings", list}}) << '\n';
    return good ? 0 : 1;
  }
  constexpr std::size_t kCheckWidthMax = 32;
  std::size_t width = 5;
  for (const auto& f : findings) width = std::max(width, std::min(f.check.size(), kCheckWidthMax));
  std::string server = "-";
  std::size_t warnings = 0, failures = 0;
  for (const auto& f : findings) {
    if (f.server != server) {
      server = f.server;
      std::cout << (server.empty() ? "THIS COMPUTER" : server) << '\n'
                << fmt::format("  {:<7}  {:<{}}  {}\n", "OUTCOME", "CHECK", width, "SEEN");
    }
    std::cout << fmt::format("  {:<7}  {:<{}}  {}\n", doctor::to_string(f.outcome), f.check, width, f.seen);
    if (!f.change.empty()) std::cout << fmt::format("  {:<7}  {:<{}}  -> {}\n", "", "", width, f.change);
    if (f.outcome == doctor::Outcome::warning) ++warnings;
    if (f.outcome == doctor::Outcome::failed) ++failures;
  }
  std::cout << fmt::format("{} checks, {} warnings, {} failed\n", findings.size(), warnings, failures);
  return good ? 0 : 1;
}

doctor::Surroundings surroundings_of_doctor() {
  return {system_clock(), system_random(), doctor::resolve_by_system,
          [](int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); }};
}

net::ClientOptions doctor_client() {
  net::ClientOptions options;
  options.user_agent = "ccmhttp";
  options.connect_timeout_s = 10;
  options.low_speed_s = 10;
  return options;
}

Result<std::string> doctor_url(std::string_view text) {
  std::string_view rest = text;
  std::string scheme = "https://", port = ":443";
  if (istarts_with(rest, "http://")) {
    scheme = "http://";
    port = ":80";
    rest.remove_prefix(7);
  }
  if (istarts_with(rest, "https://")) rest.remove_prefix(8);
  rest = rest.substr(0, rest.find('/'));
  const auto colon = rest.rfind(':');
  const bool has_port = colon != std::string_view::npos && rest.find(']', colon) == std::string_view::npos;
  auto host = rest.substr(0, has_port ? colon : rest.size());
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  FP_CHECK(parse_host(host));
  return scheme + lower(rest) + (has_port ? "" : port);
}

}  // namespace fp::cli
