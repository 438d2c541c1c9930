#include "wire/authority.hpp"

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr XmlLimits kLimits{4U << 20, 16, 100'000};
constexpr std::size_t kMpsMax = 1000;
constexpr std::size_t kArgumentsMax = 16;

struct Keyword {
  std::string_view text;
  AuthorityKeyword value;
};
constexpr Keyword kKeywords[] = {
    {"MPLIST", AuthorityKeyword::mp_list},
    {"MPLIST1", AuthorityKeyword::mp_list_site},
    {"MPLIST2", AuthorityKeyword::mp_list_internet},
    {"MPCERT", AuthorityKeyword::mp_certificate},
    {"MPCERT2", AuthorityKeyword::mp_certificate2},
    {"MPKEYINFORMATION", AuthorityKeyword::key_information},
    {"MPKEYINFORMATIONEX", AuthorityKeyword::key_information_ex},
    {"MPKEYINFORMATIONMEDIA", AuthorityKeyword::key_information_media},
    {"SITESIGNCERT", AuthorityKeyword::site_sign_certificate},
    {"MPTRK", AuthorityKeyword::trusted_root_key},
    {"MPLOCATION", AuthorityKeyword::mp_location},
    {"SMSTRC", AuthorityKeyword::trace},
    {"GETCLIENTAFFINITY", AuthorityKeyword::client_affinity},
};

Result<std::string> der_of(const XmlNode& node) {
  const std::string text = node.trimmed();
  if (text.empty()) return fail(Code::invalid, "a reply without its certificate or key");
  if (text.size() > 2 * limits::kCertificateBytesMax)
    return fail(Code::too_large, "a certificate of more than {} bytes", limits::kCertificateBytesMax);
  return unhex(text);
}

Result<std::string> optional_der(const XmlNode& node) { return node.trimmed().empty() ? Result<std::string>("") : der_of(node); }

Result<std::string> optional_site(std::string_view text) {
  text = trim(text);
  return text.empty() ? Result<std::string>("") : parse_site_code(text);
}

Result<MpEntry> read_mp(const XmlNode& node) {
  MpEntry mp;
  FP_TRY(fqdn, parse_host(node.attr("FQDN").empty() ? node.attr("Name") : node.attr("FQDN")));
  FP_TRY(site_code, optional_site(node.attr("SiteCode")));
  mp.name = std::string(node.attr("Name")).substr(0, 256);
  mp.fqdn = std::move(fqdn);
  mp.site_code = std::move(site_code);
  if (const auto version = parse_int(node.text_of("Version")); version && *version > 0 && *version < 1'000'000)
    mp.version = static_cast<int>(*version);
  for (const XmlNode& property : node.child("Capabilities").children("Property")) {
    const std::string_view name = property.attr("Name"), value = property.attr("Value");
    if (value.size() > 2048) return fail(Code::too_large, "a capability of {} bytes", value.size());
    if (iequals(name, "SSLState")) {
      if (const auto state = parse_int(value); state && *state >= 0 && *state < 512) mp.ssl_state = static_cast<unsigned>(*state);
    } else if (name == "FPIntranetUrl") {
      mp.intranet_url = value;
    } else if (name == "FPInternetUrl") {
      mp.internet_url = value;
    } else if (name == "FPCategory" || name == "FPLocality") {
      const auto n = parse_int(value);
      if (n && *n >= 0 && *n <= 3) (name == "FPCategory" ? mp.category : mp.locality) = static_cast<int>(*n);
    }
  }
  return mp;
}

}  // namespace

