#include "wire/wsus.hpp"

#include <algorithm>
#include <array>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/wsus_limits.hpp"
#include "wire/wsus_soap.hpp"

namespace fp::wire::wsus {
namespace {

using namespace wsus_limits;

// A text that goes no farther than a line of the log: cut and cleaned, never refused.
std::string told(const XmlNode& node) {
  std::string text = node.trimmed().substr(0, kTextBytesMax);
  std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return is_utf8(text) ? text : std::string();
}

Result<std::vector<std::int64_t>> numbers(const XmlNode& list, std::size_t most, std::string_view what) {
  std::vector<std::int64_t> out;
  for (const auto& item : list.children()) {
    if (out.size() == most) return fail(Code::too_large, "{}: more than {}", what, most);
    FP_TRY(number, parse_int(item.trimmed()));
    out.push_back(number);
  }
  return out;
}

Result<Instant> optional_time(const XmlNode& node) {
  const std::string text = node.trimmed();
  return text.empty() ? Result<Instant>(Instant{}) : parse_time(text);
}

Result<Request> read_get_config(const XmlNode& n) { return GetConfig{told(n.child("protocolVersion"))}; }

Result<Request> read_authorization(const XmlNode& n) {
  GetAuthorizationCookie r{n.text_of("clientId"), told(n.child("dnsName")), told(n.child("targetGroupName"))};
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyz0123456789-";
  if (r.client_id.empty() || r.client_id.size() > 255 || lower(r.client_id).find_first_not_of(kAllowed) != std::string::npos)
    return fail(Code::invalid, "clientId: must be 1 to 255 letters, digits and hyphens");
  return r;
}

Result<Request> read_get_cookie(const XmlNode& n) {
  GetCookie r;
  const auto cookies = n.child("authCookies").children();
  if (cookies.size() != 1) return fail(Code::invalid, "authCookies: must be one");
  r.plug_in_id = told(cookies.front().child("PlugInId"));
  FP_TRY(data, read_opaque(cookies.front().child("CookieData")));
  FP_TRY(change, optional_time(n.child("lastChange")));
  FP_TRY(now, optional_time(n.child("currentTime")));
  r.authorization = std::move(data);
  r.last_change = change;
  r.current_time = now;
  r.protocol_version = told(n.child("protocolVersion"));
  return r;
}

Result<Request> read_register(const XmlNode& n) {
  FP_TRY(cookie, read_cookie(n.child("cookie")));
  const XmlNode info = n.child("computerInfo");
  return RegisterComputer{std::move(cookie), told(info.child("DnsName")), told(info.child("OSDescription")), told(info.child("ProcessorArchitecture"))};
}

Result<Request> read_category_scan(const XmlNode& n) {
  StartCategoryScan r;
  for (const auto& item : n.child("requestedCategories").children()) {
    if (r.category_ids.size() == kCategoriesMax) return fail(Code::too_large, "requestedCategories: more than {}", kCategoriesMax);
    FP_TRY(id, parse_guid(item.text_of("CategoryId")));
    r.category_ids.push_back(std::move(id));
  }
  return r;
}

Result<Request> read_sync(const XmlNode& n) {
  SyncUpdates r;
  FP_TRY(cookie, read_cookie(n.child("cookie")));
  const XmlNode p = n.child("parameters");
  FP_TRY(installed, numbers(p.child("InstalledNonLeafUpdateIDs"), kInstalledIdsMax, "InstalledNonLeafUpdateIDs"));
  FP_TRY(cached, numbers(p.child("OtherCachedUpdateIDs"), kCachedIdsMax, "OtherCachedUpdateIDs"));
  r.cookie = std::move(cookie);
  r.installed_non_leaf = std::move(installed);
  r.other_cached = std::move(cached);
  r.skip_software = xml_flag(p.text_of("SkipSoftwareSync"));
  r.drivers = r.skip_software || !p.child("SystemSpec").children().empty();
  return r;
}

Result<Request> read_extended(const XmlNode& n) {
  FP_TRY(cookie, read_cookie(n.child("cookie")));
  FP_TRY(revisions, numbers(n.child("revisionIDs"), kExtendedIdsMax, "revisionIDs"));
  return GetExtendedUpdateInfo{std::move(cookie), std::move(revisions)};
}

Result<Request> read_file_locations(const XmlNode& n) {
  GetFileLocations r;
  FP_TRY(cookie, read_cookie(n.child("cookie")));
  r.cookie = std::move(cookie);
  for (const auto& item : n.child("fileDigests").children()) {
    if (r.digests.size() == kDigestsMax) return fail(Code::too_large, "fileDigests: more than {}", kDigestsMax);
    FP_TRY(digest, unbase64(item.trimmed().substr(0, kTextBytesMax)));
    if (digest.size() != 20 && digest.size() != 32) return fail(Code::invalid, "fileDigests: a digest of {} bytes", digest.size());
    r.digests.push_back(std::move(digest));
  }
  return r;
}

Result<UpdateName> read_name(const XmlNode& node) {
  FP_TRY(id, parse_guid(node.text_of("UpdateID")));
  FP_TRY(revision, parse_int(node.text_of("RevisionNumber")));
  return UpdateName{std::move(id), revision};
}

Result<Request> read_refresh(const XmlNode& n) {
  RefreshCache r;
  FP_TRY(cookie, read_cookie(n.child("cookie")));
  r.cookie = std::move(cookie);
  for (const auto& item : n.child("globalIDs").children()) {
    if (r.names.size() == kCachedIdsMax) return fail(Code::too_large, "globalIDs: more than {}", kCachedIdsMax);
    FP_TRY(name, read_name(item));
    r.names.push_back(std::move(name));
  }
  return r;
}

Result<Request> read_events(const XmlNode& n) {
  ReportEventBatch r;
  FP_TRY(cookie, read_cookie(n.child("cookie")));
  r.cookie = std::move(cookie);
  for (const auto& item : n.child("eventBatch").children()) {
    if (r.events.size() == kEventsMax) return fail(Code::too_large, "eventBatch: more than {}", kEventsMax);
    const XmlNode basic = item.child("BasicData");
    Event e;
    e.id = parse_int(basic.text_of("EventID")).value_or(0);
    e.result = parse_int(basic.text_of("Win32HResult")).value_or(0);
    if (const auto id = parse_guid(basic.text_of("UpdateID/UpdateID"))) e.update_id = *id;
    r.events.push_back(std::move(e));
  }
  return r;
}

struct Operation {
  std::string_view name;
  Service service;
  Result<Request> (*read)(const XmlNode& node);
};
// In the order of the alternatives of Request.
constexpr std::array kOperations{
    Operation{"GetConfig", Service::client, read_get_config},
    Operation{"GetAuthorizationCookie", Service::authorization, read_authorization},
    Operation{"GetCookie", Service::client, read_get_cookie},
    Operation{"RegisterComputer", Service::client, read_register},
    Operation{"StartCategoryScan", Service::client, read_category_scan},
    Operation{"SyncUpdates", Service::client, read_sync},
    Operation{"GetExtendedUpdateInfo", Service::client, read_extended},
    Operation{"GetFileLocations", Service::client, read_file_locations},
    Operation{"RefreshCache", Service::client, read_refresh},
    Operation{"ReportEventBatch", Service::reporting, read_events},
};
static_assert(kOperations.size() == std::variant_size_v<Request>);

// ---- what the agent sends

void write_numbers(XmlWriter& x, std::string_view name, const std::vector<std::int64_t>& list) {
  if (list.empty()) return;  // the first call has no lists
  x.open(name);
  for (const auto n : list) x.leaf("int", std::to_string(n));
  x.close();
}

struct Writer {
  XmlWriter& x;
  void operator()(const GetConfig& r) const { x.leaf("protocolVersion", r.protocol_version); }
  void operator()(const GetAuthorizationCookie& r) const {
    x.leaf("clientId", r.client_id).leaf("targetGroupName", r.target_group).leaf("dnsName", r.dns_name);
  }
  void operator()(const GetCookie& r) const {
    x.open("authCookies").open("AuthorizationCookie").leaf("PlugInId", r.plug_in_id).leaf("CookieData", base64(r.authorization)).close().close();
    x.leaf("lastChange", to_iso_ms(r.last_change)).leaf("currentTime", to_iso(r.current_time)).leaf("protocolVersion", r.protocol_version);
  }
  void operator()(const RegisterComputer& r) const {
    write_cookie(x, "cookie", r.cookie);
    x.open("computerInfo").leaf("DnsName", r.dns_name).leaf("ProcessorArchitecture", r.architecture).leaf("OSDescription", r.os_description).close();
  }
  void operator()(const StartCategoryScan& r) const {
    x.open("requestedCategories");
    for (const auto& id : r.category_ids) x.open("CategoryRelationship").leaf("IndexOfAndGroup", "0").leaf("CategoryId", lower(id)).close();
    x.close();
  }
  void operator()(const SyncUpdates& r) const {
    write_cookie(x, "cookie", r.cookie);
    x.open("parameters").leaf("ExpressQuery", "false");
    write_numbers(x, "InstalledNonLeafUpdateIDs", r.installed_non_leaf);
    write_numbers(x, "OtherCachedUpdateIDs", r.other_cached);
    x.leaf("SkipSoftwareSync", r.skip_software ? "true" : "false").close();
  }
  void operator()(const GetExtendedUpdateInfo& r) const {
    write_cookie(x, "cookie", r.cookie);
    write_numbers(x, "revisionIDs", r.revisions);
    x.open("infoTypes").leaf("XmlUpdateFragmentType", "Extended").leaf("XmlUpdateFragmentType", "LocalizedProperties").close();
    x.open("locales").leaf("string", "en").close();
  }
  void operator()(const GetFileLocations& r) const {
    write_cookie(x, "cookie", r.cookie);
    x.open("fileDigests");
    for (const auto& digest : r.digests) x.leaf("base64Binary", base64(digest));
    x.close();
  }
  void operator()(const RefreshCache& r) const {
    write_cookie(x, "cookie", r.cookie);
    x.open("globalIDs");
    for (const auto& n : r.names) x.open("UpdateIdentity").leaf("UpdateID", lower(n.id)).leaf("RevisionNumber", std::to_string(n.revision)).close();
    x.close();
  }
  void operator()(const ReportEventBatch& r) const {
    write_cookie(x, "cookie", r.cookie);
    x.open("eventBatch");
    for (const auto& e : r.events) {
      x.open("ReportingEvent").open("BasicData").leaf("SequenceNumber", "0").leaf("NamespaceID", "1").leaf("EventID", std::to_string(e.id));
      x.open("UpdateID").leaf("UpdateID", e.update_id.empty() ? "00000000-0000-0000-0000-000000000000" : lower(e.update_id)).leaf("RevisionNumber", "0");
      x.close().leaf("Win32HResult", std::to_string(e.result)).close().close();
    }
    x.close();
  }
};

}  // namespace

Result<Request> decode_request(Service service, std::string_view body) {
  FP_TRY(soap, open_soap(body, kRequestBytesMax));
  const auto name = soap.inside.name();
  for (const auto& operation : kOperations)
    if (operation.name == name && operation.service == service) return operation.read(soap.inside);
  return fail(Code::not_found, "there is no operation {:.64} here", name);
}

std::string_view name_of(const Request& request) { return kOperations[request.index()].name; }

EncodedRequest encode_request(const Request& request) {
  const auto& operation = kOperations[request.index()];
  const std::string space(namespace_of(operation.service));
  XmlWriter x = begin_soap();
  x.open(operation.name).attr("xmlns", space);
  std::visit(Writer{x}, request);
  const auto path = operation.service == Service::client          ? kClientPath
                    : operation.service == Service::authorization ? kAuthorizationPath
                                                                  : kReportingPath;
  return {path, fmt::format("\"{}/{}\"", space, operation.name), x.take()};
}

}  // namespace fp::wire::wsus
