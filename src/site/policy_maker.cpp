#include "site/policy_maker.hpp"

#include <algorithm>
#include <set>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "crypto/policy_secret.hpp"
#include "domain/tasksequence/program.hpp"
#include "wire/model_json.hpp"
#include "wire/policy.hpp"
#include "wire/policy_body.hpp"

namespace fp::site {
namespace {

constexpr int kDepthMax = 5;  // dependencies and supersedence (domain.md §13)

// The id of a policy follows from its source, so that making it again replaces it: a name-based GUID over SHA-256.
std::string policy_id_of(std::string_view site_code, std::string_view source_id, std::string_view category) {
  std::string h = hex(crypto::sha256(fmt::format("farpoint-policy\n{}\n{}\n{}", site_code, source_id, category))).substr(0, 32);
  h[12] = '8';  // RFC 9562: a version of one's own making
  h[16] = 'A';
  return fmt::format("{}-{}-{}-{}-{}", h.substr(0, 8), h.substr(8, 4), h.substr(12, 4), h.substr(16, 4), h.substr(20));
}

std::string next_version(std::string_view version) {
  const auto major = parse_int(version.substr(0, version.find('.')));
  return fmt::format("{}.00", major ? *major + 1 : 1);
}

// The same secret gives the same text each time, so that an unchanged policy stays the same policy.
class FixedSeed final : public Random {
 public:
  explicit FixedSeed(std::string seed) : seed_(std::move(seed)) {}
  std::string bytes(std::size_t count) override {
    std::string out;
    while (out.size() < count) out += seed_ = crypto::sha256(seed_);
    out.resize(count);
    return out;
  }

 private:
  std::string seed_;
};

std::set<std::string> software_of(const DeploymentDocument& document) {
  std::set<std::string> ids;
  if (document.application) ids.insert(document.application->id);
  for (const auto& a : document.related) ids.insert(a.id);
  if (document.package) ids.insert(document.package->id);
  for (const auto& p : document.packages) ids.insert(p.id);
  if (document.sequence) ids.insert(document.sequence->id);
  for (const auto& s : document.children) ids.insert(s.id);
  return ids;
}

}  // namespace

PolicyMaker::PolicyMaker(std::string site_code, Sign sign) : site_code_(std::move(site_code)), sign_(std::move(sign)) {}

Status PolicyMaker::raw(store::Repositories& r, std::string_view source_id, std::string_view category, unsigned flags,
                        const std::function<std::string(std::string_view, std::string_view)>& body,
                        const std::vector<std::string>& collection_ids) const {
  Policy policy;
  policy.id = policy_id_of(site_code_, source_id, category);
  policy.category = category;
  policy.flags = flags;
  policy.source_id = source_id;
  policy.version = "1.00";
  FP_TRY(earlier, r.policies.list_by_source(source_id));
  for (const auto& e : earlier) {
    if (e.id != policy.id) continue;
    const bool same = e.flags == flags && e.body == body(e.id, e.version);
    policy.version = same ? e.version : next_version(e.version);
  }
  policy.body = body(policy.id, policy.version);
  policy.hash = hex(crypto::sha256(wire::policy_body_bytes(policy.body)));
  for (const auto& e : earlier)
    if (e.id == policy.id && e.version == policy.version) policy.signature = e.signature;
  if (policy.signature.empty()) {
    FP_TRY(signature, sign_(wire::assignment_signing_text(policy.id, policy.version, policy.category, policy.flags, policy.hash)));
    policy.signature = std::move(signature);
  }
  return r.policies.put(policy, collection_ids);
}

Status PolicyMaker::reference(store::Repositories& r, const std::string& content_id, DeploymentDocument& out,
                              const std::string& vendor_url) const {
  if (content_id.empty()) return {};
  for (const auto& c : out.contents)
    if (c.content_id == content_id) return {};
  auto content = r.contents.find(content_id);
  if (!content) return std::unexpected(content.error().with_context("content " + content_id));
  out.contents.push_back({content_id, content->root_hash, content->bytes, vendor_url});
  return {};
}

Status PolicyMaker::gather(store::Repositories& r, const Application& application, int depth, DeploymentDocument& out) const {
  for (const auto& type : application.types) FP_CHECK(reference(r, type.content_id, out, type.vendor_url));
  if (depth == kDepthMax) return {};
  std::vector<std::string> wanted;
  for (const auto& type : application.types)
    for (const auto& group : type.dependencies)
      for (const auto& item : group.items) wanted.push_back(item.application_id);
  for (const auto& s : application.supersedes) wanted.push_back(s.application_id);
  for (const auto& id : wanted) {
    if (software_of(out).contains(id)) continue;
    auto related = r.software.find_application(id);
    if (!related)
      return std::unexpected(related.error().with_context(fmt::format("application {} that {} refers to", id, application.name)));
    out.related.push_back(*related);
    FP_CHECK(gather(r, *related, depth + 1, out));
  }
  return {};
}

Result<std::vector<TaskSequence>> PolicyMaker::children(store::Repositories& r, const TaskSequence& sequence) {
  std::vector<TaskSequence> out;
  const auto add = [&](const TaskSequence& of) -> Status {
    for (const auto& id : tasksequence::references(of).sequences) {
      const auto known = [&](const TaskSequence& s) { return s.id == id; };
      if (id == sequence.id || std::ranges::any_of(out, known)) continue;
      auto child = r.software.find_task_sequence(id);
      if (!child) return std::unexpected(child.error().with_context(fmt::format("task sequence {} that {} runs", id, of.name)));
      out.push_back(std::move(*child));
    }
    return {};
  };
  FP_CHECK(add(sequence));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const TaskSequence child = out[i];  // the list moves as it grows
    FP_CHECK(add(child));
  }
  FP_TRY(checked, tasksequence::make_program(sequence, out));
  (void)checked;
  return out;
}

