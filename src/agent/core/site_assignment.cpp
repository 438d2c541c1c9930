// Whom this computer asks for its site and its policy, in the order of domain.md §3.1 (what it knows, the
// directory, DNS), and which site is its own (§3.7). What the directory and DNS say is a hint: whoever is
// asked has to show its certificate.
#include <algorithm>
#include <set>

#include "agent/core/agent.hpp"
#include "agent/core/session.hpp"
#include "agent/core/whereabouts.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "domain/internet/features.hpp"

namespace fp::agent {
namespace {

constexpr std::string_view kConfirmedSite = "site.confirmed",
                           kPublishedSigning = "site.signing_certificate_published",
                           kDirectoryAsked = "directory.asked";
constexpr std::int64_t kAskDirectoryAgainMs = 3600 * 1000;  // by a client that has its site
constexpr std::size_t kSitesAskedMax = 8;
constexpr std::size_t kPublishedPointsMax = 32;  // of a directory, remembered as management points to ask

bool has_intranet(const std::vector<memory::KnownManagementPoint>& known) {
  return std::ranges::any_of(known, [](const auto& m) { return !m.internet; });
}

std::vector<memory::KnownManagementPoint> points_of(const wire::Publication& published,
                                                    const std::string& site_code) {
  std::vector<memory::KnownManagementPoint> out;
  for (const auto& p : published.management_points) {
    if (p.intranet_url.empty() || (!site_code.empty() && p.site_code != site_code) ||
        out.size() >= kPublishedPointsMax)
      continue;
    out.push_back({p.intranet_url, p.name, false, 2, 3, p.intranet_url.starts_with("https")});
  }
  return out;
}

Status keep_signing(memory::Memory& memory, const wire::Publication& published,
                    const std::string& site_code) {
  for (const auto& site : published.sites)
    if (site.site_code == site_code)
      FP_CHECK(memory.set_property(kPublishedSigning, site.signing_certificate));
  return {};
}

// What the directory says of this site: its intranet management points in place of those of other sites, and
// its signing certificate.
Status keep_published(memory::Memory& memory, const wire::Publication& published,
                      const std::string& site_code) {
  FP_CHECK(keep_signing(memory, published, site_code));
  const auto points = points_of(published, site_code);
  if (points.empty()) return {};
  FP_TRY(known, memory.management_points());
  std::erase_if(known, [](const auto& m) { return !m.internet; });
  known.insert(known.end(), points.begin(), points.end());
  return memory.replace_management_points(known);
}

// What the directory answered, for people.
std::string said(const Result<FoundInDirectory>& found,
                 const std::vector<memory::KnownManagementPoint>& points, const std::string& site_code) {
  if (!found) return found.error().message;
  std::string text = found->controller + " names";
  if (points.empty())
    text += fmt::format(" no management point{} of the intranet",
                        site_code.empty() ? "" : " of site " + site_code);
  for (const auto& p : points) text += fmt::format("{} {}", &p == &points.front() ? "" : ",", p.url);
  for (const auto& refused : found->publication.refused) text += "; left out: " + refused;
  return text;
}

}  // namespace

// True when this computer is at another place than the time before.
Result<bool> Agent::find_management_points(bool look_again, std::int64_t refresh_ms) {
  auto& location = session_->location;
  FP_CHECK(learn_published(look_again, false));
  FP_CHECK(learn_service_records());
  FP_CHECK(location.locate(look_again, refresh_ms));
  bool moved = location.moved();
  const auto& where = location.where();
  if (location.looked() && where.type == ConnectionType::currently_intranet &&
      !where.management_point) {
    FP_TRY(more, learn_published(true, true));
    if (more) FP_CHECK(location.locate(true, refresh_ms));
    moved = moved || location.moved();
  }
  return moved;
}

// Asked by a client that knows no management point of the intranet, by one that has no site yet, and
// (`none_answers`) by one that is inside and reaches none of those it knows. True when there is one that was
// not known.
Result<bool> Agent::learn_published(bool look_again, bool none_answers) {
  const auto& s = world_.settings;
  if (s.domain.empty() || s.always_internet || !world_.published || directory_asked_) return false;
  FP_TRY(known, world_.memory.management_points());
  FP_TRY(assigned, world_.memory.property(kAssignedSite));
  const std::string wanted = s.site_code == "AUTO" ? assigned : s.site_code;
  if (!none_answers && (!s.management_points.empty() || (has_intranet(known) && !wanted.empty())))
    return false;
  const auto now = world_.clock.now();
  FP_TRY(asked, world_.memory.property(kDirectoryAsked));
  const auto age = now.ms - parse_int(asked).value_or(0);
  if (!wanted.empty() && !look_again && age >= 0 && age < kAskDirectoryAgainMs) return false;
  FP_CHECK(world_.memory.set_property(kDirectoryAsked, std::to_string(now.ms)));
  directory_asked_ = true;
  auto found = world_.published(wanted);
  const auto points =
      found ? points_of(found->publication, wanted) : std::vector<memory::KnownManagementPoint>();
  const auto text = fmt::format("directory of {}: {}", s.domain, said(found, points, wanted));
  log::info("location-services", "{}", text);
  FP_CHECK(world_.memory.record(now, "directory", points.empty() ? "none" : "found", text));
  if (points.empty()) {
    sources_.push_back(text);
    return false;
  }
  in_directory_ = std::move(*found);
  bool more = false;
  if (!wanted.empty()) {
    FP_CHECK(keep_signing(world_.memory, in_directory_.publication, wanted));
  } else {
    std::erase_if(known,
                  [](const auto& m) { return !m.internet; });  // of sites that did not want this computer
  }
  for (const auto& p : points) {
    if (std::ranges::any_of(known, [&](const auto& k) { return k.url == p.url && !k.internet; })) continue;
    known.push_back(p);
    more = true;
  }
  if (more) FP_CHECK(world_.memory.replace_management_points(known));
  return more;
}

// Learnt from a management point, a signing certificate must be the one that the site published, where it did
// (domain.md §3.6): a further reason to refuse, never one to believe.
Status Agent::check_against_directory(const pki::Certificate& signing, const std::string& base) {
  FP_TRY(published, world_.memory.property(kPublishedSigning));
  const auto print = hex_lower(crypto::sha256(signing.der()));
  if (published.empty() || published == print) return {};
  return fail(Code::forbidden,
              "{} offers a site signing certificate with the SHA-256 {}, and the directory names {}: if the "
              "site has a new one "
              "install again with SMSSIGNCERT",
              base, print, published);
}

// The last source of a management point (domain.md §3.1): for a client that knows none of the intranet and
// was told where to ask.
Status Agent::learn_service_records() {
  const auto& s = world_.settings;
  // A client that looks for its site yet may ask the DNS of its own domain, and for any site's management
  // point.
  const bool automatic = s.site_code == "AUTO";
  const std::string& suffix = s.dns_suffix.empty() && automatic ? s.domain : s.dns_suffix;
  if (suffix.empty() || s.always_internet || !s.management_points.empty() || !world_.services) return {};
  FP_TRY(known, world_.memory.management_points());
  if (std::ranges::any_of(known, [](const auto& m) { return !m.internet; })) return {};
  const auto name =
      wire::management_point_record(automatic ? std::string_view() : std::string_view(s.site_code), suffix);
  const auto found = world_.services(name);
  const std::string why = !found           ? found.error().message
                          : found->empty() ? fmt::format("{} names nobody", name)
                                           : std::string();
  if (!why.empty()) {
    log::warning("location-services", "{}", why);
    if (std::ranges::find(sources_, why) == sources_.end()) sources_.push_back(why);
    return world_.memory.record(world_.clock.now(), "service-record", "none", why);
  }
  std::string hosts;
  for (const auto& r : *found) {
    const bool ssl = s.use_pki && r.port != s.http_port;
    known.push_back(
        {fmt::format("{}://{}:{}", ssl ? "https" : "http", r.host, r.port), r.host, false, 2, 3, ssl});
    hosts += (hosts.empty() ? "" : ", ") + known.back().url;
  }
  log::info("location-services", "{}: {}", name, hosts);
  FP_CHECK(world_.memory.replace_management_points(known));
  return world_.memory.record(world_.clock.now(), "service-record", "found",
                              fmt::format("{}: {}", name, hosts));
}

// SMSSITECODE=AUTO: once found, the site stays (domain.md §3.7).
Status Agent::find_site() {
  if (site_code_ != "AUTO") return {};
  FP_TRY(assigned, world_.memory.property(kAssignedSite));
  if (!assigned.empty()) {
    site_code_ = assigned;
    return {};
  }
  auto& s = *session_;
  const auto now = world_.clock.now();
  const auto& location = s.location.where();
  if (const auto v = internet::verdict(internet::Feature::automatic_site_assignment,
                                       internet::place_of(location.type, location.reason));
      !v.offered) {
    const auto& why = v.reason;
    log::warning("location-services", "{}", why);
    FP_CHECK(world_.memory.record(now, "site", "not assigned", why));
    return fail(Code::unavailable, "{}", why);
  }
  const auto where = whereabouts(world_.machine, world_.memory);
  std::string found, from;
  const auto asked = s.location.with_mp([&](const std::string& base) -> Status {
    FP_TRY(answer, s.mp.assigned_site(base, where));
    found = answer;
    from = base;
    return {};
  });
  std::string why = asked ? "no site is responsible for this computer's networks" : asked.error().message;
  if (found.empty()) FP_CHECK(ask_other_sites(where, found, from));
  if (!found.empty()) return assign(found, from);
  if (!sources_.empty()) why += fmt::format(" ({})", fmt::join(sources_, "; "));
  FP_CHECK(world_.memory.record(now, "site", "not assigned", why));
  return fail(Code::unavailable, "finding the site: {}", why);
}

// Several sites may be published in one directory, and each knows its own boundary groups only: one that does
// not want this computer is not the last word.
Status Agent::ask_other_sites(const wire::ClientLocation& where, std::string& found, std::string& from) {
  const auto& points = in_directory_.publication.management_points;
  std::set<std::string> asked;
  for (const auto& p : points)
    if (p.intranet_url == from) asked.insert(p.site_code);
  for (const auto& p : points) {
    if (p.intranet_url.empty() || asked.contains(p.site_code)) continue;
    if (asked.size() >= kSitesAskedMax) break;
    auto answer = session_->mp.assigned_site(p.intranet_url, where);
    if (!answer) {
      log::warning("location-services", "{}: {}", p.intranet_url, answer.error().message);
      continue;
    }
    asked.insert(p.site_code);
    found = *answer;
    from = p.intranet_url;
    if (!found.empty()) return {};
  }
  return {};
}

// From here on the management points are those of that site, where the directory names them.
Status Agent::assign(const std::string& site_code, const std::string& from) {
  site_code_ = site_code;
  const auto& points = in_directory_.publication.management_points;
  const bool published = std::ranges::any_of(points, [&](const auto& p) { return p.intranet_url == from; });
  const auto why = fmt::format("named by {}{}", from,
                               published ? fmt::format(", which {} names in the directory of {}",
                                                       in_directory_.controller, world_.settings.domain)
                                         : "");
  log::info("location-services", "assigned to site {}, {}", site_code, why);
  FP_CHECK(keep_published(world_.memory, in_directory_.publication, site_code));
  FP_CHECK(world_.memory.record(world_.clock.now(), "site", site_code, why));
  return world_.memory.set_property(kAssignedSite, site_code);
}

// Before anything is told to a management point: it must be one of the site that this computer was installed
// for. Asked once.
Status Agent::confirm_site() {
  FP_TRY(confirmed, world_.memory.property(kConfirmedSite));
  if (confirmed == site_code_) return {};
  auto& s = *session_;
  bool serves = false;
  std::string from;
  FP_CHECK(s.location.with_mp([&](const std::string& base) -> Status {
    from = base;
    FP_TRY(answer, s.mp.serves_site(base, site_code_));
    serves = answer;
    return {};
  }));
  if (serves) return world_.memory.set_property(kConfirmedSite, site_code_);
  const auto why = fmt::format(
      "{} does not serve site {}: install again with the SMSSITECODE of its site, or name a management point "
      "of site {}",
      from, site_code_, site_code_);
  FP_CHECK(world_.memory.record(world_.clock.now(), "site", "not confirmed", why));
  return fail(Code::conflict, "{}", why);
}

}  // namespace fp::agent
