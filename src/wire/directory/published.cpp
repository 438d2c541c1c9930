#include "wire/directory/published.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/subnet.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kClass = "serviceConnectionPoint", kProduct = "Farpoint", kSiteCode = "SiteCode=";
constexpr std::string_view kSiteClass = "farpoint-site", kPointClass = "farpoint-management-point";
constexpr std::size_t kCommonNameCharsMax = 64;  // of the attribute cn in Active Directory
constexpr std::size_t kHashDigits = 8;
constexpr int kHttpPort = 80, kHttpsPort = 443;

// A long host name is cut, and told apart from others that begin alike by a hash.
std::string common_name(std::string_view prefix, std::string_view host) {
  std::string name = fmt::format("{}{}", prefix, host);
  if (name.size() <= kCommonNameCharsMax) return name;
  name.resize(kCommonNameCharsMax - kHashDigits - 1);
  return fmt::format("{}-{}", name, hex_lower(crypto::sha256(host)).substr(0, kHashDigits));
}

DirectoryObject object(std::string name, std::string_view kind, std::string_view site_code) {
  DirectoryObject out{std::move(name), {}};
  out.attributes["objectclass"] = {std::string(kClass)};
  out.attributes["keywords"] = {std::string(kProduct), fmt::format("{}{}", kSiteCode, site_code)};
  out.attributes["serviceclassname"] = {std::string(kind)};
  return out;
}

// The one value of an attribute that has one.
Result<std::string> single(const DirectoryObject& o, const std::string& attribute) {
  const auto found = o.attributes.find(attribute);
  if (found == o.attributes.end() || found->second.size() != 1)
    return fail(Code::invalid, "{} has not one value", attribute);
  return found->second.front();
}

const std::vector<std::string>& values(const DirectoryObject& o, const std::string& attribute) {
  static const std::vector<std::string> none;
  const auto found = o.attributes.find(attribute);
  return found == o.attributes.end() ? none : found->second;
}

// "name=value" of serviceBindingInformation; names that a later version may add are passed over.
Result<std::string> binding(const DirectoryObject& o, std::string_view name) {
  std::string out;
  bool found = false;
  for (const auto& value : values(o, "servicebindinginformation")) {
    if (value.size() <= name.size() || !value.starts_with(name) || value[name.size()] != '=') continue;
    if (found) return fail(Code::invalid, "{} stands there twice", name);
    found = true;
    out = value.substr(name.size() + 1);
  }
  return out;
}

Result<std::string> site_code_of(const DirectoryObject& o) {
  std::string out;
  for (const auto& word : values(o, "keywords")) {
    if (!word.starts_with(kSiteCode)) continue;
    if (!out.empty()) return fail(Code::invalid, "two site codes");
    FP_TRY(code, parse_site_code(std::string_view(word).substr(kSiteCode.size())));
    out = code;
  }
  if (out.empty()) return fail(Code::invalid, "no site code");
  return out;
}

// http or https, host and port, and nothing behind; the port is spelt out in what comes back.
Result<std::string> server_url(std::string_view text, bool https_only) {
  const bool secure = text.starts_with("https://");
  if (!secure && (https_only || !text.starts_with("http://")))
    return fail(Code::invalid, "no address of a server");
  text.remove_prefix(secure ? 8 : 7);
  const bool has_port = text.rfind(':') != std::string_view::npos && !text.ends_with(']');
  if (!text.starts_with('[') && std::ranges::count(text, ':') > 1)
    return fail(Code::invalid, "no address of a server");
  FP_TRY(at, parse_host_port(has_port ? std::string(text)
                                      : fmt::format("{}:{}", text, secure ? kHttpsPort : kHttpPort)));
  const bool literal = at.host.find(':') != std::string::npos;
  return fmt::format("{}://{}{}{}:{}", secure ? "https" : "http", literal ? "[" : "", at.host,
                     literal ? "]" : "", at.port);
}

Result<PublishedSite> site_of(const DirectoryObject& o) {
  PublishedSite out;
  FP_TRY(code, site_code_of(o));
  FP_TRY(version, binding(o, "version"));
  FP_TRY(print, binding(o, "signing-certificate"));
  out.site_code = code;
  if (!version.empty()) {
    FP_TRY(name, parse_name(version, kPublishedVersionCharsMax));
    out.version = name;
  }
  out.signing_certificate = lower(print);
  if (!print.empty() && (print.size() != 64 || !unhex(print)))
    return fail(Code::invalid, "signing-certificate is no SHA-256");
  return out;
}