// What the steps of the sequence, and of those that it runs, install.
Status PolicyMaker::sequence(store::Repositories& r, DeploymentDocument& out) const {
  FP_TRY(below, children(r, *out.sequence));
  out.children = std::move(below);
  std::vector<const TaskSequence*> all = {&*out.sequence};
  for (auto& child : out.children) all.push_back(&child);
  for (const auto* one : all) {
    const auto names = tasksequence::references(*one);
    for (const auto& id : names.applications) {
      if (software_of(out).contains(id)) continue;
      auto application = r.software.find_application(id);
      if (!application) return std::unexpected(application.error().with_context(fmt::format("application {} that {} installs", id, one->name)));
      out.related.push_back(*application);
      FP_CHECK(gather(r, *application, 0, out));
    }
    for (const auto& id : names.packages) {
      if (software_of(out).contains(id)) continue;
      auto package = r.software.find_package(id);
      if (!package) return std::unexpected(package.error().with_context(fmt::format("package {} of {}", id, one->name)));
      if (package->content_version > 0) FP_CHECK(reference(r, fmt::format("{}.{}", package->id, package->content_version), out));
      out.packages.push_back(std::move(*package));
    }
  }
  return {};
}

Result<DeploymentDocument> PolicyMaker::document(store::Repositories& r, const Deployment& deployment) const {
  DeploymentDocument out;
  out.deployment = deployment;
  out.deployment.changed_at = {};   // bookkeeping of the site: a new time alone is not a new policy
  out.deployment.created_by.clear();
  if (deployment.kind == DeploymentKind::application) {
    auto application = r.software.find_application(deployment.target_id);
    if (!application) return std::unexpected(application.error().with_context("application " + deployment.target_id));
    out.application = *application;
    FP_CHECK(gather(r, *application, 0, out));
    return out;
  }
  if (deployment.kind == DeploymentKind::task_sequence) {
    auto found = r.software.find_task_sequence(deployment.target_id);
    if (!found) return std::unexpected(found.error().with_context("task sequence " + deployment.target_id));
    out.sequence = *found;
    FP_CHECK(sequence(r, out));
    return out;
  }
  auto package = r.software.find_package(deployment.target_id);
  if (!package) return std::unexpected(package.error().with_context("package " + deployment.target_id));
  bool known = false;
  for (const auto& program : package->programs) known |= program.name == deployment.program;
  if (!known) return fail(Code::not_found, "package {} has no program {}", package->name, deployment.program);
  out.package = *package;
  if (package->content_version > 0) FP_CHECK(reference(r, fmt::format("{}.{}", package->id, package->content_version), out));
  return out;
}

Status PolicyMaker::deployment(store::Repositories& r, const Deployment& deployment) const {
  if (!deployment.enabled) return remove(r, deployment.id);
  FP_TRY(doc, document(r, deployment));
  const std::string json = wire::to_json(doc);
  const auto body = [&](std::string_view id, std::string_view version) {
    wire::PolicyBody policy{std::string(id), std::string(version), "SMS:" + site_code_, {}, {}};
    if (doc.sequence)
      policy.instances.push_back({policy_class::kTaskSequence, {{"PKG_Name", doc.sequence->name},
                                                                {"PKG_PackageID", doc.sequence->id},
                                                                {"ADV_AdvertisementID", deployment.id}}});
    policy.instances.push_back({policy_class::kDeployment, {{"DeploymentID", deployment.id}, {"Document", json}}});
    return wire::encode_policy_body(policy);
  };
  if (doc.sequence) {
    // Its variables may be secret, so the body is sealed to each device.
    const unsigned flags = policy_flag::kTaskSequence | policy_flag::kSecret | policy_flag::kRequiresAuth |
                           (deployment.allow_internet ? 0U : policy_flag::kIntranetOnly);
    return raw(r, deployment.id, policy_category::kTaskSequence, flags, body, {deployment.collection_id});
  }
  return raw(r, deployment.id, policy_category::kDeployment, 0, body, {deployment.collection_id});
}

