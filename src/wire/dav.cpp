#include "wire/dav.hpp"

#include <pugixml.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "base/text.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kDav = "DAV:";

// Namespace of a prefix at an element: the nearest xmlns declaration. nullopt: not declared, or declared empty.
std::optional<std::string> namespace_of(pugi::xml_node element, std::string_view prefix) {
  const std::string declaration = prefix.empty() ? "xmlns" : "xmlns:" + std::string(prefix);
  for (pugi::xml_node at = element; at; at = at.parent()) {
    const pugi::xml_attribute found = at.attribute(declaration.c_str());
    if (!found) continue;
    if (*found.value() == '\0' && !prefix.empty()) return std::nullopt;
    return std::string(found.value());
  }
  if (prefix.empty()) return std::string{};
  return std::nullopt;
}

Result<DavName> name_of(pugi::xml_node element) {
  const std::string_view qualified = element.name();
  const auto colon = qualified.find(':');
  const std::string_view prefix = colon == std::string_view::npos ? std::string_view{} : qualified.substr(0, colon);
  const std::string_view local = colon == std::string_view::npos ? qualified : qualified.substr(colon + 1);
  const auto space = namespace_of(element, prefix);
  if (!space || local.empty() || local.find(':') != std::string_view::npos)
    return fail(Code::invalid, "PROPFIND: <{:.60}> in no declared namespace", qualified);
  return DavName{*space, std::string(local)};
}

// Every element and every attribute with a prefix must stand in a declared namespace, wherever it is.
Status check_namespaces(pugi::xml_node element) {
  FP_CHECK(name_of(element));
  for (const auto attribute : element.attributes()) {
    const std::string_view name = attribute.name();
    if (name.starts_with("xmlns:") && *attribute.value() == '\0')
      return fail(Code::invalid, "PROPFIND: an empty namespace for {:.60}", name);
  }
  for (const auto child : element.children())
    if (child.type() == pugi::node_element) FP_CHECK(check_namespaces(child));
  return {};
}

bool is_dav(const DavName& name, std::string_view local) { return name.space == kDav && name.name == local; }

Status read_properties(pugi::xml_node list, std::vector<DavName>& into) {
  for (const auto child : list.children()) {
    if (child.type() != pugi::node_element) continue;
    FP_TRY(name, name_of(child));
    if (into.size() >= kPropfindPropertiesMax)
      return fail(Code::too_large, "PROPFIND: over {} properties", kPropfindPropertiesMax);
    if (std::ranges::find(into, name) == into.end()) into.push_back(std::move(name));
  }
  return {};
}

// One live property: its name and its value as XML, nullopt where the resource has none.
struct Live {
  std::string_view name;
  std::function<std::optional<std::string>(const DavResource&)> value;
};

const std::vector<Live>& live_properties() {
  using Value = std::optional<std::string>;
  static const std::vector<Live> kLive{
      {"resourcetype", [](const DavResource& r) -> Value { return r.collection ? "<D:collection/>" : ""; }},
      {"displayname", [](const DavResource& r) -> Value { return xml_escape(r.name); }},
      {"getcontentlength", [](const DavResource& r) -> Value { return std::to_string(r.collection ? 0 : r.size_bytes); }},
      {"getcontenttype",
       [](const DavResource& r) -> Value { return r.collection ? Value{} : Value{"application/octet-stream"}; }},
      {"getlastmodified", [](const DavResource& r) -> Value { return to_http_date(r.modified); }},
      {"creationdate", [](const DavResource& r) -> Value { return to_iso(r.modified); }},
      {"getetag", [](const DavResource& r) -> Value { return r.etag.empty() ? Value{} : Value{xml_escape(r.etag)}; }},
      {"iscollection", [](const DavResource& r) -> Value { return r.collection ? "1" : "0"; }},
      {"supportedlock", [](const DavResource&) -> Value { return ""; }},
  };
  return kLive;
}

std::string element(std::string_view name, std::string_view inner) {
  return inner.empty() ? fmt::format("<D:{}/>", name) : fmt::format("<D:{0}>{1}</D:{0}>", name, inner);
}

void propstat(std::string& out, std::string_view properties, std::string_view status) {
  out += fmt::format("<D:propstat><D:prop>{}</D:prop><D:status>HTTP/1.1 {}</D:status></D:propstat>", properties, status);
}

// An unknown property goes back in its own namespace.
std::string unknown_element(const DavName& name) {
  if (name.space == kDav) return fmt::format("<D:{}/>", name.name);
  return fmt::format("<x:{} xmlns:x=\"{}\"/>", name.name, xml_escape(name.space));
}