Result<AuthorityQuery> parse_authority_query(std::string_view raw) {
  if (raw.size() > 1024) return fail(Code::too_large, "an authority query of {} bytes", raw.size());
  AuthorityQuery query;
  std::string keyword;
  bool first = true;
  for (const std::string_view token : split(raw, '&')) {
    FP_TRY(decoded, percent_decode(token));
    if (first) {
      keyword = trim(decoded);
      first = false;
      continue;
    }
    if (query.arguments.size() == kArgumentsMax) return fail(Code::too_large, "more than {} arguments", kArgumentsMax);
    query.arguments.emplace_back(trim(decoded));
  }
  const Keyword* found = nullptr;
  for (const Keyword& k : kKeywords)
    if (iequals(k.text, keyword)) found = &k;
  if (found == nullptr) return fail(Code::not_found, "no such authority keyword: {:.40}", keyword);
  query.keyword = found->value;
  const bool has_argument = !query.arguments.empty() && !query.arguments[0].empty();
  if (query.keyword == AuthorityKeyword::mp_list_site && has_argument) {
    FP_TRY(site_code, parse_site_code(query.arguments[0]));
    query.site_code = std::move(site_code);
  }
  if (query.keyword == AuthorityKeyword::client_affinity) {
    FP_TRY(client_id, parse_client_id(has_argument ? query.arguments[0] : ""));
    query.client_id = std::move(client_id);
  }
  return query;
}

std::string encode_mp_list(const std::vector<MpEntry>& list) {
  XmlWriter x;
  x.open("MPList");
  for (const auto& mp : list) {
    x.open("MP").attr("Name", mp.name).attr("FQDN", mp.fqdn);
    if (!mp.site_code.empty()) x.attr("SiteCode", mp.site_code);
    x.leaf("Version", std::to_string(mp.version)).open("Capabilities").attr("SchemaVersion", "1.0");
    const auto property = [&](std::string_view name, std::string_view value) {
      if (!value.empty()) x.open("Property").attr("Name", name).attr("Value", value).close();
    };
    property("SSLState", std::to_string(mp.ssl_state));
    property("FPIntranetUrl", mp.intranet_url);
    property("FPInternetUrl", mp.internet_url);
    if (mp.category != MpEntry().category) property("FPCategory", std::to_string(mp.category));
    if (mp.locality != MpEntry().locality) property("FPLocality", std::to_string(mp.locality));
    x.close().close();
  }
  return x.take();
}

Result<std::vector<MpEntry>> decode_mp_list(std::string_view bytes) {
  FP_TRY(parsed, XmlDocument::parse(bytes, kLimits));
  const XmlNode root = parsed.root().anywhere("MPList");
  if (!root) return fail(Code::invalid, "a list of management points without <MPList>");
  std::vector<MpEntry> list;
  for (const XmlNode& node : root.children("MP")) {
    if (list.size() == kMpsMax) return fail(Code::too_large, "more than {} management points", kMpsMax);
    FP_TRY(mp, read_mp(node));
    list.push_back(std::move(mp));
  }
  return list;
}

std::string encode_mp_certificate(std::string_view der) {
  XmlWriter x;
  return x.leaf("MPCertificate", hex(der)).take();
}

Result<std::string> decode_mp_certificate(std::string_view bytes) {
  FP_TRY(parsed, parse_xml_as("MPCertificate", bytes, kLimits));
  return der_of(parsed.root());
}

std::string encode_key_information(const KeyInformation& k, AuthorityKeyword keyword) {
  XmlWriter x;
  x.open("MPKEYINFORMATION").leaf("MACHINENAME", k.machine_name).leaf("FQDN", k.fqdn).leaf("SITECODE", k.site_code);
  x.leaf("ASSIGNEDSITECODE", k.assigned_site_code).leaf("CERTIFICATE", hex(k.certificate_der));
  x.leaf("TRUSTEDROOTKEY", hex(k.trusted_root_key));
  if (keyword != AuthorityKeyword::key_information && (!k.unknown_x86.empty() || !k.unknown_x64.empty())) {
    x.open("UnknownMachines").attr("x86UnknownMachineGUID", upper(k.unknown_x86));
    x.attr("x64UnknownMachineGUID", upper(k.unknown_x64)).close();
  }
  return x.take();
}

