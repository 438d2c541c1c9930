// JSON of the nouns in model/: the admin API's bodies, the documents inside policy, the nested columns of storage.
// Any thread; pure. Cost: one pass over the text. Fields are the members' names, times ISO-8601 in UTC (null: never),
// enums lower_snake words. An absent field takes the default of the struct; an unknown one is refused by its name.
// Every decoder answers Code::invalid (Code::too_large for the whole text) with the path of the mistake in the message:
// "types[0].detection[1].path: must be an absolute path". Never: throws, or lets a limit of domain.md §13, §14, §19 pass.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/administration.hpp"
#include "model/application.hpp"
#include "model/boundary.hpp"
#include "model/client_push.hpp"
#include "model/collection.hpp"
#include "model/content.hpp"
#include "model/deployment.hpp"
#include "model/device.hpp"
#include "model/enrollment.hpp"
#include "model/policy_document.hpp"
#include "model/report.hpp"

namespace fp::wire {

// Whether values of secret variables are written; hidden ones appear as "".
enum class Secrets { hidden, shown };

[[nodiscard]] std::string to_json(const Application& value);
[[nodiscard]] std::string to_json(const Package& value);
[[nodiscard]] std::string to_json(const TaskSequence& value, Secrets secrets = Secrets::hidden);
[[nodiscard]] std::string to_json(const Deployment& value);
[[nodiscard]] std::string to_json(const DeploymentState& value);
[[nodiscard]] std::string to_json(const DeploymentSummary& value);
[[nodiscard]] std::string to_json(const DeploymentDocument& value);  // with its secrets: it travels in a policy
[[nodiscard]] std::string to_json(const Collection& value, Secrets secrets = Secrets::hidden);
[[nodiscard]] std::string to_json(const CollectionMember& value);
[[nodiscard]] std::string to_json(const std::vector<MaintenanceWindow>& value);
[[nodiscard]] std::string to_json(const ClientSettings& value);
[[nodiscard]] std::string to_json(const Administrator& value);  // never the token hash
[[nodiscard]] std::string to_json(const AuditLine& value);
[[nodiscard]] std::string to_json(const Device& value);         // without the certificates
[[nodiscard]] std::string to_json(const DistributionPoint& value);
[[nodiscard]] std::string to_json(const ManagementPoint& value);
[[nodiscard]] std::string to_json(const Boundary& value);
[[nodiscard]] std::string to_json(const BoundaryGroup& value);
[[nodiscard]] std::string to_json(const BoundarySettings& value);
[[nodiscard]] std::string to_json(const Distribution& value);
[[nodiscard]] std::string to_json(const ContentVersion& value);
[[nodiscard]] std::string to_json(const StateMessage& value);
[[nodiscard]] std::string to_json(const StatusEvent& value);
[[nodiscard]] std::string to_json(const InventoryInstance& value);

[[nodiscard]] Result<Application> application_from_json(std::string_view text);
[[nodiscard]] Result<Package> package_from_json(std::string_view text);
[[nodiscard]] Result<TaskSequence> task_sequence_from_json(std::string_view text);  // names every mistake, a line each
[[nodiscard]] Result<Deployment> deployment_from_json(std::string_view text);
[[nodiscard]] Result<DeploymentState> deployment_state_from_json(std::string_view text);
[[nodiscard]] Result<DeploymentSummary> deployment_summary_from_json(std::string_view text);
[[nodiscard]] Result<DeploymentDocument> deployment_document_from_json(std::string_view text);
[[nodiscard]] Result<Collection> collection_from_json(std::string_view text);
[[nodiscard]] Result<CollectionMember> collection_member_from_json(std::string_view text);
[[nodiscard]] Result<std::vector<MaintenanceWindow>> windows_from_json(std::string_view text);
[[nodiscard]] Result<ClientSettings> client_settings_from_json(std::string_view text);
[[nodiscard]] Result<Administrator> administrator_from_json(std::string_view text);
[[nodiscard]] Result<AuditLine> audit_line_from_json(std::string_view text);
[[nodiscard]] Result<Device> device_from_json(std::string_view text);
[[nodiscard]] Result<DistributionPoint> distribution_point_from_json(std::string_view text);
[[nodiscard]] Result<ManagementPoint> management_point_from_json(std::string_view text);
[[nodiscard]] Result<Boundary> boundary_from_json(std::string_view text);
[[nodiscard]] Result<BoundaryGroup> boundary_group_from_json(std::string_view text);
[[nodiscard]] Result<BoundarySettings> boundary_settings_from_json(std::string_view text);
[[nodiscard]] Result<Distribution> distribution_from_json(std::string_view text);
[[nodiscard]] Result<ContentVersion> content_version_from_json(std::string_view text);
[[nodiscard]] Result<StateMessage> state_message_from_json(std::string_view text);
[[nodiscard]] Result<StatusEvent> status_event_from_json(std::string_view text);
[[nodiscard]] Result<InventoryInstance> inventory_instance_from_json(std::string_view text);

}  // namespace fp::wire
