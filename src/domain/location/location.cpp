#include "domain/location/location.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace fp::location {

std::string_view type_name(ConnectionType type) {
  switch (type) {
    case ConnectionType::always_internet: return "Always Internet";
    case ConnectionType::currently_internet: return "Currently internet";
    case ConnectionType::currently_intranet: return "Currently intranet";
    case ConnectionType::unknown: break;
  }
  return "Unknown";
}

std::optional<std::int64_t> look_again_s(const Where& where, int looks) {
  constexpr std::array<std::int64_t, 3> kAfterS{10, 30, 120};
  const bool settled = where.type == ConnectionType::always_internet || !where.served_from_internet();
  if (settled || looks < 0 || looks >= static_cast<int>(kAfterS.size())) return std::nullopt;
  return kAfterS[static_cast<std::size_t>(looks)];
}

Where decide(bool always_internet, const std::vector<Probe>& probes) {
  if (always_internet) {
    return {ConnectionType::always_internet, "set to Always Internet when it was installed (CCMALWAYSINF=1)"};
  }
  const auto answered = [&](Probe::Kind kind) {
    return std::ranges::find_if(probes, [&](const Probe& p) { return p.kind == kind && p.answered; });
  };
  const auto mp = answered(Probe::Kind::intranet_management_point);
  const auto dc = answered(Probe::Kind::domain_controller);
  if (mp != probes.end()) {
    return {ConnectionType::currently_intranet, fmt::format("the intranet management point {} answered", mp->what)};
  }
  if (dc != probes.end()) {
    return {ConnectionType::currently_intranet,
            fmt::format("the domain controller {} answered, but no intranet management point: an internet one is used", dc->what),
            false};
  }
  if (probes.empty()) {
    return {ConnectionType::currently_internet, "neither a domain controller nor an intranet management point is known"};
  }
  std::string tried;
  for (const auto& p : probes) {
    tried += fmt::format("{}{} ({})", tried.empty() ? "" : ", ", p.what, p.detail.empty() ? "no answer" : p.detail);
  }
  return {ConnectionType::currently_internet, "nothing of the intranet answered: " + tried};
}

namespace {

std::vector<Candidate> fitting(const std::vector<Candidate>& list, const Where& where) {
  std::vector<Candidate> out;
  for (const auto& c : list) {
    if (where.served_from_internet() ? c.internet && c.ssl : !c.internet) out.push_back(c);
  }
  return out;
}

void shuffle(std::vector<Candidate>& list, Random& random) {
  for (std::size_t n = list.size(); n > 1; --n) std::swap(list[n - 1], list[random.below(n)]);
}

// The internet has no locality (domain.md §2.3): only on the intranet do category, locality and TLS rank the list.
std::vector<Candidate> ranked(const std::vector<Candidate>& list, const Where& where, Random& random) {
  auto out = fitting(list, where);
  shuffle(out, random);
  if (!where.served_from_internet()) {
    std::ranges::stable_sort(out, {}, [](const Candidate& c) { return std::tuple(c.category, -c.locality, !c.ssl); });
  }
  return out;
}

// A candidate of a better category or locality than the one in use has; on the internet there is none.
const Candidate* nearer_than(const std::string& url, const std::vector<Candidate>& usable, const Where& where) {
  const auto held = std::ranges::find(usable, url, &Candidate::url);
  if (where.served_from_internet() || held == usable.end()) return nullptr;
  const auto rank = [](const Candidate& c) { return std::pair(c.category, -c.locality); };
  const auto best = std::ranges::min_element(usable, {}, rank);
  return rank(*best) < rank(*held) ? &*best : nullptr;
}

}  // namespace

Choice choose(const std::vector<Candidate>& list, const Where& where, const Current& current, Instant now, Random& random) {
  const char* kind = where.served_from_internet() ? "internet" : "intranet";
  const auto usable = fitting(list, where);
  if (usable.empty()) return {"", !current.url.empty(), fmt::format("no {} management point is known", kind)};
  const bool listed = std::ranges::any_of(usable, [&](const Candidate& c) { return c.url == current.url; });
  const auto recent = std::ranges::count_if(current.failures, [&](Instant at) { return now.since_ms(at) <= kFailuresWindowMs; });
  std::string why = fmt::format("chosen from {} {} management point(s)", usable.size(), kind);
  const bool failing = recent >= kFailuresMax;
  const Candidate* nearer = current.refreshed && !failing ? nearer_than(current.url, usable, where) : nullptr;
  if (nearer) {
    why = fmt::format("{} is nearer than {} (category {}, locality {})", nearer->url, current.url, nearer->category, nearer->locality);
  } else if (listed) {
    const auto stayed = now.since_ms(current.since);
    if (!failing && stayed >= 0 && stayed < kStayMs) return {current.url, false, "the management point in use answers"};
    why = failing ? fmt::format("{} failed {} times within 10 minutes; the next of {} is tried", current.url, recent, usable.size())
                  : fmt::format("25 hours have passed; {}", why);
  } else if (!current.url.empty()) {
    why = fmt::format("{} is no {} management point of the list; {}", current.url, kind, why);
  }
  for (const auto& c : ranked(list, where, random)) {
    if (failing && c.url == current.url && usable.size() > 1) continue;
    return {c.url, c.url != current.url, why};
  }
  return {current.url, false, why};
}

std::vector<std::string> order(const std::vector<Candidate>& list, const Where& where, const std::string& first, Random& random) {
  std::vector<std::string> out;
  for (const auto& c : ranked(list, where, random)) {
    if (std::ranges::find(out, c.url) == out.end()) out.push_back(c.url);
  }
  std::ranges::stable_partition(out, [&](const std::string& url) { return url == first; });
  return out;
}

}  // namespace fp::location
