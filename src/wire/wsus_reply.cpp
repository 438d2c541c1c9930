#include <algorithm>
#include <array>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/wsus_limits.hpp"
#include "wire/wsus_soap.hpp"

namespace fp::wire::wsus {
namespace {

using namespace wsus_limits;

constexpr std::string_view kEnvelope = "http://schemas.xmlsoap.org/soap/envelope/";

// <GetConfigResponse><GetConfigResult>; `service` names the namespace.
XmlWriter begin_reply(Service service, std::string_view operation, bool result = true) {
  XmlWriter x = begin_soap();
  x.open(fmt::format("{}Response", operation)).attr("xmlns", namespace_of(service));
  if (result) x.open(fmt::format("{}Result", operation));
  return x;
}

void write_deployment(XmlWriter& x, std::int64_t number, bool install, Instant changed_at) {
  x.open("Deployment").leaf("ID", std::to_string(number)).leaf("Action", install ? "Install" : "Evaluate");
  x.leaf("IsAssigned", "true").leaf("LastChangeTime", to_iso(changed_at).substr(0, 10));
  x.leaf("AutoSelect", "0").leaf("AutoDownload", "0").leaf("SupersedenceBehavior", "0").close();
}

struct ProblemName {
  Problem problem;
  std::string_view name;
};
constexpr std::array kProblems{
    ProblemName{Problem::invalid_cookie, "InvalidCookie"},
    ProblemName{Problem::cookie_expired, "CookieExpired"},
    ProblemName{Problem::config_changed, "ConfigChanged"},
    ProblemName{Problem::server_changed, "ServerChanged"},
    ProblemName{Problem::registration_required, "RegistrationRequired"},
    ProblemName{Problem::file_location_changed, "FileLocationsChanged"},
    ProblemName{Problem::invalid_parameters, "InvalidParameters"},
    ProblemName{Problem::server_busy, "ServerBusy"},
    ProblemName{Problem::internal_server_error, "InternalServerError"},
};

}  // namespace

std::string_view namespace_of(Service service) {
  switch (service) {
    case Service::client: return "http://www.microsoft.com/SoftwareDistribution/Server/ClientWebService";
    case Service::authorization: return "http://www.microsoft.com/SoftwareDistribution/Server/SimpleAuthWebService";
    case Service::reporting: return "http://www.microsoft.com/SoftwareDistribution";
  }
  return {};
}

Result<Soap> open_soap(std::string_view body, std::size_t bytes_max) {
  FP_TRY(document, parse_xml_as("Envelope", body, {bytes_max, kDepthMax, kNodesMax}));
  const auto inside = document.root().child("Body").children();
  if (inside.empty()) return fail(Code::invalid, "an envelope without a body");
  const XmlNode first = inside.front();
  return Soap{std::move(document), first};
}

Result<Soap> open_reply(std::string_view body, std::string_view name) {
  FP_TRY(soap, open_soap(body, kReplyBytesMax));
  if (soap.inside.name() != name) return fail(Code::invalid, "a reply of the name {:.64} instead of {}", soap.inside.name(), name);
  return soap;
}

XmlWriter begin_soap() {
  XmlWriter x;
  x.open("soap:Envelope").attr("xmlns:soap", kEnvelope).attr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
  x.attr("xmlns:xsd", "http://www.w3.org/2001/XMLSchema").open("soap:Body");
  return x;
}

Result<std::string> read_opaque(const XmlNode& node) {
  const std::string text = node.trimmed();
  if (text.size() > kCookieBytesMax) return fail(Code::too_large, "a cookie of more than {} bytes", kCookieBytesMax);
  return unbase64(text);
}

Result<Cookie> read_cookie(const XmlNode& node) {
  Cookie cookie;
  FP_TRY(data, read_opaque(node.child("EncryptedData")));
  const std::string expiration = node.text_of("Expiration");
  if (!expiration.empty()) {
    FP_TRY(at, parse_time(expiration));
    cookie.expires_at = at;
  }
  cookie.data = std::move(data);
  return cookie;
}

void write_cookie(XmlWriter& x, std::string_view name, const Cookie& cookie) {
  x.open(name).leaf("Expiration", to_iso(cookie.expires_at)).leaf("EncryptedData", base64(cookie.data)).close();
}

std::string encode_config(const Config& config) {
  XmlWriter x = begin_reply(Service::client, "GetConfig");
  x.leaf("LastChange", to_iso_ms(config.last_change)).leaf("IsRegistrationRequired", config.registration_required ? "true" : "false");
  x.open("AuthInfo").open("AuthPlugInInfo").leaf("PlugInID", "SimpleTargeting").leaf("ServiceUrl", config.authorization_path);
  x.leaf("Parameter").close().close();
  x.open("Properties");
  const auto property = [&](const char* name, std::string_view value) {
    x.open("ConfigurationProperty").leaf("Name", name).leaf("Value", value).close();
  };
  property("MaxExtendedUpdatesPerRequest", std::to_string(kExtendedIdsMax));
  property("PackageServerShare", "");
  property("ProtocolVersion", "3.2");  // below it a client leaves StartCategoryScan out
  property("IsInventoryRequired", "0");
  property("ClientReportingLevel", "2");
  return x.take();
}

Result<Config> decode_config(std::string_view body) {
  FP_TRY(soap, open_reply(body, "GetConfigResponse"));
  const XmlNode result = soap.inside.child("GetConfigResult");
  Config config;
  FP_TRY(change, parse_time(result.text_of("LastChange")));
  config.last_change = change;
  config.registration_required = xml_flag(result.text_of("IsRegistrationRequired"));
  config.authorization_path = result.text_of("AuthInfo/AuthPlugInInfo/ServiceUrl").substr(0, kTextBytesMax);
  return config;
}

std::string encode_authorization_cookie(std::string_view data) {
  XmlWriter x = begin_reply(Service::authorization, "GetAuthorizationCookie");
  x.leaf("PlugInId", "SimpleTargeting").leaf("CookieData", base64(data));
  return x.take();
}
Result<std::string> decode_authorization_cookie(std::string_view body) {
  FP_TRY(soap, open_reply(body, "GetAuthorizationCookieResponse"));
  return read_opaque(soap.inside.at("GetAuthorizationCookieResult/CookieData"));
}

std::string encode_cookie(const Cookie& cookie) {
  XmlWriter x = begin_reply(Service::client, "GetCookie", false);
  write_cookie(x, "GetCookieResult", cookie);
  return x.take();
}
Result<Cookie> decode_cookie(std::string_view body) {
  FP_TRY(soap, open_reply(body, "GetCookieResponse"));
  return read_cookie(soap.inside.child("GetCookieResult"));
}

std::string encode_registered() { return begin_reply(Service::client, "RegisterComputer", false).take(); }

std::string encode_category_scan(const std::vector<std::string>& preferred, const std::vector<std::string>& in_error) {
  XmlWriter x = begin_reply(Service::client, "StartCategoryScan", false);
  const auto list = [&](const char* name, const std::vector<std::string>& ids) {
    x.open(name);
    for (const auto& id : ids) x.leaf("guid", lower(id));
    x.close();
  };
  list("preferredCategoryIds", preferred);
  list("requestedCategoryIdsInError", in_error);
  return x.take();
}

std::string encode_sync_info(const SyncInfo& info) {
  XmlWriter x = begin_reply(Service::client, "SyncUpdates");
  if (!info.updates.empty()) x.open("NewUpdates");
  for (const auto& u : info.updates) {
    x.open("UpdateInfo").leaf("ID", std::to_string(u.number));
    write_deployment(x, u.number, u.install, u.changed_at);
    x.leaf("IsLeaf", u.leaf ? "true" : "false").leaf("Xml", u.fragment).close();
  }
  if (!info.updates.empty()) x.close();
  if (!info.out_of_scope.empty()) {
    x.open("OutOfScopeRevisionIDs");
    for (const auto n : info.out_of_scope) x.leaf("int", std::to_string(n));
    x.close();
  }
  x.leaf("Truncated", info.truncated ? "true" : "false");
  write_cookie(x, "NewCookie", info.cookie);
  x.leaf("DriverSyncNotNeeded", "true");
  return x.take();
}

Result<SyncInfo> decode_sync_info(std::string_view body) {
  FP_TRY(soap, open_reply(body, "SyncUpdatesResponse"));
  const XmlNode result = soap.inside.child("SyncUpdatesResult");
  SyncInfo info;
  for (const auto& node : result.child("NewUpdates").children()) {
    DeployedUpdate u;
    FP_TRY(number, parse_int(node.text_of("ID")));
    u.number = number;
    u.leaf = xml_flag(node.text_of("IsLeaf"));
    u.install = node.text_of("Deployment/Action") == "Install";
    u.fragment = node.child("Xml").text();
    info.updates.push_back(std::move(u));
  }
  for (const auto& node : result.child("OutOfScopeRevisionIDs").children()) {
    FP_TRY(number, parse_int(node.trimmed()));
    info.out_of_scope.push_back(number);
  }
  info.truncated = xml_flag(result.text_of("Truncated"));
  FP_TRY(cookie, read_cookie(result.child("NewCookie")));
  info.cookie = std::move(cookie);
  return info;
}

namespace {

void write_files(XmlWriter& x, std::string_view name, const std::vector<FileLocation>& files) {
  x.open(name);
  for (const auto& f : files) x.open("FileLocation").leaf("FileDigest", base64(f.digest)).leaf("Url", f.url).close();
  x.close();
}

}  // namespace

std::string encode_extended_info(const ExtendedInfo& info) {
  XmlWriter x = begin_reply(Service::client, "GetExtendedUpdateInfo");
  x.open("Updates");
  for (const auto& f : info.fragments) x.open("Update").leaf("ID", std::to_string(f.number)).leaf("Xml", f.xml).close();
  x.close();
  write_files(x, "FileLocations", info.files);
  return x.take();
}

Result<ExtendedInfo> decode_extended_info(std::string_view body) {
  FP_TRY(soap, open_reply(body, "GetExtendedUpdateInfoResponse"));
  const XmlNode result = soap.inside.child("GetExtendedUpdateInfoResult");
  ExtendedInfo info;
  for (const auto& node : result.child("Updates").children()) {
    FP_TRY(number, parse_int(node.text_of("ID")));
    info.fragments.push_back({number, node.child("Xml").text()});
  }
  for (const auto& node : result.child("FileLocations").children()) {
    FP_TRY(digest, unbase64(node.text_of("FileDigest")));
    info.files.push_back({std::move(digest), node.text_of("Url").substr(0, kTextBytesMax)});
  }
  return info;
}

std::string encode_file_locations(const std::vector<FileLocation>& files, const Cookie& cookie) {
  XmlWriter x = begin_reply(Service::client, "GetFileLocations");
  write_files(x, "FileLocations", files);
  write_cookie(x, "NewCookie", cookie);
  return x.take();
}

std::string encode_refreshed(const std::vector<Refreshed>& list) {
  XmlWriter x = begin_reply(Service::client, "RefreshCache");
  for (const auto& r : list) {
    x.open("RefreshCacheResult").leaf("RevisionID", std::to_string(r.number));
    x.open("GlobalID").leaf("UpdateID", lower(r.name.id)).leaf("RevisionNumber", std::to_string(r.name.revision)).close();
    x.leaf("IsLeaf", r.leaf ? "true" : "false").close();
  }
  return x.take();
}

std::string encode_reported() {
  XmlWriter x = begin_reply(Service::reporting, "ReportEventBatch");
  x.text("true");
  return x.take();
}

std::string_view name_of(Problem problem) { return std::ranges::find(kProblems, problem, &ProblemName::problem)->name; }

std::string encode_fault(const Fault& fault) {
  XmlWriter x = begin_soap();
  const bool sender = fault.problem != Problem::server_busy && fault.problem != Problem::internal_server_error;
  x.open("soap:Fault").leaf("faultcode", sender ? "soap:Client" : "soap:Server").leaf("faultstring", fault.message);
  x.open("detail").leaf("ErrorCode", name_of(fault.problem)).leaf("Message", fault.message).leaf("ID", lower(fault.id));
  x.leaf("Method", fault.method);
  return x.take();
}

std::optional<Fault> decode_fault(std::string_view body) {
  const auto soap = open_soap(body, kReplyBytesMax);
  if (!soap || soap->inside.name() != "Fault") return std::nullopt;
  const XmlNode detail = soap->inside.child("detail");
  Fault fault;
  const std::string code = detail.text_of("ErrorCode");
  for (const auto& p : kProblems)
    if (p.name == code || (p.name == "InvalidParameters" && code == "InvalidParameter") || (p.name == "FileLocationsChanged" && code == "FileLocationChanged"))
      fault.problem = p.problem;
  fault.message = detail.text_of("Message").substr(0, kTextBytesMax);
  if (fault.message.empty()) fault.message = soap->inside.text_of("faultstring").substr(0, kTextBytesMax);
  fault.id = detail.text_of("ID").substr(0, 64);
  fault.method = detail.text_of("Method").substr(0, kTextBytesMax);
  return fault;
}

}  // namespace fp::wire::wsus
