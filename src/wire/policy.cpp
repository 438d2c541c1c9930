#include "wire/policy.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/limits.hpp"
#include "base/text.hpp"
#include "wire/xml.hpp"

namespace fp::wire {
namespace {

constexpr std::string_view kLocationStart = "http://<mp>/SMS_MP/.sms_pol?";
constexpr std::string_view kSignatureOid = "1.2.840.113549.1.1.11";
constexpr XmlLimits kRequestLimits{64U << 10, 16, 512};
constexpr std::size_t kAssignmentsMax = 50'000;

bool all_of(std::string_view text, std::string_view more) {
  return std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || more.find(c) != std::string_view::npos;
  });
}

// GUID without braces, or another id as in DEP-...: letters, digits, - and _.
Result<std::string> policy_id(std::string_view text) {
  if (auto guid = parse_guid(text)) return *guid;
  if (text.size() > 2 && text.front() == '{' && text.back() == '}') text = text.substr(1, text.size() - 2);
  if (text.empty() || text.size() > 100 || !all_of(text, "-_")) return fail(Code::invalid, "not a policy id: {:.60}", text);
  return upper(text);
}

Result<std::string> policy_version(std::string_view text) {
  std::string version(text);
  std::ranges::replace(version, '_', '.');
  const bool good = !version.empty() && version.size() <= 16 && version.find_first_not_of("0123456789.") == std::string::npos &&
                    version.front() != '.' && version.back() != '.';
  if (!good) return fail(Code::invalid, "not a policy version: {:.20}", text);
  return version;
}

Result<std::string> sha256_of(std::string_view text) {
  if (!istarts_with(text, "SHA256:") || text.size() != 7 + 64 || !unhex(text.substr(7)))
    return fail(Code::invalid, "not SHA256: and 64 hex digits: {:.20}", text);
  return upper(text.substr(7));
}

std::string braced(std::string_view id) { return fmt::format("{{{}}}", id); }

struct Wanted {
  AssignmentsWanted value;
  std::string_view name;
};
constexpr Wanted kWanted[] = {{AssignmentsWanted::always, "Always"},
                              {AssignmentsWanted::full, "Full"},
                              {AssignmentsWanted::on_update, "OnUpdate"},
                              {AssignmentsWanted::delta, "Delta"}};

std::string_view name_of(AssignmentsWanted wanted) {
  return std::ranges::find(kWanted, wanted, &Wanted::value)->name;
}

void write_identification(XmlWriter& x, std::string_view client_id, std::string_view fqdn, std::string_view netbios) {
  x.open("Identification").open("Machine").leaf("ClientID", client_id).leaf("FQDN", fqdn);
  x.leaf("NetBIOSName", netbios).leaf("SID").close().leaf("User").close();
}

void write_assignment(XmlWriter& x, const Policy& policy, std::string_view resource) {
  x.open("PolicyAssignment").attr("PolicyAssignmentID", braced(policy.id));
  x.open("Policy").attr("PolicyID", braced(policy.id)).attr("PolicyVersion", policy.version).attr("PolicyType", resource);
  if (!policy.category.empty()) x.attr("PolicyCategory", policy.category);
  x.attr("PolicyFlags", policy.flags);
  x.open("PolicyLocation");
  if (!policy.hash.empty()) x.attr("PolicyHash", "SHA256:" + upper(policy.hash));
  x.cdata(policy_location(policy.id, policy.version)).close().close();
  if (!policy.signature.empty()) {
    x.open("Signature").open("Reference").leaf("SignatureAlgorithm", kSignatureOid);
    x.leaf("SignatureValue", hex(policy.signature)).close().close();
  }
  x.close();
}

