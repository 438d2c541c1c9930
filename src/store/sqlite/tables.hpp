// The repositories of store.hpp over one connection each. Private to this room; one thread at a time. Each .cpp holds the SQL
// of its tables. They run inside the transaction that session.cpp opened and never end it.
#pragma once
#include "store/sqlite/database.hpp"
#include "store/store.hpp"

namespace fp::store::sqlite {

// What all repositories of a connection share.
struct Context {
  Database& db;
  Instant change;                          // of the function that runs; only in write()
  std::int64_t replay_entries = -1;        // about how many; -1: not counted yet
};

class DevicesTable final : public Devices {
 public:
  explicit DevicesTable(Context& context) : c_(context) {}
  Result<Device> find(std::string_view client_id) override;
  Result<Device> find_by_key(std::string_view key_fingerprint) override;
  Result<std::vector<Device>> find_by_name(std::string_view name) override;
  Result<std::vector<Device>> list(const DeviceFilter& filter) override;
  Result<std::int64_t> count() override;
  Result<std::vector<DeviceChange>> changed_since(Instant since, int limit) override;
  Status put(const Device& device) override;
  Status remove(std::string_view client_id) override;

 private:
  Context& c_;
};

class CollectionsTable final : public Collections {
 public:
  explicit CollectionsTable(Context& context) : c_(context) {}
  Result<Collection> find(std::string_view id) override;
  Result<std::vector<Collection>> list() override;
  Status put(const Collection& collection) override;
  Status remove(std::string_view id) override;
  Result<std::vector<CollectionMember>> members(std::string_view id) override;
  Result<bool> is_member(std::string_view id, std::string_view client_id) override;
  Result<std::vector<std::string>> of_device(std::string_view client_id) override;
  Status set_members(std::string_view id, const std::vector<CollectionMember>& members) override;
  Status add_member(std::string_view id, const CollectionMember& member) override;
  Status remove_member(std::string_view id, std::string_view client_id) override;
  Result<std::vector<std::string>> run_query(const Query& query, const std::vector<std::string>* only) override;

 private:
  [[nodiscard]] Status require(std::string_view id);
  [[nodiscard]] Status recount(std::string_view id);
  Context& c_;
};

class SoftwareTable final : public Software {
 public:
  explicit SoftwareTable(Context& context) : c_(context) {}
  Result<Application> find_application(std::string_view id) override;
  Result<std::vector<Application>> list_applications() override;
  Status put_application(const Application& application) override;
  Status remove_application(std::string_view id) override;
  Result<Package> find_package(std::string_view id) override;
  Result<std::vector<Package>> list_packages() override;
  Status put_package(const Package& package) override;
  Status remove_package(std::string_view id) override;
  Result<TaskSequence> find_task_sequence(std::string_view id) override;
  Result<std::vector<TaskSequence>> list_task_sequences() override;
  Status put_task_sequence(const TaskSequence& sequence) override;
  Status remove_task_sequence(std::string_view id) override;

 private:
  Context& c_;
};

class DeploymentsTable final : public Deployments {
 public:
  explicit DeploymentsTable(Context& context) : c_(context) {}
  Result<Deployment> find(std::string_view id) override;
  Result<std::vector<Deployment>> list() override;
  Status put(const Deployment& deployment) override;
  Status remove(std::string_view id) override;
  Status put_state(const DeploymentState& state) override;
  Result<DeploymentState> state(std::string_view id, std::string_view client_id) override;
  Result<std::vector<DeploymentState>> states(std::string_view id, int limit, std::string_view after_client) override;
  Result<std::vector<DeploymentState>> states_of_device(std::string_view client_id) override;
  Result<DeploymentSummary> summary(std::string_view id) override;

 private:
  Context& c_;
};

class PoliciesTable final : public Policies {
 public:
  explicit PoliciesTable(Context& context) : c_(context) {}
  Result<Policy> find(std::string_view id, std::string_view version) override;
  Result<std::vector<Policy>> list_by_source(std::string_view source_id) override;
  Status put(const Policy& policy, const std::vector<std::string>& collection_ids) override;
  Status remove(std::string_view id) override;
  Result<std::vector<PolicyAssignment>> for_device(std::string_view client_id) override;
  Result<std::vector<PolicyAssignment>> for_device_since(std::string_view client_id, Instant since) override;
  Result<Instant> latest_change(std::string_view client_id) override;
  Result<bool> is_for_device(std::string_view policy_id, std::string_view client_id) override;
  Result<Instant> complete_since() override;