Result<PublishedManagementPoint> point_of(const DirectoryObject& o) {
  PublishedManagementPoint out;
  FP_TRY(code, site_code_of(o));
  FP_TRY(said, single(o, "servicednsname"));
  FP_TRY(host, parse_host(said));
  out.site_code = code;
  out.name = host;
  FP_TRY(inside, binding(o, "intranet"));
  FP_TRY(outside, binding(o, "internet"));
  if (inside.empty() && outside.empty()) return fail(Code::invalid, "no address of a server");
  if (!inside.empty()) {
    FP_TRY(url, server_url(inside, false));
    out.intranet_url = url;
  }
  if (!outside.empty()) {
    FP_TRY(url, server_url(outside, true));
    out.internet_url = url;
  }
  return out;
}

Status within_limits(const DirectoryObject& o) {
  if (o.attributes.size() > kPublishedAttributesMax)
    return fail(Code::too_large, "{} attributes", o.attributes.size());
  for (const auto& [name, all] : o.attributes) {
    if (all.size() > kPublishedValuesMax)
      return fail(Code::too_large, "{} values of one attribute", all.size());
    for (const auto& value : all)
      if (value.size() > kPublishedValueBytesMax)
        return fail(Code::too_large, "a value of {} bytes", value.size());
  }
  return {};
}

// For people: a name that nobody has checked yet.
std::string shown(std::string_view name) {
  const auto good = parse_name(name, kCommonNameCharsMax);
  return good ? *good : std::string("an object");
}

// A reason that quotes what is no text is not quoted on.
std::string_view reason(const Error& error) { return is_utf8(error.message) ? std::string_view(error.message) : "a value that is no text"; }

Status read_object(const DirectoryObject& o, Publication& out) {
  FP_CHECK(within_limits(o));
  if (std::ranges::find(values(o, "keywords"), kProduct) == values(o, "keywords").end()) return {};
  FP_TRY(kind, single(o, "serviceclassname"));
  if (kind == kSiteClass) {
    FP_TRY(site, site_of(o));
    out.sites.push_back(std::move(site));
  } else if (kind == kPointClass) {
    FP_TRY(point, point_of(o));
    out.management_points.push_back(std::move(point));
  }
  return {};
}

}  // namespace

DirectoryObject encode_published(const PublishedSite& site) {
  auto out = object(fmt::format("Farpoint-Site-{}", site.site_code), kSiteClass, site.site_code);
  out.attributes["servicebindinginformation"] = {
      fmt::format("version={}", site.version),
      fmt::format("signing-certificate={}", site.signing_certificate)};
  return out;
}

DirectoryObject encode_published(const PublishedManagementPoint& point) {
  auto out = object(common_name(fmt::format("Farpoint-MP-{}-", point.site_code), point.name), kPointClass,
                    point.site_code);
  out.attributes["servicednsname"] = {point.name};
  out.attributes["servicednsnametype"] = {"A"};
  auto& binding = out.attributes["servicebindinginformation"];
  if (!point.intranet_url.empty()) binding.push_back(fmt::format("intranet={}", point.intranet_url));
  if (!point.internet_url.empty()) binding.push_back(fmt::format("internet={}", point.internet_url));
  return out;
}

Result<Publication> decode_published(const std::vector<DirectoryObject>& objects) {
  if (objects.size() > kPublishedObjectsMax)
    return fail(Code::too_large, "more than {} objects of sites", kPublishedObjectsMax);
  Publication out;
  for (const auto& o : objects)
    if (const Status read = read_object(o, out); !read)
      out.refused.push_back(fmt::format("{}: {}", shown(o.name), reason(read.error())));
  return out;
}

std::string published_filter(std::string_view site_code) {
  const std::string site =
      site_code.empty() ? std::string() : fmt::format("(keywords={}{})", kSiteCode, site_code);
  return fmt::format("(&(objectClass={})(keywords={}){})", kClass, kProduct, site);
}

std::string published_container(std::string_view domain) {
  std::string out = "CN=System Management,CN=System";
  for (const auto label : split(domain, '.')) out += fmt::format(",DC={}", label);
  return out;
}

std::string published_place(std::string_view name, std::string_view domain) {
  return fmt::format("CN={},{}", name, published_container(domain));
}

}  // namespace fp::wire
