#include <algorithm>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/location.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr XmlLimits kLimits{4U << 20, 24, 100'000};
constexpr std::size_t kRecordsMax = 1000;
constexpr std::int64_t kMoreInMax = 60 * 24 * 7;

void root(XmlWriter& x, const char* name) { x.open(name).attr("SchemaVersion", "1.00"); }

Result<std::string> site_of(std::string_view text) { return parse_site_code(trim(text)); }

Result<std::string> url_of(std::string_view text) {
  text = trim(text);
  if (text.size() > limits::kTargetBytesMax) return fail(Code::too_large, "a URL of {} bytes", text.size());
  if (!istarts_with(text, "http://") && !istarts_with(text, "https://")) return fail(Code::invalid, "not a URL: {:.80}", text);
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F) return fail(Code::invalid, "a URL with a blank in it");
  return std::string(text);
}

void write_record(XmlWriter& x, const ContentLocation& l) {
  x.open("LocationRecord").open("URL").attr("Name", l.url);
  if (!l.signature_url.empty()) x.attr("Signature", l.signature_url);
  x.close().open("ADSite").attr("Name", "").close();
  x.open("IPSubnets").open("IPSubnet").attr("Address", "").close().close();
  x.open("Metric").attr("Value", "").close().leaf("Version", std::to_string(l.version));
  x.open("Capabilities").attr("SchemaVersion", "1.0");
  x.open("Property").attr("Name", "SSLState").attr("Value", l.ssl_state).close().close();
  x.leaf("ServerRemoteName", l.server_name).leaf("DPType", l.dp_type).open("Windows").attr("Trust", "1").close();
  x.leaf("Locality", l.locality).close();
}

Result<ContentLocation> read_record(const XmlNode& node) {
  ContentLocation l;
  FP_TRY(url, url_of(node.child("URL").attr("Name")));
  l.url = std::move(url);
  if (const std::string_view signature = node.child("URL").attr("Signature"); !signature.empty()) {
    FP_TRY(signature_url, url_of(signature));
    l.signature_url = std::move(signature_url);
  }
  FP_TRY(server, parse_host(node.text_of("ServerRemoteName")));
  l.server_name = std::move(server);
  l.dp_type = node.text_of("DPType").substr(0, 64);
  l.locality = node.text_of("Locality").substr(0, 64);
  if (const auto version = parse_int(node.text_of("Version")); version && *version > 0 && *version < 1'000'000)
    l.version = static_cast<int>(*version);
  for (const XmlNode& property : node.child("Capabilities").children("Property")) {
    const auto state = parse_int(property.attr("Value"));
    if (property.attr("Name") == "SSLState" && state && *state >= 0 && *state < 512) l.ssl_state = static_cast<unsigned>(*state);
  }
  return l;
}

}  // namespace

std::string encode_site_information(const std::vector<SiteInformation>& sites) {
  XmlWriter x;
  root(x, "SiteInfoReply");
  x.open("Sites");
  for (const auto& s : sites)
    x.open("Site").leaf("SiteCode", s.site_code).leaf("Version", s.version).leaf("BuildNumber", s.build_number).close();
  return x.take();
}

Result<std::vector<SiteInformation>> decode_site_information(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("SiteInfoReply", document, kLimits));
  std::vector<SiteInformation> sites;
  for (const XmlNode& node : parsed.root().child("Sites").children("Site")) {
    if (sites.size() == kRecordsMax) return fail(Code::too_large, "more than {} sites", kRecordsMax);
    FP_TRY(site_code, site_of(node.text_of("SiteCode")));
    sites.push_back({site_code, node.text_of("Version").substr(0, 64), node.text_of("BuildNumber").substr(0, 64)});
  }
  return sites;
}

std::string encode_assigned_site(std::string_view site_code) {
  XmlWriter x;
  root(x, "AssignedSiteReply");
  x.open("AssignedSite").attr("SiteCode", site_code);
  return x.take();
}