void encode_one(std::string& out, const PropfindRequest& request, const DavResource& resource) {
  std::string found, missing;
  const auto& live = live_properties();
  if (request.kind != PropfindKind::prop) {
    for (const auto& property : live)
      if (const auto value = property.value(resource))
        found += request.kind == PropfindKind::propname ? element(property.name, {}) : element(property.name, *value);
  }
  for (const auto& name : request.properties) {
    const auto known = std::ranges::find_if(live, [&](const Live& p) { return is_dav(name, p.name); });
    const auto value = known == live.end() ? std::nullopt : known->value(resource);
    if (!value) {
      missing += name.space.empty() ? fmt::format("<{} xmlns=\"\"/>", name.name) : unknown_element(name);
    } else if (request.kind == PropfindKind::prop) {
      found += element(known->name, *value);
    }
  }
  out += fmt::format("<D:response><D:href>{}</D:href>", xml_escape(resource.href));
  if (!found.empty() || missing.empty()) propstat(out, found, "200 OK");
  if (!missing.empty()) propstat(out, missing, "404 Not Found");
  out += "</D:response>\n";
}

Result<DavResource> decode_one(const XmlNode& response) {
  DavResource out;
  out.href = response.text_of("href");
  if (out.href.empty() || out.href.size() > 8192) return fail(Code::invalid, "multistatus: a response without a good href");
  for (const auto& stat : response.children("propstat")) {
    if (!icontains(stat.text_of("status"), " 200")) continue;
    const XmlNode prop = stat.child("prop");
    if (prop.child("resourcetype").child("collection") || prop.text_of("iscollection") == "1") out.collection = true;
    if (const std::string name = prop.text_of("displayname"); !name.empty()) out.name = name;
    if (const std::string etag = prop.text_of("getetag"); !etag.empty()) out.etag = etag;
    if (const std::string length = prop.text_of("getcontentlength"); !length.empty()) {
      FP_TRY(size, parse_int(length));
      if (size < 0) return fail(Code::invalid, "multistatus: a negative length");
      out.size_bytes = size;
    }
    if (const auto modified = parse_http_date(prop.text_of("getlastmodified"))) out.modified = *modified;
  }
  if (out.name.empty()) {
    std::string_view path = out.href;
    while (path.ends_with('/')) path.remove_suffix(1);
    const auto name = percent_decode(path.substr(path.rfind('/') + 1));
    if (name) out.name = *name;
  }
  return out;
}

}  // namespace

Result<DavDepth> parse_depth(std::string_view header) {
  header = trim(header);
  if (header.empty() || header == "1") return DavDepth::one;
  if (header == "0") return DavDepth::zero;
  if (iequals(header, "1,noroot")) return DavDepth::children;
  if (iequals(header, "infinity")) return DavDepth::infinity;
  return fail(Code::invalid, "Depth: {:.20}: neither 0, 1 nor infinity", header);
}

Result<PropfindRequest> decode_propfind(std::string_view body) {
  if (body.empty()) return PropfindRequest{};
  const XmlLimits limits{kPropfindBodyBytesMax, 16, 1000};
  if (body.size() > kPropfindBodyBytesMax) return fail(Code::too_large, "PROPFIND: a body of {} bytes", body.size());
  FP_CHECK(XmlDocument::parse(body, limits));
  FP_TRY(text, decode_text(body, kPropfindBodyBytesMax));
  pugi::xml_document document;
  if (!document.load_buffer(text.data(), text.size(), pugi::parse_default, pugi::encoding_utf8))
    return fail(Code::invalid, "PROPFIND: XML that does not parse");
  const pugi::xml_node root = document.document_element();
  FP_CHECK(check_namespaces(root));
  FP_TRY(root_name, name_of(root));
  if (!is_dav(root_name, "propfind")) return fail(Code::invalid, "PROPFIND: the root is no DAV: propfind");
  PropfindRequest out;
  int kinds = 0;
  for (const auto child : root.children()) {
    if (child.type() != pugi::node_element) continue;
    FP_TRY(name, name_of(child));
    if (is_dav(name, "include")) {
      FP_CHECK(read_properties(child, out.properties));
      continue;
    }
    if (is_dav(name, "allprop")) out.kind = PropfindKind::allprop;
    else if (is_dav(name, "propname")) out.kind = PropfindKind::propname;
    else if (is_dav(name, "prop")) out.kind = PropfindKind::prop;
    else continue;
    ++kinds;
    if (out.kind == PropfindKind::prop) FP_CHECK(read_properties(child, out.properties));
  }
  if (kinds != 1) return fail(Code::invalid, "PROPFIND: one of allprop, propname and prop is expected, {} came", kinds);
  if (out.kind == PropfindKind::propname) out.properties.clear();
  return out;
}

std::string encode_multistatus(const PropfindRequest& request, const std::vector<DavResource>& resources) {
  std::string out = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\n";
  for (const auto& resource : resources) encode_one(out, request, resource);
  out += "</D:multistatus>\n";
  return out;
}

Result<std::vector<DavResource>> decode_multistatus(std::string_view xml) {
  FP_TRY(document, parse_xml_as("multistatus", xml));
  std::vector<DavResource> out;
  for (const auto& response : document.root().children("response")) {
    if (out.size() >= kMultistatusResponsesMax)
      return fail(Code::too_large, "multistatus: over {} responses", kMultistatusResponsesMax);
    FP_TRY(resource, decode_one(response));
    out.push_back(std::move(resource));
  }
  return out;
}

std::string propfind_finite_depth() {
  return "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:error xmlns:D=\"DAV:\"><D:propfind-finite-depth/></D:error>\n";
}

}  // namespace fp::wire
