// MP_LocationManager and MP_ClientIdManager (wire.md §8): where things are, told according to the door and, on the intranet,
// to the client's boundary groups.
#include "wire/location.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "domain/internet/features.hpp"
#include "roles/mp/context.hpp"
#include "wire/capability.hpp"

namespace fp::mp {
namespace {

using store::Repositories;

template <class... F>
struct Overloads : F... {
  using F::operator()...;
};

// "LAB00002" without a version means the newest one that is there.
Result<std::string> newest_content(Repositories& r, const std::string& id) {
  if (const auto package = r.software.find_package(id); package && package->content_version > 0)
    return fmt::format("{}.{}", package->id, package->content_version);
  FP_TRY(all, r.contents.list());
  std::string found;
  int version = 0;
  for (const ContentVersion& content : all) {
    const ContentName name = split_content_id(content.content_id);
    if (!iequals(name.id, id) || name.version < version) continue;
    version = name.version;
    found = content.content_id;
  }
  return found;
}

struct Place {
  std::string url, name;
  bool local = true;
};

Result<std::vector<Place>> places_of(Repositories& r, const std::string& content_id, bool internet) {
  FP_TRY(distributions, r.contents.distributions(content_id));
  std::vector<Place> out;
  for (const Distribution& distribution : distributions) {
    if (distribution.state != DistributionState::ok) continue;
    const auto dp = r.contents.find_dp(distribution.dp);
    if (!dp || dp->maintenance) continue;
    if (dp->connections == (internet ? Connections::intranet : Connections::internet)) continue;
    std::string url = internet ? dp->internet_url : dp->intranet_url;
    while (url.ends_with('/')) url.pop_back();
    if (!url.empty()) out.push_back({std::move(url), dp->name});
  }
  return out;
}

// Where the client is, as far as features are concerned: the door tells, and on the intranet so does the client.
internet::Place asked_from(const Peer& peer, const wire::ClientLocation& where) {
  if (peer.door == Door::internet_https) return {ConnectionType::currently_internet, fmt::format("{} asks at the internet door", peer.address)};
  if (where.internet) return {ConnectionType::currently_internet, fmt::format("{} says that it is on the internet", peer.address)};
  return {ConnectionType::currently_intranet, fmt::format("{} asks at an intranet door", peer.address)};
}

void shuffle(std::vector<Place>& places, Random& random) {
  for (std::size_t i = places.size(); i > 1; --i) std::swap(places[i - 1], places[random.below(i)]);
}

// On the intranet: what the boundary groups open by now, the nearer first, equals in random order. Answers after how many
// minutes more would open; below 0: never.
Result<std::int64_t> keep_near(Context& context, Repositories& r, const Message& message,
                               const wire::ContentLocationRequest& request, std::vector<Place>& places) {
  FP_TRY(map, context.boundaries.read(r, context.settings.site_code));
  const auto found = boundary::find_groups(*map, place_of(message.request, &request.where));
  std::vector<std::string> names;
  for (const Place& place : places) names.push_back(place.name);
  std::int64_t more_in = -1;
  std::vector<Place> near;
  for (const auto& ranked : boundary::rank(*map, found, boundary::SystemRole::distribution_point, names)) {
    if (!ranked.offered(request.waited_min)) {
      if (ranked.opens_min >= 0 && (more_in < 0 || ranked.opens_min < more_in)) more_in = ranked.opens_min;
      continue;
    }
    auto place = std::ranges::find(places, ranked.name, &Place::name);
    place->local = ranked.locality == boundary::kCurrent || found.by_default;
    near.push_back(std::move(*place));
  }
  places = std::move(near);
  return more_in;
}

// The path segment that opens a content of one distribution point behind a bridge. Only a client that proved itself gets one.
std::string capability_for(Context& context, const Message& message, const std::string& content_id, std::string_view dp) {
  const Settings& site = context.settings;
  if (!site.issue_capabilities || site.capability_key.empty() ||
      message.request.peer.door != Door::internet_https)
    return {};
  if (!message.device || !message.device->may_have_policy()) return {};
  return wire::encode_capability({.content_id = content_id,
                                  .client_id = message.device->client_id,
                                  .expires_at = context.clock.now().plus_s(site.capability_life_s)},
                                 wire::capability_key_of(site.capability_key, dp)) +
         "/";
}

// What a computer needs to become a client lies below /CCM_Client of the management points.
Outcome<std::string> client_files(Context& context, const Message& message, const wire::ContentLocationRequest& request,
                                  wire::ContentLocationReply reply) {
  if (context.settings.client_files.empty()) return wire::encode_content_locations(reply);
  const Peer& peer = message.request.peer;
  const auto points = mp_entries(context, peer.door, place_of(message.request, &request.where));
  if (!points) return refused(503, points.error().message);
  const int version = static_cast<int>(parse_int(context.settings.build).value_or(9128));
  for (const wire::MpEntry& mp : *points) {
    std::string url = peer.door == Door::internet_https ? mp.internet_url : mp.intranet_url;
    if (!peer.tls()) url = fmt::format("http://{}:{}", mp.fqdn, context.settings.http_port);
    if (url.empty()) url = fmt::format("https://{}:{}", mp.fqdn, context.settings.https_port);
    while (url.ends_with('/')) url.pop_back();
    reply.locations.push_back({.url = url + "/CCM_Client",
                               .signature_url = {},
                               .server_name = mp.fqdn,
                               .ssl_state = peer.tls() ? wire::ssl_state::kHttps : wire::ssl_state::kHttp,
                               .dp_type = "SERVER",
                               .locality = peer.door == Door::internet_https ? "INTERNET" : "LOCAL",
                               .version = version});
  }
  return wire::encode_content_locations(reply);
}

Outcome<std::string> content(Context& context, const Message& message,
                             const wire::ContentLocationRequest& request) {
  wire::ContentLocationReply reply{.site_code = context.settings.site_code,
                                   .locations = {},
                                   .http_port = context.settings.http_port,
                                   .https_port = context.settings.https_port};
  if (request.client_package) return client_files(context, message, request, std::move(reply));
  const auto roaming = internet::verdict(internet::Feature::roaming, asked_from(message.request.peer, request.where));
  const bool internet = !roaming.offered;
  std::string content_id = request.content_id;
  auto places = context.store.read([&](Repositories& r) -> Result<std::vector<Place>> {
    if (request.version == 0 && split_content_id(content_id).version == 0) {
      FP_TRY(newest, newest_content(r, request.package_id.empty() ? content_id : request.package_id));
      content_id = newest;
    }
    if (content_id.empty()) return std::vector<Place>();
    FP_TRY(all, places_of(r, content_id, internet));
    shuffle(all, context.random);
    if (internet) {
      log::debug("mp.location", "{}: {}", content_id, roaming.reason);
      return all;
    }
    FP_TRY(more_in, keep_near(context, r, message, request, all));
    reply.more_in_min = more_in;
    return all;
  });
  if (!places) return refused(503, places.error().message);
  // Who asks at a secondary site is told of the distribution point beside it first.
  if (!internet && message.request.via)
    std::ranges::stable_partition(*places, [&](const Place& place) { return place.name == message.request.via->name; });
  for (Place& place : *places) {
    // Who speaks plain HTTP has no certificate to show at the other listener.
    if (!internet && message.request.peer.door == Door::intranet_http && place.name == context.settings.open_dp)
      place.url = context.settings.open_dp_url;
    const bool tls = istarts_with(place.url, "https:");
    const std::string segment = content_id.empty() ? std::string() : capability_for(context, message, content_id, place.name);
    reply.locations.push_back(
        {.url = place.url + "/SMS_DP_SMSPKG$/" + segment + content_id,
         .signature_url = place.url + "/SMS_DP_SMSSIG$/" + content_id + ".tar",
         .server_name = place.name,
         .ssl_state = tls ? wire::ssl_state::kHttps : wire::ssl_state::kHttp,
         .dp_type = "SERVER",
         .locality = internet ? "INTERNET" : place.local ? "LOCAL" : "REMOTE",
         .version = static_cast<int>(parse_int(context.settings.build).value_or(9128))});
  }
  if (reply.locations.empty())
    log::info("mp.location", "no distribution point has {} for {} clients{}", request.content_id,
              internet ? "internet" : "intranet",
              reply.more_in_min < 0 ? std::string()
                                    : fmt::format(" in the boundary groups of {}: the next opens after {} min, it has waited {}",
                                                  message.request.peer.address, reply.more_in_min, request.waited_min));
  return wire::encode_content_locations(reply);
}

// The software update points of the client's place: on the internet those that accept it, over HTTPS; in random order, the client
// stays with the one that worked (domain.md §12.2). The version is the catalogue's, whichever one was asked for.
Outcome<std::string> update_points(Context& context, const Message& message, const wire::WsusLocationRequest& request) {
  const bool internet = message.request.peer.door == Door::internet_https || request.where.internet;
  const auto found = context.store.read([&](Repositories& r) -> Result<std::vector<wire::WsusLocation>> {
    const auto version = r.site.value("updates.content_version");
    FP_TRY(all, r.updates.points());
    std::vector<wire::WsusLocation> out;
    for (const SoftwareUpdatePoint& point : all) {
      if (point.connections == (internet ? Connections::intranet : Connections::internet)) continue;
      std::string url = internet ? point.internet_url : point.intranet_url;
      while (url.ends_with('/')) url.pop_back();
      if (url.empty() || (internet && !istarts_with(url, "https:"))) continue;
      out.push_back({std::move(url), point.name, static_cast<int>(version ? parse_int(*version).value_or(0) : 0)});
    }
    return out;
  });
  if (!found) return refused(503, found.error().message);
  std::vector<wire::WsusLocation> list = *found;
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[context.random.below(i)]);
  if (list.empty()) log::info("mp.location", "there is no software update point for {} clients", internet ? "internet" : "intranet");
  return wire::encode_wsus_locations(list);
}

Outcome<std::string> points(Context& context, const Message& message,
                            const wire::MpLocationRequest& request) {
  if (!is_own_site(context, message.request, request.site_code)) return wire::encode_mp_locations({}, request.site_code);
  auto list = mp_entries(context, message.request.peer.door, place_of(message.request, &request.where));
  if (!list) return refused(503, list.error().message);
  for (wire::MpEntry& entry : *list) entry.site_code = context.settings.site_code;
  return wire::encode_mp_locations(*list, context.settings.site_code);
}

// By boundary groups, on the intranet only (domain.md §3.7): the internet has no locality by which a site could be told.
Outcome<std::string> site_for(Context& context, const Message& message, const wire::AssignedSiteRequest& request) {
  const Peer& peer = message.request.peer;
  const auto assignment = internet::verdict(internet::Feature::automatic_site_assignment, asked_from(peer, request.where));
  if (!assignment.offered) {
    log::warning("mp.location", "{}", assignment.reason);
    return wire::encode_assigned_site({});
  }
  const auto site = context.store.read([&](Repositories& r) -> Result<boundary::Assignment> {
    FP_TRY(map, context.boundaries.read(r, context.settings.site_code));
    const auto found = boundary::find_groups(*map, place_of(message.request, &request.where));
    return boundary::assign_site(*map, found, context.random);
  });
  if (!site) return refused(503, site.error().message);
  log::info("mp.location", "{} is assigned to {}: {}", peer.address, site->site_code.empty() ? "no site" : site->site_code,
            site->because);
  return wire::encode_assigned_site(site->site_code);
}

}  // namespace

