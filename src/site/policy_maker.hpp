// Makes policy of what administrators decide, and signs it. One source (a deployment, a settings object, a collection) makes
// one policy of a kind; its id follows from the source, its version counts up, so that a change reaches clients as a delta.
// Any thread; called inside the write() that changes the source, so that there is never a change without its policy.
// Costs one RSA signature (about 1 ms) for each policy that really changed; nothing where the body is the same.
// Never: touches a device, opens a socket, or puts a secret into a body that is not flagged secret.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/policy_document.hpp"
#include "store/store.hpp"

namespace fp::site {

class PolicyMaker {
 public:
  using Sign = std::function<Result<std::string>(std::string_view text)>;  // raw RSA-SHA256 by the site signing key
  PolicyMaker(std::string site_code, Sign sign);
  // The certificate (DER) that clients seal to the site with: it travels with the default settings. Before the first settings().
  void seal_to(std::string_view certificate_der);

  // The policy of a deployment; a disabled one has none. Code::not_found names what the deployment refers to and is not there.
  [[nodiscard]] Status deployment(store::Repositories& r, const Deployment& deployment) const;
  // Every deployment that carries this application (itself, as a dependency or superseded, or in a step), package or task sequence.
  [[nodiscard]] Status software_changed(store::Repositories& r, std::string_view software_id) const;
  // The policy of a settings object. Targets: its collections; the default object: all systems.
  [[nodiscard]] Status settings(store::Repositories& r, const ClientSettings& settings) const;
  // Maintenance windows and variables of a collection.
  [[nodiscard]] Status collection(store::Repositories& r, const Collection& collection) const;
  // Where updates are scanned for (domain.md §12.2): the catalogue and its version, for every device. `source_id`: a GUID.
  [[nodiscard]] Status update_source(store::Repositories& r, std::string_view source_id, std::int64_t content_version) const;
  // A policy with a body of other making (samples for third-party clients).
  [[nodiscard]] Status raw(store::Repositories& r, std::string_view source_id, std::string_view category, unsigned flags,
                           const std::function<std::string(std::string_view id, std::string_view version)>& body,
                           const std::vector<std::string>& collection_ids) const;
  // What was made of this source goes; clients get tombstones.
  [[nodiscard]] Status remove(store::Repositories& r, std::string_view source_id) const;

  // What the deployment's policy carries.
  [[nodiscard]] Result<DeploymentDocument> document(store::Repositories& r, const Deployment& deployment) const;

  // The sequences that a sequence runs, and those that they run, each once. Code::not_found; Code::invalid where one runs itself.
  [[nodiscard]] static Result<std::vector<TaskSequence>> children(store::Repositories& r, const TaskSequence& sequence);

 private:
  [[nodiscard]] Status gather(store::Repositories& r, const Application& application, int depth, DeploymentDocument& out) const;
  [[nodiscard]] Status sequence(store::Repositories& r, DeploymentDocument& out) const;
  [[nodiscard]] Status reference(store::Repositories& r, const std::string& content_id, DeploymentDocument& out,
                                 const std::string& vendor_url = {}) const;
  std::string site_code_;
  Sign sign_;
  std::string sealing_certificate_;  // base64
};

}  // namespace fp::site
