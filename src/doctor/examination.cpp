#include "doctor/examination.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "doctor/visit.hpp"

namespace fp::doctor {
namespace {

std::string host_in(std::string_view url) {
  if (const auto scheme = url.find("://"); scheme != url.npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find('/'));
  if (url.starts_with('[')) return std::string(url.substr(1, url.find(']') - 1));
  return std::string(url.substr(0, url.find(':')));
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  return outcome == Outcome::ok ? "ok" : outcome == Outcome::warning ? "warning" : "failed";
}

bool all_good(const std::vector<Finding>& findings) {
  return std::ranges::none_of(findings, [](const auto& f) { return f.outcome == Outcome::failed; });
}

Visit::Visit(const Subject& s, const Surroundings& a) : subject(s), around(a), client(s.client), host(host_in(s.url)) {}

void Visit::add(std::string check, Outcome outcome, std::string seen, std::string change) {
  findings.push_back({subject.url, std::move(check), outcome, std::move(seen), std::move(change)});
}

Result<Answer> Visit::ask(net::ClientRequest request, const std::string& path) {
  request.url = subject.url + path;
  FP_TRY(response, client.perform(request));
  Answer out{std::move(response), std::nullopt};
  if (auto from_body = wire::decode_arrived(out.response.body))
    out.arrived = std::move(*from_body);
  else if (const auto text = unbase64(out.response.header(wire::kArrivedHeader)); text && !text->empty())
    if (auto from_header = wire::decode_arrived(*text)) out.arrived = std::move(*from_header);
  return out;
}

std::vector<Finding> examine(const Subject& subject, const Surroundings& around) {
  Visit visit(subject, around);
  check_names(visit);
  if (subject.url.starts_with("http://")) {
    check_fallback(visit);
  } else if (check_certificates(visit)) {
    const auto doors = check_contact(visit);
    if (!doors.empty()) check_updates(visit);
    for (const auto& door : doors) {
      check_verbs(visit, door);
      check_headers(visit, door);
      check_ranges(visit, door);
      check_bodies(visit, door);
    }
  }
  return std::move(visit.findings);
}

}  // namespace fp::doctor