Status PolicyMaker::software_changed(store::Repositories& r, std::string_view software_id) const {
  FP_TRY(deployments, r.deployments.list());
  for (const auto& d : deployments) {
    if (!d.enabled) continue;
    FP_TRY(doc, document(r, d));
    if (software_of(doc).contains(std::string(software_id))) FP_CHECK(deployment(r, d));
  }
  return {};
}

void PolicyMaker::seal_to(std::string_view certificate_der) { sealing_certificate_ = base64(certificate_der); }

Status PolicyMaker::settings(store::Repositories& r, const ClientSettings& settings) const {
  const bool is_default = settings.id == site_code_ + "00000";
  const auto body = [&](std::string_view id, std::string_view version) {
    wire::PolicyBody policy{std::string(id), std::string(version), "SMS:" + site_code_, {}, {}};
    wire::PolicyInstance instance{policy_class::kClientSettings, {}};
    instance.properties.push_back({"SettingsID", settings.id});
    instance.properties.push_back({"Priority", std::to_string(settings.priority), wire::cim::kUint32});
    for (const auto& [name, value] : settings.values) instance.properties.push_back({name, value});
    if (is_default && !sealing_certificate_.empty()) instance.properties.push_back({std::string(kSealingSetting), sealing_certificate_});
    policy.instances.push_back(std::move(instance));
    return wire::encode_policy_body(policy);
  };
  return raw(r, settings.id, policy_category::kClientSettings, 0, body,
             is_default ? std::vector<std::string>{kAllSystems} : settings.collections);
}

Status PolicyMaker::collection(store::Repositories& r, const Collection& collection) const {
  FP_TRY(earlier, r.policies.list_by_source(collection.id));
  const auto drop = [&](std::string_view category) -> Status {
    for (const auto& e : earlier)
      if (e.category == category) FP_CHECK(r.policies.remove(e.id));
    return {};
  };
  if (collection.windows.empty()) {
    FP_CHECK(drop(policy_category::kServiceWindows));
  } else {
    const auto body = [&](std::string_view id, std::string_view version) {
      wire::PolicyBody policy{std::string(id), std::string(version), "SMS:" + site_code_, {}, {}};
      policy.instances.push_back(
          {policy_class::kServiceWindows, {{"CollectionID", collection.id}, {"Document", wire::to_json(collection.windows)}}});
      return wire::encode_policy_body(policy);
    };
    FP_CHECK(raw(r, collection.id, policy_category::kServiceWindows, 0, body, {collection.id}));
  }
  if (collection.variables.empty()) return drop(policy_category::kCollectionSettings);
  const auto body = [&](std::string_view id, std::string_view version) {
    wire::PolicyBody policy{std::string(id), std::string(version), "SMS:" + site_code_, {}, {}};
    for (const auto& variable : collection.variables) {
      FixedSeed seed(fmt::format("{}\n{}\n{}", collection.id, variable.name, variable.value));
      const auto hidden = crypto::obfuscate(variable.value, crypto::SecretAlgorithm::aes256, seed);
      policy.instances.push_back({policy_class::kCollectionVariable,
                                  {{"Name", variable.name},
                                   {"Value", hidden.value_or(""), wire::cim::kString, true},
                                   {"Masked", variable.secret ? "1" : "0", wire::cim::kBoolean}}});
    }
    return wire::wrap_collection_settings(wire::encode_policy_body(policy));
  };
  return raw(r, collection.id, policy_category::kCollectionSettings, policy_flag::kSecret | policy_flag::kRequiresAuth, body,
             {collection.id});
}

Status PolicyMaker::update_source(store::Repositories& r, std::string_view source_id, std::int64_t content_version) const {
  const auto body = [&](std::string_view id, std::string_view version) {
    wire::PolicyBody policy{std::string(id), std::string(version), "SMS:" + site_code_, {}, {}};
    policy.instances.push_back({policy_class::kUpdateSource, {{"SourceID", std::string(source_id)},
                                                              {"ContentVersion", std::to_string(content_version), wire::cim::kUint32}}});
    return wire::encode_policy_body(policy);
  };
  return raw(r, source_id, policy_category::kUpdateSource, 0, body, {kAllSystems});
}

Status PolicyMaker::remove(store::Repositories& r, std::string_view source_id) const {
  FP_TRY(policies, r.policies.list_by_source(source_id));
  for (const auto& policy : policies) FP_CHECK(r.policies.remove(policy.id));
  return {};
}

}  // namespace fp::site
