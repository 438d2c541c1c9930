#include "agent/core/service_location.hpp"

#include <algorithm>
#include <boost/json.hpp>

#include "agent/core/whereabouts.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/internet/features.hpp"

namespace fp::agent {

namespace {
constexpr std::string_view kUrl = "mp.url", kSince = "mp.since", kType = kLocationType, kReason = "location.reason",
                           kChecked = "location.checked", kServed = "location.intranet_mp",
                           kLooks = "location.looks", kLookAgain = "location.look_again";
// Inside without an intranet management point: looked at again so often, because the intranet is always preferred.
constexpr std::int64_t kLookForIntranetMs = 3600 * 1000;

std::string probes_text(const std::vector<location::Probe>& probes) {
  boost::json::array all;
  for (const auto& p : probes) {
    const bool directory = p.kind == location::Probe::Kind::domain_controller;
    all.push_back(boost::json::object{{"asked", directory ? "domain controller" : "intranet management point"},
                                      {"name", p.what},
                                      {"answered", p.answered},
                                      {"said", p.detail},
                                      {"at", to_iso(p.at)},
                                      {"took_ms", p.took_ms}});
  }
  return boost::json::serialize(all);
}

// What this computer is refused where it is; each with its reason in `farpoint-agent status` and `why FEATURE`.
std::string refused_features(const location::Where& where) {
  const auto place = internet::place_of(where.type, where.reason);
  std::string names;
  for (const auto& rule : internet::features())
    if (!internet::verdict(rule.feature, place).offered) names += fmt::format("{}{}", names.empty() ? "" : ", ", rule.name);
  return fmt::format("refused here: {}", names);
}

}  // namespace

std::string base_url(std::string_view host, const InstallSettings& settings, bool internet) {
  bool ssl = internet || settings.use_pki;
  if (istarts_with(host, "https://")) { ssl = true; host.remove_prefix(8); }
  else if (istarts_with(host, "http://")) { ssl = false; host.remove_prefix(7); }
  const auto slash = host.find('/');  // of a gateway, a part of every path
  const std::string prefix(slash == std::string_view::npos ? std::string_view{} : host.substr(slash));
  host = host.substr(0, slash);
  const auto colon = host.rfind(':');
  const bool has_port = colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos &&
                        (host.find(':') == colon || host.front() == '[');
  if (has_port) return fmt::format("{}://{}{}", ssl ? "https" : "http", lower(host), prefix);
  return fmt::format("{}://{}:{}{}", ssl ? "https" : "http", lower(host), ssl ? settings.https_port : settings.http_port, prefix);
}

ServiceLocation::ServiceLocation(memory::Memory& memory, MpClient& mp, const Clock& clock, Random& random,
                                 const InstallSettings& settings, Directory directory, Whereabouts whereabouts)
    : memory_(memory), mp_(mp), clock_(clock), random_(random), settings_(settings), directory_(std::move(directory)),
      whereabouts_(std::move(whereabouts)) {}

Result<std::vector<location::Candidate>> ServiceLocation::candidates() {
  std::vector<location::Candidate> out;
  const auto add = [&](location::Candidate c) {
    // An internet-only client never speaks to an intranet door (domain.md §2.2).
    if (settings_.always_internet && !c.internet) return;
    const bool known = std::ranges::any_of(out, [&](const auto& o) { return o.url == c.url && o.internet == c.internet; });
    if (!known) out.push_back(std::move(c));
  };
  FP_TRY(known, memory_.management_points());
  for (const auto& m : known) add({m.url, m.name, m.internet, m.category, m.locality, m.ssl});
  for (const auto& m : settings_.management_points) {
    const auto url = base_url(m, settings_, false);
    add({url, m, false, 2, 3, url.starts_with("https")});
  }
  if (!settings_.internet_mp.empty()) {
    add({base_url(settings_.internet_mp, settings_, true), settings_.internet_mp, true, 2, 3, true});
  }
  return out;
}

Status ServiceLocation::load() {
  FP_TRY(type, memory_.property(kType));
  FP_TRY(reason, memory_.property(kReason));
  FP_TRY(url, memory_.property(kUrl));
  FP_TRY(since, memory_.property(kSince));
  FP_TRY(served, memory_.property(kServed));
  where_.type = static_cast<ConnectionType>(parse_int(type).value_or(0));
  where_.reason = reason;
  where_.management_point = served != "0";
  FP_TRY(again, memory_.property(kLookAgain));
  look_again_.ms = parse_int(again).value_or(0);
  current_.url = url;
  current_.since.ms = parse_int(since).value_or(0);
  return {};
}

Status ServiceLocation::locate(bool forced, std::int64_t refresh_ms) {
  FP_CHECK(load());
  FP_TRY(checked, memory_.property(kChecked));
  const auto now = clock_.now();
  const auto age = now.ms - parse_int(checked).value_or(0);
  FP_TRY(list, candidates());
  if (!where_.management_point) refresh_ms = std::min(refresh_ms, kLookForIntranetMs);
  const bool reinstalled = (where_.type == ConnectionType::always_internet) != settings_.always_internet;
  const bool fresh = where_.type != ConnectionType::unknown && !reinstalled && age >= 0 && age < refresh_ms;
  const bool again = look_again_due();
  looked_ = forced || again || !fresh;
  if (!looked_) return choose(list);
  // A look because nobody was reached comes beside the plan of looking again, which stands.
  const auto plan = checked == "0" && !forced && !again ? look_again_ : Instant();
  look_again_ = {};
  unreached_.clear();  // what was tried at another place says nothing about this one
  const auto before = where_;
  const auto probes = probe(list);
  where_ = location::decide(settings_.always_internet, probes);
  const auto place = whereabouts_ ? place_name(whereabouts_()) : std::string();
  FP_TRY(place_before, memory_.property(kPlace));
  moved_ = where_.type != before.type || where_.management_point != before.management_point ||
           (!where_.internet() && place != place_before);
  std::string ad_site;
  for (const auto& p : probes)
    if (p.answered && !p.ad_site.empty()) ad_site = p.ad_site;
  log::info("client-location", "{}: {}", location::type_name(where_.type), where_.reason);
  FP_TRY(looks, memory_.property(kLooks));
  const int look = again || plan.ms > 0 ? static_cast<int>(parse_int(looks).value_or(0)) + (again ? 1 : 0) : 0;
  const auto next = forced || again ? location::look_again_s(where_, look) : std::nullopt;
  look_again_ = next ? clock_.now().plus_s(*next) : plan;
  const std::string refused = refused_features(where_);
  if (moved_) log::info("client-location", "{}", refused);
  return memory_.together([&]() -> Status {
    FP_CHECK(memory_.set_property(kType, std::to_string(static_cast<int>(where_.type))));
    FP_CHECK(memory_.set_property(kReason, where_.reason));
    FP_CHECK(memory_.set_property(kChecked, std::to_string(now.ms)));
    FP_CHECK(memory_.set_property(kServed, where_.management_point ? "1" : "0"));
    FP_CHECK(memory_.set_property(kLooks, std::to_string(look)));
    FP_CHECK(memory_.set_property(kLookAgain, std::to_string(look_again_.ms)));
    FP_CHECK(memory_.set_property(kProbes, probes_text(probes)));
    FP_CHECK(memory_.set_property(kPlace, place));
    FP_CHECK(memory_.set_property(kAdSite, ad_site));
    FP_CHECK(memory_.record(now, "location", location::type_name(where_.type), where_.reason));
    if (moved_) FP_CHECK(memory_.record(now, "features", location::type_name(where_.type), refused));
    return choose(list, true);
  });
}

// The intranet management points one after another until one answers, and the directory, which also tells the AD site. An
// internet-only client asks nobody: its place was settled at installation.
std::vector<location::Probe> ServiceLocation::probe(const std::vector<location::Candidate>& list) {
  std::vector<location::Probe> probes;
  if (settings_.always_internet) return probes;
  for (const auto& c : list) {
    if (c.internet) continue;
    const auto began = clock_.steady_ms();
    const auto answer = mp_.probe(c.url);
    probes.push_back({location::Probe::Kind::intranet_management_point, c.url, answer.has_value(),
                      answer ? "" : answer.error().message, clock_.now(), clock_.steady_ms() - began});
    if (answer) break;
  }
  if (directory_)
    for (auto& p : directory_(settings_.domain)) probes.push_back(std::move(p));
  return probes;
}

Status ServiceLocation::choose(const std::vector<location::Candidate>& list, bool refreshed) {
  const auto now = clock_.now();
  FP_TRY(failures, memory_.failures(current_.url, now.plus_ms(-location::kFailuresWindowMs)));
  current_.failures = failures;
  current_.refreshed = refreshed;
  const auto choice = location::choose(list, where_, current_, now, random_);
  if (!choice.changed && choice.url == current_.url && now.since_ms(current_.since) < location::kStayMs) return {};
  if (choice.url != current_.url) {
    log::info("location-services", "management point {}: {}", choice.url.empty() ? "none" : choice.url, choice.reason);
  }
  current_ = {choice.url, now, {}};
  return memory_.together([&]() -> Status {
    FP_CHECK(memory_.set_property(kUrl, choice.url));
    FP_CHECK(memory_.set_property(kSince, std::to_string(now.ms)));
    return memory_.record(now, "management-point", choice.url.empty() ? "none" : choice.url, choice.reason);
  });
}

Result<bool> was_inside(memory::Memory& memory) {
  FP_TRY(type, memory.property(kType));
  FP_TRY(served, memory.property(kServed));
  return parse_int(type).value_or(0) == static_cast<int>(ConnectionType::currently_intranet) && served != "0";
}

bool ServiceLocation::is_inside(const std::string& url) {
  const auto scheme = url.find("://");
  const auto server = lower(url.substr(0, url.find('/', scheme == std::string::npos ? 0 : scheme + 3)));
  if (const auto list = candidates()) {
    bool inside = false, outside = false;
    for (const auto& c : *list)
      if (lower(c.url) == server) (c.internet ? outside : inside) = true;
    if (inside != outside) return inside;
  }
  return where_.type != ConnectionType::unknown && !where_.served_from_internet();
}

Status ServiceLocation::with_mp(const std::function<Status(const std::string& base)>& call) {
  FP_TRY(list, candidates());
  const auto urls = location::order(list, where_, current_.url, random_);
  if (urls.empty()) {
    return fail(Code::unavailable, "no {} management point is known", where_.served_from_internet() ? "internet" : "intranet");
  }
  std::optional<Error> first;
  for (const auto& url : urls) {
    auto done = call(url);
    if (done || !is_unreachable(done.error())) {
      if (done) FP_CHECK(memory_.clear_failures(url));
      if (done) unreached_.erase(url);
      else unreached_.insert_or_assign(url, done.error());
      return done;
    }
    unreached_.insert_or_assign(url, done.error());
    log::warning("location-services", "{}: {}", url, done.error().message);
    if (!first) first = done.error();
    if (mp_.proxy_failed()) continue;  // the web proxy's fault is none of this management point
    FP_CHECK(memory_.note_failure(url, clock_.now()));
    if (url == current_.url) FP_CHECK(choose(list));
  }
  // The place was a guess: on a new network the server of names may come after the address. The next pass looks again.
  FP_CHECK(memory_.set_property(kChecked, "0"));
  return std::unexpected(*first);
}

// On the intranet a client says where it is and gets what is near first; a management point that does not answer that is asked
// for the plain list. The internet list is learnt there too, so that the client is ready to leave (domain.md §3.2).
Result<std::vector<wire::MpEntry>> ServiceLocation::ask_for_list(const std::string& base) {
  if (where_.served_from_internet()) return mp_.mp_list(base, "MPLIST2");
  wire::MpLocationRequest request;
  request.site_code = settings_.site_code == "AUTO" ? std::string() : settings_.site_code;
  if (whereabouts_) request.where = whereabouts_();
  auto list = mp_.mp_locations(base, request);
  if (!list && !is_unreachable(list.error())) list = mp_.mp_list(base, "MPLIST");
  if (!list) return list;
  if (auto more = mp_.mp_list(base, "MPLIST2")) list->insert(list->end(), more->begin(), more->end());
  return list;
}

Status ServiceLocation::refresh_list() {
  std::vector<memory::KnownManagementPoint> known;
  const bool internet = where_.served_from_internet();
  const auto fetched = with_mp([&](const std::string& base) -> Status {
    FP_TRY(list, ask_for_list(base));
    for (const auto& m : list) {
      const auto& host = m.fqdn.empty() ? m.name : m.fqdn;
      if (!m.intranet_url.empty()) known.push_back({m.intranet_url, host, false, m.category, m.locality, istarts_with(m.intranet_url, "https")});
      if (!m.internet_url.empty()) known.push_back({m.internet_url, host, true, 2, 3, true});
      if (m.intranet_url.empty() && m.internet_url.empty() && !host.empty()) {
        const bool ssl = (m.ssl_state & wire::ssl_state::kEnabled) != 0;
        known.push_back({base_url((ssl ? "https://" : "http://") + host, settings_, internet), host, internet, 2, 3, ssl});
      }
    }
    return {};
  });
  FP_CHECK(fetched);
  if (known.empty()) return {};  // a client must never end up with an empty list (domain.md §3.3)
  if (internet) {
    FP_TRY(old, memory_.management_points());
    for (const auto& m : old) {
      if (!m.internet) known.push_back(m);
    }
  }
  FP_CHECK(memory_.replace_management_points(known));
  FP_TRY(list, candidates());
  return choose(list, true);
}

}  // namespace fp::agent