 private:
  Context& c_;
};

class InventoryTable final : public Inventory {
 public:
  explicit InventoryTable(Context& context) : c_(context) {}
  Status apply(const InventoryReport& report, std::string_view kind) override;
  Result<std::vector<InventoryInstance>> instances(std::string_view client_id, std::string_view class_name) override;
  Result<std::vector<std::string>> classes() override;
  Status remove_device(std::string_view client_id) override;

 private:
  [[nodiscard]] Status put_instance(const InventoryReport& report, std::string_view kind, const InventoryInstance& instance);
  [[nodiscard]] Result<bool> follows(const InventoryReport& report, std::string_view kind);
  Context& c_;
};

class StatesTable final : public States {
 public:
  explicit StatesTable(Context& context) : c_(context) {}
  Result<bool> add(const StateMessage& message) override;
  Result<std::vector<StateMessage>> of_device(std::string_view client_id, int limit) override;
  Result<std::vector<std::int64_t>> gaps(std::string_view client_id, int limit) override;
  Status clear_gaps(std::string_view client_id) override;
  Status begin_anew(std::string_view client_id) override;
  Status add_event(const StatusEvent& event) override;
  Result<std::vector<StatusEvent>> events(std::string_view client_id, int limit) override;

 private:
  Context& c_;
};

class FallbackTable final : public Fallback {
 public:
  explicit FallbackTable(Context& context) : c_(context) {}
  Result<bool> add(const FallbackMessage& message) override;
  Result<std::vector<FallbackMessage>> messages(const FallbackFilter& filter) override;
  Result<FallbackPoint> find_point(std::string_view name) override;
  Result<std::vector<FallbackPoint>> points() override;
  Status put_point(const FallbackPoint& point) override;
  Status remove_point(std::string_view name) override;

 private:
  Context& c_;
};

class ContentsTable final : public Contents {
 public:
  explicit ContentsTable(Context& context) : c_(context) {}
  Result<ContentVersion> find(std::string_view content_id) override;
  Result<std::vector<ContentVersion>> list() override;
  Status put(const ContentVersion& content) override;
  Status remove(std::string_view content_id) override;
  Result<DistributionPoint> find_dp(std::string_view name) override;
  Result<std::vector<DistributionPoint>> list_dps() override;
  Status put_dp(const DistributionPoint& dp) override;
  Status remove_dp(std::string_view name) override;
  Result<std::vector<Distribution>> distributions(std::string_view content_id) override;
  Status put_distribution(const Distribution& distribution) override;
  Status remove_distribution(std::string_view dp, std::string_view content_id) override;

 private:
  Context& c_;
};

class AdministrationTable final : public Administration {
 public:
  explicit AdministrationTable(Context& context) : c_(context) {}
  Result<Administrator> find(std::string_view name) override;
  Result<Administrator> find_by_token_hash(std::string_view hash) override;
  Result<std::vector<Administrator>> list() override;
  Status put(const Administrator& administrator) override;
  Status remove(std::string_view name) override;
  Status audit(AuditLine line) override;
  Result<std::vector<AuditLine>> audit_lines(std::int64_t before_id, int limit) override;
  Result<std::vector<ClientSettings>> settings() override;
  Status put_settings(const ClientSettings& settings) override;
  Status remove_settings(std::string_view id) override;
  Result<std::vector<CustomRole>> roles() override;
  Status put_role(const CustomRole& role) override;
  Status remove_role(std::string_view name) override;

 private:
  Context& c_;
};

class BoundariesTable final : public Boundaries {
 public:
  explicit BoundariesTable(Context& context) : c_(context) {}
  Result<Boundary> find(std::string_view id) override;
  Result<std::vector<Boundary>> list() override;
  Status put(const Boundary& boundary) override;
  Status remove(std::string_view id) override;
  Result<BoundaryGroup> find_group(std::string_view id) override;
  Result<std::vector<BoundaryGroup>> list_groups() override;
  Status put_group(const BoundaryGroup& group) override;
  Status remove_group(std::string_view id) override;
  Result<BoundarySettings> settings() override;
  Status put_settings(const BoundarySettings& settings) override;
  Result<std::int64_t> revision() override;

 private:
  [[nodiscard]] Status write_group(const BoundaryGroup& group);
  [[nodiscard]] Status changed();
  Context& c_;
};

class ClientPushesTable final : public ClientPushes {
 public:
  explicit ClientPushesTable(Context& context) : c_(context) {}
  Result<ClientPush> find(std::string_view id) override;
  Result<std::vector<ClientPush>> list() override;
  Result<ClientPush> find_open(std::string_view host) override;
  Result<std::vector<ClientPush>> due(Instant now, int limit) override;
  Status put(const ClientPush& push) override;
  Status remove(std::string_view id) override;
  Result<std::int64_t> forget_finished(Instant before) override;