Result<ReceivedAssignment> read_assignment(const XmlNode& node) {
  const XmlNode policy = node.child("Policy");
  ReceivedAssignment a;
  FP_TRY(id, policy_id(policy.attr("PolicyID")));
  FP_TRY(version, policy_version(policy.attr("PolicyVersion")));
  a.policy_id = std::move(id);
  a.version = std::move(version);
  a.category = policy.attr("PolicyCategory");
  if (a.category.size() > 64 || !all_of(a.category, "-_")) return fail(Code::invalid, "a policy category against its grammar");
  if (const std::string_view flags = policy.attr("PolicyFlags"); !flags.empty()) {
    FP_TRY(value, parse_int(flags));
    if (value < 0 || value > 0xFFFF) return fail(Code::invalid, "policy flags of {}", value);
    a.flags = static_cast<unsigned>(value);
  }
  const XmlNode location = policy.child("PolicyLocation");
  if (location.has_attr("PolicyHash")) {
    FP_TRY(hash, sha256_of(location.attr("PolicyHash")));
    a.hash = std::move(hash);
  }
  a.location = location.trimmed();
  if (a.location.size() > limits::kTargetBytesMax)
    return fail(Code::too_large, "a policy location of {} bytes", a.location.size());
  FP_TRY(signature, unhex(node.text_of("Signature/Reference/SignatureValue")));
  a.signature = std::move(signature);
  return a;
}

}  // namespace

Result<AssignmentRequest> decode_assignment_request(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("RequestAssignments", document, kRequestLimits));
  const XmlNode root = parsed.root();
  AssignmentRequest r;
  const auto wanted = std::ranges::find_if(kWanted, [&](const Wanted& w) { return iequals(w.name, root.attr("RequestType")); });
  if (wanted == std::end(kWanted)) return fail(Code::invalid, "a RequestType of {:.40}", root.attr("RequestType"));
  r.wanted = wanted->value;
  r.acknowledge = xml_flag(root.attr("ACK"));
  r.crc = iequals(root.attr("ValidationRequested"), "CRC");
  const XmlNode machine = root.at("Identification/Machine");
  FP_TRY(client_id, parse_client_id(machine.text_of("ClientID")));
  r.client_id = std::move(client_id);
  r.fqdn = machine.text_of("FQDN").substr(0, 256);
  r.netbios_name = machine.text_of("NetBIOSName").substr(0, 256);
  r.policy_source = root.text_of("PolicySource").substr(0, 64);
  r.user = iequals(root.child("Resource").attr("ResourceType"), "User");
  if (const auto since = parse_time(root.text_of("ServerCookie"))) r.since = *since;
  return r;
}

std::string encode_assignment_request(const AssignmentRequest& r) {
  XmlWriter x;
  x.open("RequestAssignments").attr("SchemaVersion", "1.00").attr("ACK", r.acknowledge ? "true" : "false");
  x.attr("RequestType", name_of(r.wanted));
  if (r.crc) x.attr("ValidationRequested", "CRC");
  write_identification(x, r.client_id, r.fqdn, r.netbios_name);
  x.leaf("PolicySource", r.policy_source).open("Resource").attr("ResourceType", r.user ? "User" : "Machine").close();
  x.leaf("ServerCookie", r.since ? to_cookie(*r.since) : "");
  return x.take();
}

std::string encode_assignment_reply(const AssignmentReply& reply) {
  XmlWriter x;
  x.open("ReplyAssignments").attr("SchemaVersion", "1.00").attr("ReplyType", reply.delta ? "Delta" : "Full");
  if (!reply.resync.empty()) x.attr("Resync", fmt::format("{}", fmt::join(reply.resync, ",")));
  write_identification(x, reply.client_id, reply.fqdn, reply.netbios_name);
  const std::string_view resource = reply.user ? "User" : "Machine";
  x.leaf("PolicySource", "SMS:" + reply.site_code).open("Resource").attr("ResourceType", resource).close();
  x.leaf("ServerCookie", to_cookie(reply.cookie));
  for (const auto& assignment : reply.assignments)
    if (!assignment.tombstone) write_assignment(x, assignment.policy, resource);
  for (const auto& assignment : reply.assignments) {
    if (!assignment.tombstone) continue;
    x.open("TombstonedAssignment").attr("PolicyAssignmentID", braced(assignment.policy.id));
    x.attr("PolicyID", braced(assignment.policy.id)).close();
  }
  return x.take();
}

