#include "wire/location.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr XmlLimits kLimits{256U << 10, 16, 8192};
constexpr std::size_t kHintsMax = 64;  // addresses, boundary groups: more of them tell nothing

// Hints are kept when they look like what they should be, and dropped otherwise: nothing depends on them.
std::string hint(std::string_view text) {
  auto name = parse_name(text, 256);
  return name ? *name : std::string();
}

std::string address_hint(std::string_view text) {
  text = trim(text);
  const bool good = text.size() <= 64 && text.find_first_not_of("0123456789abcdefABCDEF:./") == std::string_view::npos;
  return good ? std::string(text) : std::string();
}

ClientLocation read_where(const XmlNode& root) {
  const XmlNode node = root.child("ClientLocationInfo");
  ClientLocation w;
  w.location_type = hint(node.attr("LocationType"));
  w.internet = xml_flag(node.attr("UseInternetDP")) || xml_flag(node.attr("OnInternet"));
  w.use_protected = xml_flag(node.attr("UseProtected"));
  w.distribute_on_demand = xml_flag(node.attr("DistributeOnDemand"));
  w.allow_caching = xml_flag(node.attr("AllowCaching"));
  w.allow_http = !node.has_attr("AllowHTTP") || xml_flag(node.attr("AllowHTTP"));
  w.allow_wumu = xml_flag(node.attr("AllowWUMU"));
  w.ad_site = hint(node.child("ADSite").attr("Name"));
  w.forest = hint(node.child("Forest").attr("Name"));
  w.domain = hint(node.child("Domain").attr("Name"));
  for (const XmlNode& a : node.child("IPAddresses").children("IPAddress")) {
    if (w.addresses.size() == kHintsMax) break;
    ClientLocation::Address address{address_hint(a.attr("SubnetAddress")), address_hint(a.attr("Address"))};
    if (!address.address.empty()) w.addresses.push_back(std::move(address));
  }
  for (const XmlNode& a : node.child("Adapters").children("Adapter")) {
    if (w.adapters.size() == kHintsMax) break;
    const auto type = parse_int(a.attr("IfType"));
    ClientLocation::Adapter adapter{hint(a.attr("Name")), hint(a.attr("Description")), 0};
    if (type && *type > 0 && *type < 1000) adapter.if_type = static_cast<int>(*type);
    if (!adapter.name.empty()) w.adapters.push_back(std::move(adapter));
  }
  for (const XmlNode& g : node.child("BoundaryGroups").children("BoundaryGroup")) {
    if (w.boundary_groups.size() == kHintsMax) break;
    if (const auto id = parse_int(g.attr("GroupID")); id && *id >= 0) w.boundary_groups.push_back(std::to_string(*id));
  }
  return w;
}

void write_where(XmlWriter& x, const ClientLocation& w) {
  const auto flag = [](bool value) { return value ? "1" : "0"; };
  x.open("ClientLocationInfo").attr("LocationType", w.location_type.empty() ? "SMSPACKAGE" : w.location_type);
  x.attr("DistributeOnDemand", flag(w.distribute_on_demand)).attr("UseProtected", flag(w.use_protected));
  x.attr("AllowCaching", flag(w.allow_caching)).attr("AllowHTTP", flag(w.allow_http)).attr("AllowSMB", "0");
  x.attr("AllowMulticast", "0").attr("AllowWUMU", flag(w.allow_wumu));
  x.attr("UseInternetDP", flag(w.internet)).attr("OnInternet", flag(w.internet));
  const auto named = [&](const char* element, const std::string& name) {
    x.open(element);
    if (!name.empty()) x.attr("Name", name);
    x.close();
  };
  named("ADSite", w.ad_site);
  named("Forest", w.forest);
  named("Domain", w.domain);
  x.open("IPAddresses");
  for (const auto& a : w.addresses) x.open("IPAddress").attr("SubnetAddress", a.subnet).attr("Address", a.address).close();
  x.close().open("Adapters");
  for (const auto& a : w.adapters)
    x.open("Adapter").attr("Name", a.name).attr("IfType", a.if_type).attr("DnsSuffix", "").attr("Description", a.description).close();
  x.close().open("BoundaryGroups");
  for (const auto& id : w.boundary_groups) x.open("BoundaryGroup").attr("GroupID", id).close();
  x.close().close();
}

Result<std::string> optional_site(std::string_view text) {
  text = trim(text);
  return text.empty() ? Result<std::string>("") : parse_site_code(text);
}

