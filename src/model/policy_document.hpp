// What a deployment policy carries to the agent: everything it needs to decide and act while the server is away.
// Made by roles/site, encoded as JSON inside a policy instance (docs/protocol.md), read by agent/core. Plain values.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "model/application.hpp"
#include "model/collection.hpp"
#include "model/deployment.hpp"
#include "model/task_sequence.hpp"

namespace fp {

struct ContentReference {
  std::string content_id;  // with version
  std::string root_hash;   // of the manifest; what makes any source good enough
  std::int64_t bytes = 0;
  std::string vendor_url;  // asked first on the internet (DeploymentType::vendor_url); empty: distribution points only
};

struct DeploymentDocument {
  Deployment deployment;
  std::optional<Application> application;  // kind application
  std::vector<Application> related;        // dependencies (5 deep) and superseded applications
  std::optional<Package> package;          // kind package
  std::optional<TaskSequence> sequence;    // kind task_sequence; its applications stand in `related`
  std::vector<TaskSequence> children;      // sequences that it runs
  std::vector<Package> packages;           // packages of its steps
  std::vector<ContentReference> contents;  // of all of the above
};

// Classes of policy instances that our agent reads. The others (NAA, task sequence) are for third-party clients.
namespace policy_class {
inline constexpr const char* kDeployment = "FP_Deployment";            // property Document: DeploymentDocument as JSON
inline constexpr const char* kClientSettings = "FP_ClientSettings";    // one property per setting
inline constexpr const char* kServiceWindows = "FP_ServiceWindows";    // property Document: [MaintenanceWindow] as JSON; one per collection
inline constexpr const char* kUpdateSource = "FP_UpdateSource";        // SourceID (GUID), ContentVersion: where updates are scanned for
inline constexpr const char* kCollectionVariable = "CCM_CollectionVariable";
inline constexpr const char* kTaskSequence = "CCM_TaskSequence";
inline constexpr const char* kNetworkAccessAccount = "CCM_NetworkAccessAccount";
}  // namespace policy_class

// Among the client settings of the default object, not an administrator's: DER in base64, what clients seal to the site with.
inline constexpr const char* kSealingSetting = "site.sealing_certificate";

namespace policy_category {
inline constexpr const char* kDeployment = "ApplicationDeployment";
inline constexpr const char* kClientSettings = "ClientSettings";
inline constexpr const char* kServiceWindows = "ServiceWindows";
inline constexpr const char* kCollectionSettings = "CollectionSettings";
inline constexpr const char* kTaskSequence = "TaskSequence";
inline constexpr const char* kNetworkAccessAccount = "NAAConfig";
inline constexpr const char* kUpdateSource = "UpdateSource";
}  // namespace policy_category

}  // namespace fp