Result<ReceivedAssignments> decode_assignment_reply(std::string_view document) {
  FP_TRY(parsed, parse_xml_as("ReplyAssignments", document));
  const XmlNode root = parsed.root();
  ReceivedAssignments r;
  r.delta = iequals(root.attr("ReplyType"), "Delta");
  FP_TRY(client_id, parse_client_id(root.text_of("Identification/Machine/ClientID")));
  r.client_id = std::move(client_id);
  const std::string source = root.text_of("PolicySource");
  FP_TRY(site_code, parse_site_code(istarts_with(source, "SMS:") ? std::string_view(source).substr(4) : source));
  r.site_code = std::move(site_code);
  r.cookie = root.text_of("ServerCookie").substr(0, 64);
  for (const std::string_view kind : split(root.attr("Resync"), ','))
    if (kind == "hardware" || kind == "software" || kind == "state") r.resync.emplace_back(kind);
  for (const XmlNode& node : root.children()) {
    const bool gone = node.name() == "TombstonedAssignment";
    if (!gone && node.name() != "PolicyAssignment") continue;
    if (r.assignments.size() + r.tombstones.size() == kAssignmentsMax)
      return fail(Code::too_large, "more than {} assignments", kAssignmentsMax);
    if (gone) {
      FP_TRY(id, policy_id(node.attr("PolicyID")));
      r.tombstones.push_back(std::move(id));
    } else {
      FP_TRY(assignment, read_assignment(node));
      r.assignments.push_back(std::move(assignment));
    }
  }
  return r;
}

std::string policy_location(std::string_view id, std::string_view version) {
  std::string v(version);
  std::ranges::replace(v, '.', '_');
  return fmt::format("{}{{{}}}.{}", kLocationStart, id, v);
}

Result<std::string> resolve_policy_location(std::string_view location, std::string_view base_url) {
  for (const std::string_view start : {kLocationStart, std::string_view("https://<mp>/SMS_MP/.sms_pol?")}) {
    if (!location.starts_with(start)) continue;
    FP_TRY(query, parse_policy_query(location.substr(start.size())));
    std::string version = query.version;
    std::ranges::replace(version, '.', '_');
    while (base_url.ends_with('/')) base_url.remove_suffix(1);
    return fmt::format("{}/SMS_MP/.sms_pol?%7B{}%7D.{}", base_url, query.id,
                       version.empty() ? "SHA256:" + query.sha256 : version);
  }
  return fail(Code::invalid, "a policy location of another shape: {:.80}", location);
}

Result<PolicyQuery> parse_policy_query(std::string_view raw) {
  if (raw.size() > 512) return fail(Code::too_large, "a policy query of {} bytes", raw.size());
  FP_TRY(decoded, percent_decode(raw.substr(0, raw.find('&'))));
  const std::string_view text = trim(decoded);
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return fail(Code::invalid, "a policy query without a version: {:.60}", text);
  PolicyQuery query;
  FP_TRY(id, policy_id(text.substr(0, dot)));
  query.id = std::move(id);
  const std::string_view rest = text.substr(dot + 1);
  if (istarts_with(rest, "SHA256:")) {
    FP_TRY(hash, sha256_of(rest));
    query.sha256 = std::move(hash);
  } else {
    FP_TRY(version, policy_version(rest));
    query.version = std::move(version);
  }
  return query;
}

std::string assignment_signing_text(std::string_view id, std::string_view version, std::string_view category, unsigned flags,
                                    std::string_view hash) {
  return fmt::format("farpoint-assignment-v1\n{}\n{}\n{}\n{}\n{}\n", upper(id), version, category, flags, upper(hash));
}

}  // namespace fp::wire