Result<int> version_of(std::string_view text) {
  text = trim(text);
  if (text.empty()) return 0;
  FP_TRY(value, parse_int(text));
  if (value < 0 || value > 999'999) return fail(Code::invalid, "a content version of {}", value);
  return static_cast<int>(value);
}

// "PT90M", "PT1H30M", "P1DT2H"; anything else counts as nothing waited.
std::int64_t duration_min(std::string_view text) {
  text = trim(text);
  if (text.size() > 32 || !text.starts_with('P')) return 0;
  text.remove_prefix(1);
  std::int64_t total = 0, number = 0;
  bool digits = false, time = false;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (number > 9'999'999) return 0;
      number = number * 10 + (c - '0');
      digits = true;
      continue;
    }
    if (c == 'T' && !digits && !time) { time = true; continue; }
    if (!digits) return 0;
    if (c == 'D' && !time) total += number * 24 * 60;
    else if (c == 'H' && time) total += number * 60;
    else if (c == 'M' && time) total += number;
    else if (c == 'S' && time) total += number / 60;
    else return 0;
    number = 0;
    digits = false;
  }
  return digits ? 0 : total;
}

struct ContentKey {
  std::string package_id, content_id;
  int version = 0;
};

// ID "LAB00002", "UID:Content_...", with the version in an attribute of its own or behind a dot.
Result<ContentKey> content_key(std::string_view id, std::string_view version_text) {
  FP_TRY(canonical, parse_content_id(trim(id)));
  FP_TRY(version, version_of(version_text));
  ContentName name = split_content_id(canonical);
  ContentKey key{name.id, name.id, version > 0 ? version : name.version};
  if (key.version > 0) key.content_id += "." + std::to_string(key.version);
  return key;
}

Result<LocationRequest> read_site_information(const XmlNode& root) {
  const XmlNode node = root.child("SiteCode");
  FP_TRY(site_code, optional_site(node.has_attr("Name") ? std::string(node.attr("Name")) : node.trimmed()));
  return SiteInformationRequest{site_code};
}

Result<LocationRequest> read_mp_request(const XmlNode& root) {
  const XmlNode node = root.child("SiteCode");
  const XmlNode assigned = root.child("AssignedSite");
  FP_TRY(site_code, optional_site(assigned               ? std::string(assigned.attr("SiteCode"))
                                  : node.has_attr("Name") ? std::string(node.attr("Name"))
                                                          : node.trimmed()));
  return MpLocationRequest{site_code, read_where(root)};
}

Result<LocationRequest> read_content_request(const XmlNode& root) {
  ContentLocationRequest r;
  FP_TRY(site_code, optional_site(root.child("AssignedSite").attr("SiteCode")));
  r.site_code = std::move(site_code);
  r.where = read_where(root);
  r.waited_min = duration_min(root.attr("ClientInOperation"));
  const XmlNode package = root.child("Package"), client = root.child("ClientPackage");
  if (!package && !client) return fail(Code::invalid, "a content location request for nothing");
  const XmlNode asked = package ? package : client;
  if (const auto flags = parse_int(asked.attr("DeploymentFlags"))) r.deployment_flags = *flags;
  r.client_package = !package;
  if (package) {
    FP_TRY(key, content_key(package.attr("ID"), package.attr("Version")));
    r.package_id = std::move(key.package_id);
    r.content_id = std::move(key.content_id);
    r.version = key.version;
  }
  return r;
}

Result<LocationRequest> read_wsus_request(const XmlNode& root) {
  WsusLocationRequest r;
  const XmlNode content = root.child("Content");
  if (content) {
    FP_TRY(id, parse_guid(content.attr("ID")));
    FP_TRY(version, version_of(content.attr("Version")));
    r.content_id = std::move(id);
    r.version = version;
  }
  r.where = read_where(root);
  return r;
}

Result<LocationRequest> read_sub_files_request(const XmlNode& root) {
  const XmlNode package = root.child("Package");
  FP_TRY(key, content_key(package.attr("ID"), package.attr("Version")));
  return UpdateSubFilesRequest{key.package_id, key.version, read_where(root)};
}

struct RequestWriter {
  XmlWriter x;
  void root(const char* name) { x.open(name).attr("SchemaVersion", "1.00"); }

