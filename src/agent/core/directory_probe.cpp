#include "agent/core/directory_probe.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>

#include "base/file.hpp"
#include "base/text.hpp"
#include "wire/directory/cldap.hpp"

namespace fp::agent {
namespace {

// A controller that was asked, and the socket its answer comes to: connected, so nobody else's datagram does.
struct Asked {
  std::string name;
  Fd socket;
  std::string problem;
};

std::string errno_text() { return std::error_code(errno, std::generic_category()).message(); }

Fd connect_to(const wire::ServiceRecord& record, std::string& problem) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(record.port);
  if (const int code = ::getaddrinfo(record.host.c_str(), port.c_str(), &hints, &found); code != 0) {
    problem = ::gai_strerror(code);
    return {};
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, &::freeaddrinfo);
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    Fd fd(::socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd.ok() && ::connect(fd.get(), a->ai_addr, a->ai_addrlen) == 0) return fd;
    problem = errno_text();
  }
  return {};
}

void ping(std::vector<Asked>& all, std::string_view question) {
  for (auto& asked : all) {
    if (!asked.socket.ok()) continue;
    if (::send(asked.socket.get(), question.data(), question.size(), MSG_NOSIGNAL) < 0) asked.problem = errno_text();
  }
}

// Reads what came for one; the answer if it is a controller of `domain`.
std::optional<wire::DirectoryPing> answer_of(Asked& asked, const std::string& domain, int id) {
  char buffer[wire::kDirectoryPingBytesMax];
  const auto got = ::recv(asked.socket.get(), buffer, sizeof buffer, 0);
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) asked.problem = errno_text();
    return std::nullopt;
  }
  auto answer = wire::decode_directory_ping({buffer, static_cast<std::size_t>(got)}, id);
  if (!answer) {
    asked.problem = answer.error().message;
    return std::nullopt;
  }
  if (answer->domain == domain) return std::move(*answer);
  asked.problem = "it is a domain controller of " + answer->domain;
  return std::nullopt;
}

// The first that answers, and its place among `all`.
std::optional<std::pair<std::size_t, wire::DirectoryPing>> first_answer(std::vector<Asked>& all, const std::string& domain, int id,
                                                                        const Clock& clock) {
  const std::string question = wire::encode_directory_ping(domain, id);
  std::vector<pollfd> waiting;
  for (const auto& asked : all) waiting.push_back({asked.socket.get(), POLLIN, 0});
  const auto began = clock.steady_ms();
  std::int64_t next_ping = 0;
  for (std::int64_t passed = 0; passed < kPingWaitMs; passed = clock.steady_ms() - began) {
    if (passed >= next_ping) {
      ping(all, question);
      next_ping = passed + kPingAgainMs;
    }
    const auto wait = std::min(next_ping, kPingWaitMs) - passed;
    if (::poll(waiting.data(), waiting.size(), static_cast<int>(wait)) <= 0) continue;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      if (auto answer = answer_of(all[i], domain, id)) return std::pair(i, std::move(*answer));
      if (!all[i].problem.empty()) waiting[i].fd = -1;  // it said no
    }
    if (std::ranges::all_of(waiting, [](const pollfd& w) { return w.fd < 0; })) break;
  }
  return std::nullopt;
}

}  // namespace

std::vector<location::Probe> ask_directory(const std::string& domain, const ServiceLookup& services, const Clock& clock,
                                           Random& random) {
  using Kind = location::Probe::Kind;
  if (domain.empty() || !services) return {};
  const auto now = clock.now();
  const auto began = clock.steady_ms();
  auto records = services(wire::domain_controller_record(domain));
  if (!records || records->empty()) {
    const std::string why = records ? "DNS names no domain controller" : records.error().message;
    return {{Kind::domain_controller, "domain " + domain, false, why, now, clock.steady_ms() - began}};
  }
  // Equal priorities in random order, so that no controller is asked first by everybody.
  for (std::size_t n = records->size(); n > 1; --n) std::swap((*records)[n - 1], (*records)[random.below(n)]);
  std::ranges::stable_sort(*records, {}, &wire::ServiceRecord::priority);
  if (records->size() > kControllersAskedMax) records->resize(kControllersAskedMax);
  std::vector<Asked> all;
  for (const auto& record : *records) {
    Asked asked{record.host, {}, {}};
    asked.socket = connect_to(record, asked.problem);
    all.push_back(std::move(asked));
  }
  const auto id = static_cast<int>(1 + random.below(0x7FFF'FFFE));
  const auto answer = first_answer(all, domain, id, clock);
  const auto took = clock.steady_ms() - began;
  std::vector<location::Probe> out;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (answer && answer->first == i) continue;
    const std::string why = !all[i].problem.empty() ? all[i].problem : answer ? "another one answered first" : "no answer";
    out.push_back({Kind::domain_controller, all[i].name, false, why, now, took});
  }
  if (!answer) return out;
  const auto& said = answer->second;
  const std::string site = said.client_site.empty() ? "" : ", site " + said.client_site;
  out.push_back({Kind::domain_controller, all[answer->first].name, true, fmt::format("{} of {}{}", said.controller, said.domain, site),
                 now, took, said.client_site});
  return out;
}

}  // namespace fp::agent