Result<std::string> decode_assigned_site(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("AssignedSiteReply", document, kLimits));
  const XmlNode site = parsed.root().child("AssignedSite");
  if (site.has_attr("SiteCode") && site.attr("SiteCode").empty()) return std::string();
  return site_of(parsed.root().child("AssignedSite").attr("SiteCode"));
}

std::string encode_mp_locations(const std::vector<MpEntry>& list, std::string_view site_code) {
  XmlWriter x;
  root(x, "EnumerateMPLocationReply");
  x.open("Site").attr("SiteCode", site_code).raw(encode_mp_list(list));
  return x.take();
}

Result<std::vector<MpEntry>> decode_mp_locations(std::string_view document) { return decode_mp_list(document); }

std::string encode_content_locations(const ContentLocationReply& reply) {
  XmlWriter x;
  root(x, "ContentLocationReply");
  if (reply.more_in_min >= 0) x.attr("FPMoreInMinutes", reply.more_in_min);
  x.open("ContentInfo").attr("PackageFlags", "0").leaf("ContentHashValues").close();
  x.open("Sites").open("Site").open("MPSite").attr("SiteCode", reply.site_code).attr("MasterSiteCode", reply.site_code);
  x.attr("SiteLocality", "LOCAL").attr("IISPreferedPort", std::to_string(reply.http_port));
  x.attr("IISSSLPreferedPort", std::to_string(reply.https_port)).close();
  x.open("LocationRecords");
  for (const auto& location : reply.locations) write_record(x, location);
  x.close().close().close().leaf("RelatedContentIDs");
  return x.take();
}

Result<ContentLocationReply> decode_content_locations(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("ContentLocationReply", document, kLimits));
  ContentLocationReply reply;
  if (const auto more = parse_int(parsed.root().attr("FPMoreInMinutes")); more && *more >= 0 && *more <= kMoreInMax)
    reply.more_in_min = *more;
  for (const XmlNode& site : parsed.root().child("Sites").children("Site")) {
    if (reply.site_code.empty()) {
      FP_TRY(site_code, site_of(site.child("MPSite").attr("SiteCode")));
      reply.site_code = std::move(site_code);
    }
    for (const XmlNode& node : site.child("LocationRecords").children("LocationRecord")) {
      if (reply.locations.size() == kRecordsMax) return fail(Code::too_large, "more than {} content locations", kRecordsMax);
      FP_TRY(location, read_record(node));
      reply.locations.push_back(std::move(location));
    }
  }
  return reply;
}

std::string encode_wsus_locations(const std::vector<WsusLocation>& list) {
  XmlWriter x;
  root(x, "WSUSLocationReply");
  x.open("Sites").open("Site").open("LocationRecords");
  for (const auto& l : list)
    x.open("LocationRecord").attr("WSUSURL", l.url).attr("ServerName", l.server_name).attr("Version", l.version).close();
  return x.take();
}

Result<std::vector<WsusLocation>> decode_wsus_locations(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("WSUSLocationReply", document, kLimits));
  std::vector<WsusLocation> list;
  for (const XmlNode& node : parsed.root().at("Sites/Site/LocationRecords").children("LocationRecord")) {
    if (list.size() == kRecordsMax) return fail(Code::too_large, "more than {} update servers", kRecordsMax);
    FP_TRY(url, url_of(node.attr("WSUSURL")));
    FP_TRY(server, parse_host(node.attr("ServerName")));
    const auto version = parse_int(node.attr("Version"));
    list.push_back({url, server, version && *version >= 0 && *version < 1'000'000 ? static_cast<int>(*version) : 0});
  }
  return list;
}

std::string encode_token_services() {
  XmlWriter x;
  root(x, "TokenServicesReply");
  return x.take();
}

std::string encode_update_sub_files() {
  XmlWriter x;
  root(x, "UpdateSFReply");
  return x.take();
}

}  // namespace fp::wire