  void operator()(const SiteInformationRequest& r) {
    root("SiteInformationRequest");
    x.open("SiteCode").attr("Name", r.site_code).close();
  }
  void operator()(const AssignedSiteRequest& r) {
    root("AssignedSiteRequest");
    write_where(x, r.where);
  }
  void operator()(const MpLocationRequest& r) {
    root("EnumerateMPLocationRequest");
    if (!r.site_code.empty()) x.open("AssignedSite").attr("SiteCode", r.site_code).close();
    write_where(x, r.where);
  }
  void operator()(const ContentLocationRequest& r) {
    root("ContentLocationRequest");
    x.attr("BGRVersion", "1").attr("ClientInOperation", fmt::format("PT{}M", r.waited_min)).open("AssignedSite").attr("SiteCode", r.site_code).close();
    if (r.client_package) {
      x.open("ClientPackage").attr("RequestForLatest", "0").attr("DeploymentFlags", r.deployment_flags).close();
    } else {
      const ContentName name = split_content_id(r.content_id.empty() ? r.package_id : r.content_id);
      x.open("Package").attr("ID", name.id).attr("Version", r.version > 0 ? r.version : name.version);
      x.attr("DeploymentFlags", r.deployment_flags).close();
    }
    write_where(x, r.where);
  }
  void operator()(const WsusLocationRequest& r) {
    root("WSUSLocationRequest");
    if (!r.content_id.empty()) x.open("Content").attr("ID", "{" + r.content_id + "}").attr("Version", r.version).close();
    write_where(x, r.where);
  }
  void operator()(const TokenServicesRequest&) { root("TokenServicesRequest"); }
  void operator()(const UpdateSubFilesRequest& r) {
    root("UpdateSFRequest");
    x.open("Package").attr("ID", "UID:" + r.content_id).attr("Version", r.version).close();
    write_where(x, r.where);
  }
};

Result<std::string> mac_address(std::string_view text) {
  text = trim(text);
  if (text.empty()) return std::string();
  std::string mac = upper(text);
  std::ranges::replace(mac, '-', ':');
  bool good = mac.size() == 17;
  for (std::size_t i = 0; good && i < mac.size(); ++i)
    good = i % 3 == 2 ? mac[i] == ':' : (mac[i] >= '0' && mac[i] <= '9') || (mac[i] >= 'A' && mac[i] <= 'F');
  if (!good) return fail(Code::invalid, "not a MAC address: {:.40}", text);
  return mac;
}

}  // namespace

Result<LocationRequest> decode_location_request(std::string_view document) {
  FP_TRY(parsed, XmlDocument::parse(document, kLimits));
  const XmlNode root = parsed.root();
  const std::string_view name = root.name();
  if (name == "SiteInformationRequest") return read_site_information(root);
  if (name == "AssignedSiteRequest") return AssignedSiteRequest{read_where(root)};
  if (name == "EnumerateMPLocationRequest" || name == "MPLocationRequest" || name == "LocalMPRequest")
    return read_mp_request(root);
  if (name == "ContentLocationRequest") return read_content_request(root);
  if (name == "WSUSLocationRequest") return read_wsus_request(root);
  if (name == "TokenServicesRequest") return TokenServicesRequest{};
  if (name == "UpdateSFRequest") return read_sub_files_request(root);
  return fail(Code::not_found, "no such location request: {:.60}", name);
}

std::string encode_location_request(const LocationRequest& request) {
  RequestWriter writer;
  std::visit(writer, request);
  return writer.x.take();
}

Result<ClientIdRequest> decode_client_id_request(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("ClientIDRequest", document, kLimits));
  const XmlNode machine = parsed.root().at("Identification/Machine");
  ClientIdRequest r;
  if (const std::string smbios = machine.text_of("SMBIOS"); !smbios.empty()) {
    FP_TRY(guid, parse_guid(smbios));
    r.smbios_guid = std::move(guid);
  }
  FP_TRY(mac, mac_address(machine.text_of("MacAddress")));
  r.mac_address = std::move(mac);
  if (r.smbios_guid.empty() && r.mac_address.empty()) return fail(Code::invalid, "a client id request that names no machine");
  return r;
}

std::string encode_client_id_request(const ClientIdRequest& r) {
  XmlWriter x;
  x.open("ClientIDRequest").open("Identification").open("Machine");
  x.leaf("SMBIOS", r.smbios_guid).leaf("MacAddress", r.mac_address);
  return x.take();
}

std::string encode_client_id_reply(const ClientIdReply& r) {
  XmlWriter x;
  x.open("ClientIDReply").open("Identification").open("Machine");
  x.leaf("ClientID", r.client_id).leaf("NetbiosName", r.netbios_name);
  return x.take();
}

Result<ClientIdReply> decode_client_id_reply(std::string_view document) {
  FP_TRY(parsed, XmlDocument::parse(document, kLimits));
  ClientIdReply r;
  if (const std::string id = parsed.root().anywhere("ClientID").trimmed(); !id.empty()) {
    FP_TRY(client_id, parse_client_id(id));
    r.client_id = std::move(client_id);
  }
  r.netbios_name = parsed.root().anywhere("NetbiosName").trimmed().substr(0, 256);
  return r;
}

}  // namespace fp::wire
