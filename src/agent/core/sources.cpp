// Which distribution points a download tries, and in which order (domain.md §2.3, §11.3); and where the scan for updates goes (§12.2).
#include <algorithm>

#include "agent/core/agent.hpp"
#include "agent/core/session.hpp"
#include "agent/core/transfer.hpp"
#include "agent/core/update_scan.hpp"
#include "agent/core/whereabouts.hpp"
#include "base/ids.hpp"
#include "base/text.hpp"
#include "domain/internet/features.hpp"

namespace fp::agent {

namespace {

// Inside without a management point of the intranet, content comes from the internet too.
internet::Place content_place(const location::Where& where) {
  if (where.internet() || !where.served_from_internet()) return internet::place_of(where.type, where.reason);
  return {ConnectionType::currently_internet, fmt::format("this computer is served from the internet ({})", where.reason)};
}

// Where roaming is refused: one at random, whatever the distance, and that one again while it works.
Status choose_at_random(memory::Memory& memory, Random& random, std::vector<Source>& sources, std::string_view refusal) {
  for (std::size_t n = sources.size(); n > 1; --n) std::swap(sources[n - 1], sources[random.below(n)]);
  FP_TRY(last, memory.property(kLastSource));
  const auto why = fmt::format("at random among {} internet distribution point(s), because {}", sources.size(), refusal);
  for (auto& s : sources) s.because = s.name == last ? "it gave the last bytes; " + why : why;
  std::ranges::stable_partition(sources, [&](const Source& s) { return s.name == last; });
  return {};
}

}  // namespace

Result<Offer> Agent::sources(const std::string& content_id, std::int64_t waited_min) {
  if (!session_) return fail(Code::unavailable, "no management point is in reach");
  auto& s = *session_;
  const auto name = split_content_id(content_id);
  wire::ContentLocationRequest request;
  request.site_code = site_code_;
  request.content_id = content_id;
  request.package_id = name.id;
  request.version = name.version;
  const auto roaming = internet::verdict(internet::Feature::roaming, content_place(s.location.where()));
  const bool internet = !roaming.offered;
  if (!internet) {
    request.where = whereabouts(world_.machine, world_.memory);
    request.waited_min = waited_min;
  }
  request.where.location_type = "SMSPACKAGE";
  request.where.internet = internet;
  request.where.allow_http = !internet;
  Offer out;
  const auto asked = s.location.with_mp([&](const std::string& base) -> Status {
    FP_TRY(reply, s.mp.locations(base, request));
    for (auto& l : reply.locations) {
      const char* why = iequals(l.locality, "LOCAL") ? "in the boundary group of this network" : "in a boundary group farther away";
      out.sources.push_back({std::move(l.url), std::move(l.server_name), why});
    }
    out.more_in_min = reply.more_in_min;
    return {};
  });
  FP_CHECK(asked);
  if (internet) FP_CHECK(choose_at_random(world_.memory, world_.random, out.sources, roaming.reason));
  return out;
}

Status Agent::scan_updates(const PassOptions& options, bool offline) {
  FP_TRY(identity, world_.memory.identity());
  UpdateScan::Reach reach;
  if (session_ && !offline && identity.registration == "registered") {
    auto& s = *session_;
    reach.transport = s.transport.get();
    reach.names = &s.mp.names();
    reach.internet = s.location.where().served_from_internet();
    reach.points = [this, &s, internet = reach.internet](const std::string& source_id, std::int64_t version) -> Result<std::vector<wire::WsusLocation>> {
      wire::WsusLocationRequest request{source_id, static_cast<int>(version), {}};
      if (!internet) request.where = whereabouts(world_.machine, world_.memory);
      request.where.location_type = "SMSUpdate";
      request.where.internet = internet;
      std::vector<wire::WsusLocation> out;
      FP_CHECK(s.location.with_mp([&](const std::string& base) -> Status {
        FP_TRY(list, s.mp.update_points(base, request));
        out = std::move(list);
        return {};
      }));
      return out;
    };
  }
  UpdateScan scan(world_.memory, world_.machine, world_.clock, world_.random, policy_, std::move(reach));
  return scan.run(options.wants(std::string(kUpdatesCycle)));
}

}  // namespace fp::agent