Outcome<Answer> locate(Context& context, Message& message) {
  const auto request = wire::decode_location_request(message.documents.body());
  if (!request) return refused(request.error());
  using Document = Outcome<std::string>;
  auto document = std::visit(
      Overloads{
          [&](const wire::SiteInformationRequest& r) -> Document {
            if (!is_own_site(context, message.request, r.site_code)) return wire::encode_site_information({});
            return wire::encode_site_information(
                {{context.settings.site_code, context.settings.version, context.settings.build}});
          },
          [&](const wire::AssignedSiteRequest& r) -> Document { return site_for(context, message, r); },
          [&](const wire::MpLocationRequest& r) -> Document { return points(context, message, r); },
          [&](const wire::ContentLocationRequest& r) -> Document { return content(context, message, r); },
          [&](const wire::WsusLocationRequest& r) -> Document { return update_points(context, message, r); },
          [&](const wire::TokenServicesRequest&) -> Document { return wire::encode_token_services(); },
          [&](const wire::UpdateSubFilesRequest&) -> Document { return wire::encode_update_sub_files(); },
      },
      *request);
  if (!document) return std::unexpected(document.error());
  return Answer{std::move(*document), {}};
}

// Maps a machine to its client. It would tell anybody's address to anybody, so it speaks about the caller's
// own machine only.
Outcome<Answer> identify_client(Context& context, Message& message) {
  const auto request = wire::decode_client_id_request(message.documents.body());
  if (!request) return refused(request.error());
  const Device& device = *message.device;
  const auto instances =
      context.store.read([&](Repositories& r) { return r.inventory.instances(device.client_id, {}); });
  if (!instances) return refused(503, instances.error().message);
  bool own = false;
  for (const InventoryInstance& instance : *instances)
    for (const auto& [name, value] : instance.properties)
      own = own || (!request->mac_address.empty() && icontains(value, request->mac_address)) ||
            (!request->smbios_guid.empty() && icontains(value, request->smbios_guid));
  return Answer{wire::encode_client_id_reply(own ? wire::ClientIdReply{device.client_id, device.name}
                                                 : wire::ClientIdReply{}),
                {}};
}

}  // namespace fp::mp
