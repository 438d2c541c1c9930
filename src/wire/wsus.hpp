// The conversation of a scan (MS-WUSP, protocols.md §3, docs/protocol/updates.md): SOAP 1.1 requests, replies and faults, both
// directions. Lists are read in both shapes, literal and SOAP-encoded; elements that are not known are ignored. Any thread; pure.
// Costs one parse within wsus_limits.hpp. Never: a cookie opened (that is the software update point's), a belief in what is reported.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire::wsus {

inline constexpr std::string_view kClientPath = "/ClientWebService/client.asmx";
inline constexpr std::string_view kAuthorizationPath = "/SimpleAuthWebService/SimpleAuth.asmx";
inline constexpr std::string_view kReportingPath = "/ReportingWebService/ReportingWebService.asmx";
enum class Service { client, authorization, reporting };

struct Cookie {
  Instant expires_at;
  std::string data;                    // opaque bytes
};

// ---- requests

struct GetConfig { std::string protocol_version; };
struct GetAuthorizationCookie { std::string client_id, dns_name, target_group; };
struct GetCookie {
  std::string plug_in_id, authorization;  // of the first authorization cookie; opaque bytes
  Instant last_change, current_time;
  std::string protocol_version;
};
struct RegisterComputer { Cookie cookie; std::string dns_name, os_description, architecture; };
struct StartCategoryScan { std::vector<std::string> category_ids; };
struct SyncUpdates {
  Cookie cookie;
  std::vector<std::int64_t> installed_non_leaf, other_cached;
  bool skip_software = false, drivers = false;  // drivers: the pass with a SystemSpec
};
struct GetExtendedUpdateInfo { Cookie cookie; std::vector<std::int64_t> revisions; };
struct GetFileLocations { Cookie cookie; std::vector<std::string> digests; };  // raw
struct UpdateName { std::string id; std::int64_t revision = 0; };
struct RefreshCache { Cookie cookie; std::vector<UpdateName> names; };
struct Event { std::int64_t id = 0, result = 0; std::string update_id; };
struct ReportEventBatch { Cookie cookie; std::vector<Event> events; };

using Request = std::variant<GetConfig, GetAuthorizationCookie, GetCookie, RegisterComputer, StartCategoryScan, SyncUpdates,
                             GetExtendedUpdateInfo, GetFileLocations, RefreshCache, ReportEventBatch>;

// Code::invalid: no SOAP, or a field that is none; Code::not_found: an operation that this service does not have;
// Code::too_large: over a limit of wsus_limits.hpp, which is named.
[[nodiscard]] Result<Request> decode_request(Service service, std::string_view body);
struct EncodedRequest { std::string_view path; std::string action, body; };
[[nodiscard]] EncodedRequest encode_request(const Request& request);
[[nodiscard]] std::string_view name_of(const Request& request);  // "SyncUpdates"

// ---- replies

struct Config { Instant last_change; bool registration_required = true; std::string authorization_path; };
struct DeployedUpdate {
  std::int64_t number = 0;             // of the revision at this server
  bool leaf = true;
  bool install = true;                 // else Evaluate: a category or a detectoid
  Instant changed_at;
  std::string fragment;                // core
};
struct SyncInfo {
  std::vector<DeployedUpdate> updates;
  std::vector<std::int64_t> out_of_scope;
  bool truncated = false;
  Cookie cookie;
};
struct Fragment { std::int64_t number = 0; std::string xml; };
struct FileLocation { std::string digest, url; };  // raw digest
struct ExtendedInfo { std::vector<Fragment> fragments; std::vector<FileLocation> files; };
struct Refreshed { std::int64_t number = 0; UpdateName name; bool leaf = true; };

[[nodiscard]] std::string encode_config(const Config& config);
[[nodiscard]] Result<Config> decode_config(std::string_view body);
[[nodiscard]] std::string encode_authorization_cookie(std::string_view data);
[[nodiscard]] Result<std::string> decode_authorization_cookie(std::string_view body);
[[nodiscard]] std::string encode_cookie(const Cookie& cookie);
[[nodiscard]] Result<Cookie> decode_cookie(std::string_view body);
[[nodiscard]] std::string encode_registered();
[[nodiscard]] std::string encode_category_scan(const std::vector<std::string>& preferred, const std::vector<std::string>& in_error);
[[nodiscard]] std::string encode_sync_info(const SyncInfo& info);
[[nodiscard]] Result<SyncInfo> decode_sync_info(std::string_view body);
[[nodiscard]] std::string encode_extended_info(const ExtendedInfo& info);
[[nodiscard]] Result<ExtendedInfo> decode_extended_info(std::string_view body);
[[nodiscard]] std::string encode_file_locations(const std::vector<FileLocation>& files, const Cookie& cookie);
[[nodiscard]] std::string encode_refreshed(const std::vector<Refreshed>& list);
[[nodiscard]] std::string encode_reported();

// ---- faults

enum class Problem {
  invalid_cookie, cookie_expired, config_changed, server_changed, registration_required, file_location_changed, invalid_parameters,
  server_busy, internal_server_error,
};
[[nodiscard]] std::string_view name_of(Problem problem);  // "InvalidCookie"
struct Fault {
  Problem problem = Problem::internal_server_error;
  std::string message, id, method;
};
[[nodiscard]] std::string encode_fault(const Fault& fault);
[[nodiscard]] std::optional<Fault> decode_fault(std::string_view body);  // empty: it is none; an unknown code: internal_server_error

}  // namespace fp::wire::wsus
