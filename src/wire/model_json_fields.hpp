// The fields of every noun in model/ and the limits on them (domain.md §13, §14, §18, §19). Private to model_json.cpp.
// One `fields` function serves both directions: the archive is an encoder or a decoder. Checks run when decoding only,
// see the value (a default where the field was absent), may replace it by its canonical spelling, and answer what is wrong.
#pragma once
#include <array>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/subnet.hpp"
#include "base/text.hpp"
#include "wire/model_json.hpp"

namespace fp::wire::fields {

template <class E>
struct Words;
template <std::size_t N>
using WordList = std::array<std::string_view, N>;

// In the order of the enumerators.
template <> struct Words<Technology> { static constexpr WordList<4> list{"deb", "rpm", "script", "fileset"}; };
template <> struct Words<Compare> {
  static constexpr WordList<10> list{"eq", "ne", "lt", "le", "gt", "ge", "contains", "one_of", "exists", "not_exists"};
};
template <> struct Words<DetectionKind> { static constexpr WordList<3> list{"package_version", "file", "script"}; };
template <> struct Words<ReturnKind> {
  static constexpr WordList<5> list{"success", "failure", "soft_reboot", "hard_reboot", "fast_retry"};
};
template <> struct Words<RerunBehaviour> { static constexpr WordList<4> list{"never", "always", "if_failed", "if_succeeded"}; };
template <> struct Words<RuleKind> { static constexpr WordList<4> list{"direct", "query", "include", "exclude"}; };
template <> struct Words<WindowKind> {
  static constexpr WordList<3> list{"all_deployments", "software_updates", "task_sequences"};
};
template <> struct Words<Recurrence> { static constexpr WordList<4> list{"once", "daily", "weekly", "monthly"}; };
template <> struct Words<DeploymentKind> { static constexpr WordList<3> list{"application", "package", "task_sequence"}; };
template <> struct Words<Purpose> { static constexpr WordList<2> list{"available", "required"}; };
template <> struct Words<DeploymentAction> { static constexpr WordList<3> list{"install", "uninstall", "repair"}; };
template <> struct Words<BundleKind> { static constexpr WordList<3> list{"internet_only", "dual", "intranet"}; };
template <> struct Words<PushState> {
  static constexpr WordList<5> list{"waiting", "running", "succeeded", "failed", "cancelled"};
};
template <> struct Words<PushLogon> { static constexpr WordList<2> list{"key", "kerberos"}; };
template <> struct Words<EnrollmentKind> { static constexpr WordList<2> list{"computer", "mobile"}; };
template <> struct Words<Approval> {
  static constexpr WordList<5> list{"unknown", "pending", "not_applicable", "approved", "rejected"};
};
template <> struct Words<ConnectionType> {
  static constexpr WordList<4> list{"unknown", "always_internet", "currently_internet", "currently_intranet"};
};
template <> struct Words<Connections> { static constexpr WordList<3> list{"intranet", "internet", "both"}; };
template <> struct Words<DistributionState> {
  static constexpr WordList<6> list{"pending", "transferring", "ok", "failed", "corrupt", "removing"};
};
template <> struct Words<BoundaryType> {
  static constexpr WordList<5> list{"ip_subnet", "ip_range", "ipv6_prefix", "ad_site", "vpn"};
};
template <> struct Words<InstanceContent> { static constexpr WordList<3> list{"fresh", "update", "removed"}; };

// ---- checks

inline constexpr std::size_t kScriptBytesMax = 32U << 10, kCommandBytesMax = 8U << 10, kNameBytesMax = 256;
inline constexpr std::size_t kTextBytesMax = 64U << 10, kListMax = 1000, kLongListMax = 1'000'000;

inline auto size_max(std::size_t n) {
  return [n](const auto& v) { return v.size() > n ? fmt::format("must have at most {} {}", n,
                                  std::is_same_v<std::decay_t<decltype(v)>, std::string> ? "bytes" : "items") : std::string(); };
}
inline auto range(std::int64_t low, std::int64_t high) {
  return [low, high](const auto& v) {
    const auto n = static_cast<std::int64_t>(v);
    return n < low || n > high ? fmt::format("must be from {} to {}", low, high) : std::string();
  };
}
inline auto required() {
  return [](const auto& v) { return std::string(v.empty() ? "is required" : ""); };
}
inline auto name(std::size_t bytes_max = kNameBytesMax) {
  return [bytes_max](std::string& v) -> std::string {
    if (v.empty()) return "is required";
    auto ok = parse_name(v, bytes_max);
    if (!ok)
      return ok.error().code == Code::too_large ? fmt::format("must have at most {} bytes", bytes_max) : ok.error().message;
    v = std::move(*ok);
    return {};
  };
}
// Canonical spelling by the grammar; an empty one passes unless required() stands before.
template <Result<std::string> (*parse)(std::string_view)>
auto grammar() {
  return [](std::string& v) -> std::string {
    if (v.empty()) return {};
    auto ok = parse(v);
    if (!ok) return ok.error().message;
    v = std::move(*ok);
    return {};
  };
}
inline auto guid() { return grammar<parse_guid>(); }
inline auto client_id() { return grammar<parse_client_id>(); }
inline auto object_id() { return grammar<parse_object_id>(); }
inline auto content_id() { return grammar<parse_content_id>(); }
inline auto host() { return grammar<parse_host>(); }
inline auto subnet() { return grammar<parse_subnet>(); }
inline auto host_and_port() {
  return [](const std::string& v) { return std::string(!v.empty() && !parse_host_port(v) ? "must be HOST:PORT" : ""); };
}
inline auto absolute() {
  return [](const std::string& v) { return std::string(!v.empty() && v[0] != '/' ? "must be an absolute path" : ""); };
}
inline auto web_address() {  // of a folder, without a slash at its end
  return [](std::string& v) -> std::string {
    while (v.ends_with('/')) v.pop_back();
    if (v.empty()) return {};
    const std::string_view rest = v.starts_with("https://") ? std::string_view(v).substr(8) : v.starts_with("http://") ? std::string_view(v).substr(7) : "";
    const bool plain = std::ranges::all_of(v, [](char c) { return c > ' ' && c < '\x7f'; });
    if (rest.empty() || rest[0] == '/' || !plain || rest.find_first_of("?#@") != rest.npos)
      return "must be http:// or https:// with a host and a path, without user, query and fragment";
    return {};
  };
}
inline auto sha256() {
  return [](std::string& v) -> std::string {
    if (v.empty()) return {};
    if (v.size() != 64 || v.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
      return "must be a SHA-256 in hexadecimal";
    v = lower(v);
    return {};
  };
}
inline auto url() {
  return [](const std::string& v) -> std::string {
    if (v.empty() || v.starts_with("https://") || v.starts_with("http://")) return {};
    return "must be a URL with http:// or https://";
  };
}
inline auto attribute() {
  return [](const std::string& v) -> std::string {
    constexpr std::string_view known[] = {"os.id", "os.version", "architecture", "memory_mb", "disk_free_mb", "kernel"};
    for (const auto k : known)
      if (v == k) return {};
    if ((v.starts_with("package:") && v.size() > 8) || (v.starts_with("fact:") && v.size() > 5)) return {};
    return "must be os.id, os.version, architecture, memory_mb, disk_free_mb, kernel, package:<name> or fact:<name>";
  };
}
inline auto each(auto check) {
  return [check](auto& list) -> std::string {
    for (std::size_t i = 0; i < list.size(); ++i)
      if (auto wrong = check(list[i]); !wrong.empty()) return fmt::format("item {} {}", i, wrong);
    return {};
  };
}

// ---- applications and packages

template <class A> void fields(A& a, DetectionRule& x) {
  a("kind", x.kind);
  a("package", x.package, size_max(kNameBytesMax));
  a("op", x.op);
  a("version", x.version, size_max(kNameBytesMax));
  a("path", x.path, size_max(4096), absolute());
  a("sha256", x.sha256, sha256());
  a("script", x.script, size_max(kScriptBytesMax));
  a("interpreter", x.interpreter, size_max(4096), absolute());
  const bool bare = x.op == Compare::exists || x.op == Compare::not_exists;
  if (x.kind == DetectionKind::package_version) {
    a.rule("package", !x.package.empty(), "is required");
    a.rule("op", bare || x.op <= Compare::ge, "must compare versions: eq, ne, lt, le, gt, ge, exists or not_exists");
    a.rule("version", bare || !x.version.empty(), "is required, or op exists or not_exists");
  } else if (x.kind == DetectionKind::file) {
    a.rule("path", !x.path.empty(), "is required");
  } else {
    a.rule("script", !x.script.empty(), "is required");
    a.rule("interpreter", !x.interpreter.empty(), "is required");
  }
}
template <class A> void fields(A& a, Requirement& x) {
  a("attribute", x.attribute, required(), size_max(kNameBytesMax), attribute());
  a("op", x.op);
  a("values", x.values, size_max(kListMax));
  const bool bare = x.op == Compare::exists || x.op == Compare::not_exists;
  a.rule("values", bare || !x.values.empty(), "must have at least one value");
  a.rule("values", bare || x.op == Compare::one_of || x.values.size() == 1, "must have one value; several only with op one_of");
}
template <class A> void fields(A& a, ReturnCode& x) {
  a("code", x.code);
  a("kind", x.kind);
}
template <class A> void fields(A& a, DependencyItem& x) {
  a("application_id", x.application_id, required(), guid());
  a("auto_install", x.auto_install);
}
template <class A> void fields(A& a, DependencyGroup& x) {
  a("name", x.name, size_max(kNameBytesMax));
  a("items", x.items, required(), size_max(100));
}
template <class A> void fields(A& a, DeploymentType& x) {
  a("id", x.id, guid());
  a("name", x.name, name());
  a("priority", x.priority, range(1, 1000));
  a("technology", x.technology);
  a("content_id", x.content_id, content_id());
  a("vendor_url", x.vendor_url, size_max(2048), web_address());
  a("install_command", x.install_command, size_max(kCommandBytesMax));
  a("uninstall_command", x.uninstall_command, size_max(kCommandBytesMax));
  a("repair_command", x.repair_command, size_max(kCommandBytesMax));
  a("target_folder", x.target_folder, size_max(4096), absolute());
  a("detection", x.detection, size_max(100));
  a("requirements", x.requirements, size_max(100));
  a("dependencies", x.dependencies, size_max(100));
  a("return_codes", x.return_codes, size_max(256));
  a("max_run_time_min", x.max_run_time_min, range(1, 1440));
  a("estimated_run_time_min", x.estimated_run_time_min, range(0, 1440));
  a("persist_in_cache", x.persist_in_cache);
  a.rule("detection", !x.detection.empty(), "must have at least one rule: without one nobody knows whether it is installed");
  a.rule("install_command", x.technology != Technology::script || !x.install_command.empty(), "is required for a script");
  a.rule("vendor_url", x.vendor_url.empty() || !x.content_id.empty(), "belongs to types with content: whose hashes prove it");
  a.rule("target_folder", x.technology != Technology::fileset || !x.target_folder.empty(), "is required for a file set");
}
template <class A> void fields(A& a, Supersedence& x) {
  a("application_id", x.application_id, required(), guid());
  a("uninstall", x.uninstall);
}
template <class A> void fields(A& a, Application& x) {
  a("id", x.id, guid());
  a("revision", x.revision, range(1, INT64_MAX));
  a("name", x.name, name());
  a("publisher", x.publisher, size_max(kNameBytesMax));
  a("version", x.version, size_max(kNameBytesMax));
  a("description", x.description, size_max(kTextBytesMax));
  a("types", x.types, size_max(100));
  a("supersedes", x.supersedes, size_max(100));
  a.only("update_id", true, x.update_id, guid());
  a("scope", x.scope, name());
  a("changed_at", x.changed_at);
}
template <class A> void fields(A& a, Program& x) {
  a("name", x.name, name(50));
  a("command_line", x.command_line, required(), size_max(kCommandBytesMax));
  a("max_run_time_min", x.max_run_time_min, range(0, 1440));
  a("requirements", x.requirements, size_max(100));
  a("run_as_root", x.run_as_root);
}
template <class A> void fields(A& a, Package& x) {
  a("id", x.id, object_id());
  a("name", x.name, name());
  a("manufacturer", x.manufacturer, size_max(kNameBytesMax));
  a("version", x.version, size_max(kNameBytesMax));
  a("description", x.description, size_max(kTextBytesMax));
  a("content_version", x.content_version, range(0, 999'999));
  a("source_path", x.source_path, size_max(4096), absolute());
  a("programs", x.programs, size_max(100));
  a("scope", x.scope, name());
  a("changed_at", x.changed_at);
}

// ---- deployments

template <class A> void fields(A& a, Deployment& x) {
  a("id", x.id, object_id());
  a("kind", x.kind);
  a("target_id", x.target_id, required());
  a("program", x.program, size_max(50));
  a("collection_id", x.collection_id, required(), object_id());
  a("purpose", x.purpose);
  a("action", x.action);
  a("available_at", x.available_at);
  a("deadline", x.deadline);
  a("install_outside_window", x.install_outside_window);
  a("restart_outside_window", x.restart_outside_window);
  a("suppress_restart", x.suppress_restart);
  a("send_wake_up", x.send_wake_up);
  a("rerun", x.rerun);
  a("allow_internet", x.allow_internet);
  a("download_on_demand", x.download_on_demand);
  a("comment", x.comment, size_max(kTextBytesMax));
  a("enabled", x.enabled);
  a("revision", x.revision, range(1, INT64_MAX));
  a("changed_at", x.changed_at);
  a("created_by", x.created_by, size_max(kNameBytesMax));
  const bool package = x.kind == DeploymentKind::package, sequence = x.kind == DeploymentKind::task_sequence;
  if (package || sequence) a.check("target_id", x.target_id, object_id());
  else a.check("target_id", x.target_id, guid());
  a.rule("program", package != x.program.empty(), package ? "is required for a package" : "belongs to packages only");
  a.rule("action", !package || x.action == DeploymentAction::install, "must be install: a package only runs its program");
  a.rule("action", !sequence || x.action == DeploymentAction::install, "must be install: a task sequence only runs");
  a.rule("allow_internet", sequence || !x.allow_internet, "belongs to task sequences only");
  a.rule("download_on_demand", sequence || !x.download_on_demand, "belongs to task sequences only");
  a.rule("purpose", x.action != DeploymentAction::uninstall || x.purpose == Purpose::required, "must be required to uninstall");
  a.rule("deadline", !x.deadline || x.purpose == Purpose::required, "belongs to required deployments only");
  a.rule("deadline", !x.deadline || *x.deadline >= x.available_at, "must not lie before available_at");
  a.rule("send_wake_up", !x.send_wake_up || x.purpose == Purpose::required,
         "belongs to required deployments only: packets are sent before the deadline");
}
template <class A> void fields(A& a, DeploymentState& x) {
  a("deployment_id", x.deployment_id, required(), object_id());
  a("client_id", x.client_id, required(), client_id());
  a("state", x.state, range(0, 9999));
  a("detail", x.detail, size_max(kTextBytesMax));
  a("at", x.at);
}
template <class A> void fields(A& a, DeploymentSummary& x) {
  a("targeted", x.targeted);
  a("success", x.success);
  a("in_progress", x.in_progress);
  a("requirements_not_met", x.requirements_not_met);
  a("unknown", x.unknown);
  a("error", x.error);
}
template <class A> void fields(A& a, ContentReference& x) {
  a("content_id", x.content_id, required(), content_id());
  a("root_hash", x.root_hash, required(), sha256());
  a("bytes", x.bytes, range(0, INT64_MAX));
  a("vendor_url", x.vendor_url, size_max(2048), web_address());
}
template <class A> void fields(A& a, TaskSequence& x);
template <class A> void fields(A& a, DeploymentDocument& x) {
  a("deployment", x.deployment);
  a("application", x.application);
  a("related", x.related, size_max(200));
  a("package", x.package);
  a.only("sequence", true, x.sequence);
  a.only("children", true, x.children, size_max(100));
  a.only("packages", true, x.packages, size_max(200));
  a("contents", x.contents, size_max(kListMax));
  const auto belongs = [&](std::string_view field, DeploymentKind kind, bool there) {
    const bool wanted = x.deployment.kind == kind;
    a.rule(field, wanted == there, wanted ? "is required" : "belongs to deployments of another kind");
  };
  belongs("package", DeploymentKind::package, x.package.has_value());
  belongs("application", DeploymentKind::application, x.application.has_value());
  belongs("sequence", DeploymentKind::task_sequence, x.sequence.has_value());
}

// ---- collections

template <class A> void fields(A& a, CollectionRule& x) {
  a("kind", x.kind);
  a("name", x.name, size_max(kNameBytesMax));
  a("target", x.target, size_max(64));
  a("wql", x.wql, size_max(16U << 10));
  const bool query = x.kind == RuleKind::query;
  a.rule("wql", query != x.wql.empty(), query ? "is required" : "belongs to query rules only");
  a.rule("target", query == x.target.empty(), query ? "does not belong to a query rule" : "is required");
  if (x.kind == RuleKind::direct) a.check("target", x.target, client_id());
  else if (!query) a.check("target", x.target, object_id());
}
template <class A> void fields(A& a, MaintenanceWindow& x) {
  a("name", x.name, name());
  a("kind", x.kind);
  a("recurrence", x.recurrence);
  a("start", x.start);
  a("duration_min", x.duration_min, range(5, 24 * 60 - 1));
  a("every", x.every, range(1, 52));
  a("weekdays", x.weekdays, range(0, 127));
  a("utc", x.utc);
  a("enabled", x.enabled);
  a.rule("start", x.start.ms > 0, "is required");
  a.rule("weekdays", x.weekdays == 0 || x.recurrence == Recurrence::weekly, "belongs to weekly windows only");
}
template <class A> void fields(A& a, CollectionVariable& x) {
  a("name", x.name, name());
  if (!x.secret || a.shows_secrets()) a("value", x.value, size_max(4096));
  else a.blank("value");
  a("secret", x.secret);
}
template <class A> void fields(A& a, Collection& x) {
  a("id", x.id, object_id());
  a("name", x.name, name());
  a("comment", x.comment, size_max(kTextBytesMax));
  a("limiting_id", x.limiting_id, required(), object_id());
  a("rules", x.rules, size_max(kLongListMax));
  a("incremental", x.incremental);
  a("full_interval_s", x.full_interval_s, range(300, 366 * 86400));
  a("windows", x.windows, size_max(100));
  a("variables", x.variables, size_max(kListMax));
  a("revision", x.revision, range(1, INT64_MAX));
  a("changed_at", x.changed_at);
  a("evaluated_at", x.evaluated_at);
  a("member_count", x.member_count, range(0, INT64_MAX));
  a.rule("limiting_id", x.id != x.limiting_id || x.id == kAllSystems, "must be another collection");
  a.rule("windows", x.id != kAllSystems || x.windows.empty(), "must be empty: All Systems has no maintenance windows");
}
template <class A> void fields(A& a, CollectionMember& x) {
  a("client_id", x.client_id, required(), client_id());
  a("reason", x.reason, size_max(kTextBytesMax));
  a("since", x.since);
}

// ---- administration

template <class A> void fields(A& a, ClientSettings& x) {
  a("id", x.id, object_id());
  a("name", x.name, name());
  a("priority", x.priority, range(1, 10000));
  a("values", x.values, size_max(kListMax));
  a("collections", x.collections, size_max(kListMax), each(object_id()));
  a("users", x.users, size_max(kListMax), each(name()));
  a("changed_at", x.changed_at);
}
template <class A> void fields(A& a, Administrator& x) {
  a("name", x.name, name());
  a("roles", x.roles, size_max(100), each(name()));
  a("scopes", x.scopes, size_max(100), each(name()));
  a("collections", x.collections, size_max(kListMax), each(object_id()));
  a("enabled", x.enabled);
  a("created_at", x.created_at);
  a("last_seen_at", x.last_seen_at);
}
template <class A> void fields(A& a, CustomRole& x) {
  a("name", x.name, name());
  a("copied_from", x.copied_from, name());
  a("permissions", x.permissions, size_max(100));
  a("changed_at", x.changed_at);
}
template <class A> void fields(A& a, AuditLine& x) {
  a("id", x.id);
  a("at", x.at);
  a("who", x.who, size_max(kNameBytesMax));
  a("action", x.action, size_max(kNameBytesMax));
  a("object_kind", x.object_kind, size_max(kNameBytesMax));
  a("object_id", x.object_id, size_max(kNameBytesMax));
  a("detail", x.detail, size_max(kTextBytesMax));
  a("previous_hash", x.previous_hash, size_max(64));
  a("hash", x.hash, size_max(64));
}

// ---- client push

// What stands in the command line of ssh: nothing that it, or a shell, could take for something else.
inline auto account() {
  return [](const std::string& v) -> std::string {
    const bool good = !v.empty() && v.size() <= 64 && v[0] != '-' &&
                      v.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == std::string::npos;
    return good ? "" : "must be the name of an account: letters, digits, . _ -";
  };
}
inline auto key_fingerprint() {
  return [](const std::string& v) -> std::string {
    if (v.empty()) return {};
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const bool good = v.size() == 50 && v.starts_with("SHA256:") && v.find_first_not_of(kAlphabet, 7) == std::string::npos;
    return good ? "" : "must be SHA256: and 43 letters, as ssh-keygen -l prints it";
  };
}
template <class A> void fields(A& a, PushAttempt& x) {
  a("at", x.at);
  a("succeeded", x.succeeded);
  a("reason", x.reason, size_max(kTextBytesMax));
}
template <class A> void fields(A& a, ClientPush& x) {
  a("id", x.id, object_id());
  a("host", x.host, required(), host());
  a("port", x.port, range(1, 65535));
  a("user", x.user, account());
  a("logon", x.logon);
  a("fingerprint", x.fingerprint, key_fingerprint());
  a("kind", x.kind);
  a("issue", x.issue);
  a("fsp", x.fsp, host());
  a("state", x.state);
  a("created_at", x.created_at);
  a("next_at", x.next_at);
  a("give_up_at", x.give_up_at);
  a("finished_at", x.finished_at);
  a("created_by", x.created_by, size_max(kNameBytesMax));
  a("attempts", x.attempts, size_max(kListMax));
  a.rule("kind", x.kind != BundleKind::internet_only, "must be dual or intranet: client push is for computers on the intranet");
}

// ---- devices and what they report

template <class A> void fields(A& a, Device& x) {
  a("client_id", x.client_id, required(), client_id());
  a("name", x.name, size_max(kNameBytesMax));
  a("fqdn", x.fqdn, size_max(kNameBytesMax));
  a("approval", x.approval);
  a("pki", x.pki);
  a("blocked", x.blocked);
  a("block_reason", x.block_reason, size_max(kTextBytesMax));
  a("conflict", x.conflict);
  a("connection", x.connection);
  a("key_fingerprint", x.key_fingerprint, size_max(128));
  a("tls_fingerprint", x.tls_fingerprint, size_max(128));
  a("agent_version", x.agent_version, size_max(kNameBytesMax));
  a("last_address", x.last_address, size_max(kNameBytesMax));
  a("last_management_point", x.last_management_point, size_max(kNameBytesMax));
  a("registered_at", x.registered_at);
  a("last_policy_at", x.last_policy_at);
  a("last_heartbeat_at", x.last_heartbeat_at);
  a("last_hardware_at", x.last_hardware_at);
  a("last_software_at", x.last_software_at);
  a("last_state_at", x.last_state_at);
  a("state_serial", x.state_serial);
  a("state_resync", x.state_resync);
  a("hardware_resync", x.hardware_resync);
  a("software_resync", x.software_resync);
  a("agent_counter", x.agent_counter);
}
template <class A> void fields(A& a, InventoryInstance& x) {
  a("class_name", x.class_name, name());
  a("content", x.content);
  a("properties", x.properties, size_max(kListMax));
  a("key", x.key, size_max(4096));
}
template <class A> void fields(A& a, StateMessage& x) {
  a("client_id", x.client_id, required(), client_id());
  a("serial", x.serial, range(0, INT64_MAX));
  a("topic_type", x.topic_type);
  a("topic_id", x.topic_id, size_max(4096));
  a("topic_id_type", x.topic_id_type);
  a("state_id", x.state_id);
  a("criticality", x.criticality);
  a("parameters", x.parameters, size_max(kListMax));
  a("sent_at", x.sent_at);
  a("received_at", x.received_at);
}
template <class A> void fields(A& a, StatusEvent& x) {
  a("id", x.id);
  a("at", x.at);
  a("severity", x.severity, range(0, 2));
  a("component", x.component, size_max(kNameBytesMax));
  a("client_id", x.client_id, client_id());
  a("text", x.text, size_max(kTextBytesMax));
}

// ---- content and site systems

template <class A> void fields(A& a, ContentVersion& x) {
  a("content_id", x.content_id, required(), content_id());
  a("owner_id", x.owner_id, size_max(64));
  a("bytes", x.bytes, range(0, INT64_MAX));
  a("files", x.files, range(0, INT64_MAX));
  a("root_hash", x.root_hash, sha256());
  a("source_path", x.source_path, size_max(4096));
  a("created_at", x.created_at);
}
template <class A> void fields(A& a, DistributionPoint& x) {
  a("name", x.name, required(), host());
  a("intranet_url", x.intranet_url, size_max(2048), url());
  a("internet_url", x.internet_url, size_max(2048), url());
  a("connections", x.connections);
  a("local", x.local);
  a("pull", x.pull);
  a("pull_sources", x.pull_sources, size_max(100), each(host()));
  a("maintenance", x.maintenance);
  a("validate_every_h", x.validate_every_h, range(0, 24 * 366));
  a("validated_at", x.validated_at);
  a("push_url", x.push_url, size_max(2048), url());
  a("over_link", x.over_link);
  a.rule("internet_url", !x.internet_url.starts_with("http://"), "must be https: internet clients use nothing else");
  a.rule("pull_sources", !x.pull || !x.pull_sources.empty(), "must name at least one source for a pull distribution point");
}
template <class A> void fields(A& a, Distribution& x) {
  a("dp", x.dp, required(), host());
  a("content_id", x.content_id, required(), content_id());
  a("state", x.state);
  a("detail", x.detail, size_max(kTextBytesMax));
  a("bytes_done", x.bytes_done, range(0, INT64_MAX));
  a("attempts", x.attempts, range(0, INT32_MAX));
  a("updated_at", x.updated_at);
}
template <class A> void fields(A& a, ManagementPoint& x) {
  a("name", x.name, required(), host());
  a("intranet_url", x.intranet_url, size_max(2048), url());
  a("internet_url", x.internet_url, size_max(2048), url());
  a("connections", x.connections);
  a("fingerprint", x.fingerprint, sha256());
  a("link", x.link, size_max(300), host_and_port());
  a("site_code", x.site_code, grammar<parse_site_code>());
  a("subnets", x.subnets, size_max(kListMax), each(subnet()));
  a("gateway", x.gateway);
  a.rule("internet_url", !x.internet_url.starts_with("http://"), "must be https: internet clients use nothing else");
}

}  // namespace fp::wire::fields

#include "wire/model_json_boundary_fields.hpp"  // which stand on what is above
#include "wire/model_json_enrollment_fields.hpp"