 private:
  Context& c_;
};

class EnrollmentsTable final : public Enrollments {
 public:
  explicit EnrollmentsTable(Context& context) : c_(context) {}
  Result<EnrollmentToken> find_token(std::string_view id) override;
  Result<EnrollmentToken> find_token_by_hash(std::string_view hash) override;
  Result<std::vector<EnrollmentToken>> tokens() override;
  Status put_token(const EnrollmentToken& token) override;
  Result<Enrollment> find(std::string_view serial) override;
  Result<Enrollment> find_by_key(std::string_view key_fingerprint) override;
  Result<std::vector<Enrollment>> renewals_of(std::string_view key_fingerprint) override;
  Result<std::vector<Enrollment>> list(int limit) override;
  Status put(const Enrollment& enrollment) override;
  Result<EnrollmentProxyPoint> find_proxy(std::string_view name) override;
  Result<std::vector<EnrollmentProxyPoint>> proxies() override;
  Status put_proxy(const EnrollmentProxyPoint& point) override;
  Status remove_proxy(std::string_view name) override;

 private:
  Context& c_;
};

class UpdatesTable final : public Updates {
 public:
  explicit UpdatesTable(Context& context) : c_(context) {}
  Result<SoftwareUpdate> find(std::string_view id) override;
  Result<std::vector<SoftwareUpdate>> find_by_package(std::string_view package) override;
  Result<std::vector<SoftwareUpdate>> list(const UpdateFilter& filter) override;
  Result<std::int64_t> put(const SoftwareUpdate& update) override;
  Status remove(std::string_view id) override;
  Result<std::vector<UpdateSourceState>> sources() override;
  Status put_source(const UpdateSourceState& source) override;
  Status remove_source(std::string_view name) override;
  Result<std::vector<SoftwareUpdatePoint>> points() override;
  Status put_point(const SoftwareUpdatePoint& point) override;
  Status remove_point(std::string_view name) override;
  Status put_state(const UpdateState& state) override;
  Result<std::vector<UpdateState>> states(std::string_view id, int limit, std::string_view after_client) override;
  Result<std::vector<UpdateState>> states_of_device(std::string_view client_id) override;
  Status put_scan(const UpdateScan& scan) override;
  Result<UpdateScan> scan(std::string_view client_id) override;
  Result<std::map<std::string, UpdateCounts>> counts(std::string_view id) override;

 private:
  Context& c_;
};

class SiteTable final : public Site {
 public:
  explicit SiteTable(Context& context) : c_(context) {}
  Result<std::string> value(std::string_view name) override;
  Status set_value(std::string_view name, std::string_view value) override;
  Result<std::string> next_object_id(std::string_view site_code) override;
  Result<bool> first_time(std::string_view client_id, std::string_view key, Instant forget_at) override;
  Status forget_before(Instant at) override;
  Result<Forgotten> forget_older(const Retention& than, std::int64_t rows) override;
  Result<std::vector<ManagementPoint>> management_points() override;
  Status put_management_point(const ManagementPoint& mp) override;
  Status remove_management_point(std::string_view name) override;

 private:
  [[nodiscard]] Result<std::int64_t> forget_states(Instant than, std::int64_t rows);
  [[nodiscard]] Result<std::int64_t> forget_tombstones(Instant than, std::int64_t rows);
  Context& c_;
};

// Everything of one connection.
struct Tables {
  explicit Tables(Database& db) : context{db, {}, -1} {}
  Context context;
  DevicesTable devices{context};
  CollectionsTable collections{context};
  SoftwareTable software{context};
  DeploymentsTable deployments{context};
  PoliciesTable policies{context};
  InventoryTable inventory{context};
  StatesTable states{context};
  FallbackTable fallback{context};
  ContentsTable contents{context};
  AdministrationTable administration{context};
  ClientPushesTable client_pushes{context};
  EnrollmentsTable enrollments{context};
  SiteTable site{context};
  BoundariesTable boundaries{context};
  UpdatesTable updates{context};
  [[nodiscard]] Repositories repositories() {
    return {devices,  collections,    software,      deployments, policies, inventory,  states,  fallback,
            contents, administration, client_pushes, enrollments, site,     boundaries, updates, context.change};
  }
};

}  // namespace fp::store::sqlite