Result<KeyInformation> decode_key_information(std::string_view bytes) {
  FP_TRY(parsed, XmlDocument::parse(bytes, kLimits));
  const XmlNode root = parsed.root();
  KeyInformation k;
  FP_TRY(fqdn, parse_host(root.text_of("FQDN")));
  FP_TRY(site_code, parse_site_code(root.text_of("SITECODE")));
  FP_TRY(assigned, optional_site(root.text_of("ASSIGNEDSITECODE")));
  FP_TRY(certificate, optional_der(root.child("CERTIFICATE")));
  FP_TRY(root_key, optional_der(root.child("TRUSTEDROOTKEY")));
  k.machine_name = root.text_of("MACHINENAME").substr(0, 256);
  k.fqdn = std::move(fqdn);
  k.site_code = std::move(site_code);
  k.assigned_site_code = std::move(assigned);
  k.certificate_der = std::move(certificate);
  k.trusted_root_key = std::move(root_key);
  const XmlNode unknown = root.child("UnknownMachines");
  if (auto guid = parse_guid(unknown.attr("x86UnknownMachineGUID"))) k.unknown_x86 = *guid;
  if (auto guid = parse_guid(unknown.attr("x64UnknownMachineGUID"))) k.unknown_x64 = *guid;
  return k;
}

std::string encode_site_sign_certificate(std::string_view der, std::string_view root_signature) {
  XmlWriter x;
  x.open("SiteSignCert").open("X509Certificate").attr("Encoding", "HexBinary").text(hex(der)).close();
  if (!root_signature.empty()) x.leaf("TrustedRootSignature", hex(root_signature));
  return x.take();
}

Result<std::string> decode_site_sign_proof(std::string_view bytes) {
  FP_TRY(parsed, XmlDocument::parse(bytes, kLimits));
  const XmlNode node = parsed.root().anywhere("TrustedRootSignature");
  if (node.trimmed().empty()) return std::string();
  return der_of(node);
}

std::string site_sign_text(std::string_view sha256_of_der) {
  return "farpoint-site-signing-v1\n" + hex_lower(sha256_of_der) + "\n";
}

Result<std::string> decode_site_sign_certificate(std::string_view bytes) {
  FP_TRY(parsed, XmlDocument::parse(bytes, kLimits));
  return der_of(parsed.root().anywhere("X509Certificate"));
}

std::string encode_trusted_root_key(std::string_view spki_der) {
  XmlWriter x;
  return x.open("TrustedRootKey").attr("Encoding", "HexBinary").text(hex(spki_der)).take();
}

Result<std::string> decode_trusted_root_key(std::string_view bytes) {
  FP_TRY(parsed, parse_xml_as("TrustedRootKey", bytes, kLimits));
  return der_of(parsed.root());
}

std::string encode_mp_location(const MpLocation& l) {
  XmlWriter x;
  x.open("MPLocation").leaf("MPHost", l.mp_host).leaf("AssignedSiteCode", l.assigned_site_code);
  x.leaf("Certificate", hex(l.certificate_der)).leaf("SiteSignCert", hex(l.site_sign_certificate_der));
  return x.take();
}

Result<MpLocation> decode_mp_location(std::string_view bytes) {
  FP_TRY(parsed, parse_xml_as("MPLocation", bytes, kLimits));
  const XmlNode root = parsed.root();
  MpLocation l;
  FP_TRY(host, parse_host(root.text_of("MPHost")));
  FP_TRY(site_code, parse_site_code(root.text_of("AssignedSiteCode")));
  FP_TRY(certificate, optional_der(root.child("Certificate")));
  FP_TRY(site_sign, optional_der(root.child("SiteSignCert")));
  l.mp_host = std::move(host);
  l.assigned_site_code = std::move(site_code);
  l.certificate_der = std::move(certificate);
  l.site_sign_certificate_der = std::move(site_sign);
  return l;
}

std::string encode_trace() {
  XmlWriter x;
  return x.leaf("SMSTRC").take();
}

std::string encode_client_affinity(std::string_view user) {
  XmlWriter x;
  x.open("ClientAffinity");
  if (!user.empty()) x.leaf("User", user);
  return x.take();
}

}  // namespace fp::wire
