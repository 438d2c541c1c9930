// MP_LocationManager and MP_ClientIdManager (wire.md §8, docs/protocol/policy.md "locations"): all requests and replies, both
// directions. Any thread; pure. Ids are canonical or the request is refused: this endpoint needs no proof of identity.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "wire/authority.hpp"

namespace fp::wire {

// Where the client says it is. A hint, never a proof.
struct ClientLocation {
  std::string location_type;         // SMSPACKAGE, SMSUpdate, ...
  bool internet = false;             // UseInternetDP or OnInternet
  bool use_protected = false, distribute_on_demand = false, allow_caching = false, allow_http = true, allow_wumu = false;
  std::string ad_site, forest, domain;
  struct Address { std::string subnet, address; };
  std::vector<Address> addresses;    // IP literals
  struct Adapter { std::string name, description; int if_type = kEthernetAdapter; };
  std::vector<Adapter> adapters;
  static constexpr int kEthernetAdapter = 6, kPppAdapter = 23, kTunnelAdapter = 131;  // IANA ifType
  std::vector<std::string> boundary_groups;  // GroupID
};

struct SiteInformationRequest { std::string site_code; };             // empty: own site
struct AssignedSiteRequest { ClientLocation where; };
struct MpLocationRequest {           // EnumerateMPLocationRequest, MPLocationRequest, LocalMPRequest
  std::string site_code;             // empty: own site
  ClientLocation where;
};
struct ContentLocationRequest {
  std::string site_code;             // AssignedSite
  std::string content_id;            // canonical, with version where one was asked for; empty for the client's own package
  std::string package_id;            // as asked for, without version
  int version = 0;                   // 0: newest
  bool client_package = false;       // ClientPackage: ccmsetup
  std::int64_t deployment_flags = 0;
  std::int64_t waited_min = 0;       // ClientInOperation: how long the job has looked in vain
  ClientLocation where;
};
struct WsusLocationRequest { std::string content_id; int version = 0; ClientLocation where; };
struct TokenServicesRequest {};
struct UpdateSubFilesRequest { std::string content_id; int version = 0; ClientLocation where; };  // UpdateSFRequest

using LocationRequest = std::variant<SiteInformationRequest, AssignedSiteRequest, MpLocationRequest, ContentLocationRequest,
                                     WsusLocationRequest, TokenServicesRequest, UpdateSubFilesRequest>;
// Code::invalid: malformed; Code::not_found: a root element that names no operation we know.
[[nodiscard]] Result<LocationRequest> decode_location_request(std::string_view document);
[[nodiscard]] std::string encode_location_request(const LocationRequest& request);

struct SiteInformation { std::string site_code, version, build_number; };
[[nodiscard]] std::string encode_site_information(const std::vector<SiteInformation>& sites);
[[nodiscard]] Result<std::vector<SiteInformation>> decode_site_information(std::string_view document);

[[nodiscard]] std::string encode_assigned_site(std::string_view site_code);
[[nodiscard]] Result<std::string> decode_assigned_site(std::string_view document);  // site code; empty: none is responsible

[[nodiscard]] std::string encode_mp_locations(const std::vector<MpEntry>& list, std::string_view site_code);
[[nodiscard]] Result<std::vector<MpEntry>> decode_mp_locations(std::string_view document);

struct ContentLocation {
  std::string url;                   // https://dp1/SMS_DP_SMSPKG$/FP100002.1; may hold a signed path segment (design §7)
  std::string signature_url;         // .../SMS_DP_SMSSIG$/...; may be empty
  std::string server_name;           // FQDN of the distribution point
  unsigned ssl_state = ssl_state::kHttps;
  std::string dp_type = "SERVER";
  std::string locality = "LOCAL";    // LOCAL, REMOTE, INTERNET, ...
  int version = 9128;
};
struct ContentLocationReply {
  std::string site_code;
  std::vector<ContentLocation> locations;  // best first
  int http_port = 80, https_port = 443;    // of the site's request ports
  // Ours: no one of these, or more of them, after so many minutes of looking; below 0: no more to come.
  std::int64_t more_in_min = -1;
};
[[nodiscard]] std::string encode_content_locations(const ContentLocationReply& reply);
[[nodiscard]] Result<ContentLocationReply> decode_content_locations(std::string_view document);

struct WsusLocation { std::string url, server_name; int version = 0; };
[[nodiscard]] std::string encode_wsus_locations(const std::vector<WsusLocation>& list);
[[nodiscard]] Result<std::vector<WsusLocation>> decode_wsus_locations(std::string_view document);

[[nodiscard]] std::string encode_token_services();      // none: there is no cloud service behind us
[[nodiscard]] std::string encode_update_sub_files();    // none

// MP_ClientIdManager: maps a machine to its client. Signed callers only; both fields are optional, one must be there.
struct ClientIdRequest { std::string smbios_guid, mac_address; };  // MAC upper case with colons
struct ClientIdReply { std::string client_id, netbios_name; };     // empty: unknown
[[nodiscard]] Result<ClientIdRequest> decode_client_id_request(std::string_view document);
[[nodiscard]] std::string encode_client_id_request(const ClientIdRequest& request);
[[nodiscard]] std::string encode_client_id_reply(const ClientIdReply& reply);
[[nodiscard]] Result<ClientIdReply> decode_client_id_reply(std::string_view document);

}  // namespace fp::wire
