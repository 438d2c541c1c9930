// What the site remembers: a dozen repositories, values in and out, behind one seam (design §4 "Memory"). SQLite now,
// PostgreSQL later; store/contract_test.hpp holds every implementation to the same behaviour.
//
// Threads: a Store is used from any thread. read() runs on the calling thread against a consistent snapshot. write()
// runs the function on the one writer, inside a group of others that share a commit: it returns when the function has
// run, with a Ticket that settles when the commit is on the disk. A function that returns an error leaves no trace.
// Never: SQL, connections or row types in these headers; blocking on the network inside a function.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/ticket.hpp"
#include "model/administration.hpp"
#include "model/application.hpp"
#include "model/boundary.hpp"
#include "model/client_push.hpp"
#include "model/collection.hpp"
#include "model/content.hpp"
#include "model/deployment.hpp"
#include "model/device.hpp"
#include "model/enrollment.hpp"
#include "model/fallback.hpp"
#include "model/policy.hpp"
#include "model/query.hpp"
#include "model/report.hpp"
#include "model/task_sequence.hpp"
#include "model/update.hpp"

namespace fp::store {

// Every `put` inserts or replaces by key. `find` of something absent is Code::not_found. Lists are ordered by key.

class Devices {
 public:
  virtual ~Devices() = default;
  virtual Result<Device> find(std::string_view client_id) = 0;
  virtual Result<Device> find_by_key(std::string_view key_fingerprint) = 0;
  virtual Result<std::vector<Device>> find_by_name(std::string_view name) = 0;   // case-insensitive; for conflicts and the CLI
  virtual Result<std::vector<Device>> list(const DeviceFilter& filter) = 0;
  virtual Result<std::int64_t> count() = 0;
  // Devices with a change after `since`, oldest change first, each once: what incremental evaluation works through.
  virtual Result<std::vector<DeviceChange>> changed_since(Instant since, int limit) = 0;
  virtual Status put(const Device& device) = 0;  // a key_fingerprint that another client has: Code::conflict
  virtual Status remove(std::string_view client_id) = 0;
};

class Collections {
 public:
  virtual ~Collections() = default;
  virtual Result<Collection> find(std::string_view id) = 0;
  virtual Result<std::vector<Collection>> list() = 0;
  virtual Status put(const Collection& collection) = 0;
  virtual Status remove(std::string_view id) = 0;  // also its members and policy targets (as of `change`)
  virtual Result<std::vector<CollectionMember>> members(std::string_view id) = 0;
  virtual Result<bool> is_member(std::string_view id, std::string_view client_id) = 0;
  virtual Result<std::vector<std::string>> of_device(std::string_view client_id) = 0;  // collection ids
  // Makes `members` the membership; devices that stay keep their `since`. Those gained and lost get a new change time.
  virtual Status set_members(std::string_view id, const std::vector<CollectionMember>& members) = 0;
  virtual Status add_member(std::string_view id, const CollectionMember& member) = 0;
  virtual Status remove_member(std::string_view id, std::string_view client_id) = 0;
  // Devices that a query selects (client ids, sorted). `only`: restricted to these devices, for incremental evaluation.
  virtual Result<std::vector<std::string>> run_query(const Query& query, const std::vector<std::string>* only = nullptr) = 0;
};

class Software {  // applications, packages and task sequences
 public:
  virtual ~Software() = default;
  virtual Result<Application> find_application(std::string_view id) = 0;  // newest revision
  virtual Result<std::vector<Application>> list_applications() = 0;
  virtual Status put_application(const Application& application) = 0;
  virtual Status remove_application(std::string_view id) = 0;
  virtual Result<Package> find_package(std::string_view id) = 0;
  virtual Result<std::vector<Package>> list_packages() = 0;
  virtual Status put_package(const Package& package) = 0;
  virtual Status remove_package(std::string_view id) = 0;
  virtual Result<TaskSequence> find_task_sequence(std::string_view id) = 0;  // newest revision, with its secrets
  virtual Result<std::vector<TaskSequence>> list_task_sequences() = 0;
  virtual Status put_task_sequence(const TaskSequence& sequence) = 0;
  virtual Status remove_task_sequence(std::string_view id) = 0;
};

class Deployments {
 public:
  virtual ~Deployments() = default;
  virtual Result<Deployment> find(std::string_view id) = 0;
  virtual Result<std::vector<Deployment>> list() = 0;
  virtual Status put(const Deployment& deployment) = 0;
  virtual Status remove(std::string_view id) = 0;
  virtual Status put_state(const DeploymentState& state) = 0;   // an older `at` than the stored one is ignored
  virtual Result<DeploymentState> state(std::string_view id, std::string_view client_id) = 0;
  virtual Result<std::vector<DeploymentState>> states(std::string_view id, int limit, std::string_view after_client) = 0;
  virtual Result<std::vector<DeploymentState>> states_of_device(std::string_view client_id) = 0;
  virtual Result<DeploymentSummary> summary(std::string_view id) = 0;
};

class Policies {
 public:
  virtual ~Policies() = default;
  virtual Result<Policy> find(std::string_view id, std::string_view version) = 0;  // with body; version empty: the one there is
  virtual Result<std::vector<Policy>> list_by_source(std::string_view source_id) = 0;
  // Puts the policy (new version replaces the old) and sets its target collections; stamps a new change time.
  virtual Status put(const Policy& policy, const std::vector<std::string>& collection_ids) = 0;
  virtual Status remove(std::string_view id) = 0;  // leaves a tombstone for deltas
  // Everything the device should hold now. One row per policy even when several collections carry it.
  virtual Result<std::vector<PolicyAssignment>> for_device(std::string_view client_id) = 0;
  // Changed, gained or lost (tombstone) after `since`.
  virtual Result<std::vector<PolicyAssignment>> for_device_since(std::string_view client_id, Instant since) = 0;
  // Newest change that concerns the device: a policy of one of its collections changed, or it joined or left one. The cookie.
  virtual Result<Instant> latest_change(std::string_view client_id) = 0;
  virtual Result<bool> is_for_device(std::string_view policy_id, std::string_view client_id) = 0;
  // Tombstones from before this time were forgotten: for_device_since() an earlier one would miss what was lost. 0: none were.
  virtual Result<Instant> complete_since() = 0;
};

class Inventory {
 public:
  virtual ~Inventory() = default;
  // Full replaces every instance of the kind ("hardware", "software", "discovery"); delta applies New/Update/Delete.
  // A delta whose predecessor is missing is Code::conflict: the caller orders a resync.
  virtual Status apply(const InventoryReport& report, std::string_view kind) = 0;
  virtual Result<std::vector<InventoryInstance>> instances(std::string_view client_id,
                                                           std::string_view class_name) = 0;  // empty class: all
  virtual Result<std::vector<std::string>> classes() = 0;
  virtual Status remove_device(std::string_view client_id) = 0;
};

class States {
 public:
  virtual ~States() = default;
  // Applied once per (client, serial): true if new, false if it was there. serial 0 is always new.
  virtual Result<bool> add(const StateMessage& message) = 0;
  virtual Result<std::vector<StateMessage>> of_device(std::string_view client_id, int limit) = 0;  // newest first
  // Serials missing between 1 and the highest seen, at most `limit`.
  virtual Result<std::vector<std::int64_t>> gaps(std::string_view client_id, int limit) = 0;
  virtual Status clear_gaps(std::string_view client_id) = 0;  // after a resync
  // The client counts its serials anew, from whatever it sends next: what it sent before stays, and is no duplicate of that.
  virtual Status begin_anew(std::string_view client_id) = 0;
  virtual Status add_event(const StatusEvent& event) = 0;
  virtual Result<std::vector<StatusEvent>> events(std::string_view client_id, int limit) = 0;  // empty client: all; newest first
};

class Contents {
 public:
  virtual ~Contents() = default;
  virtual Result<ContentVersion> find(std::string_view content_id) = 0;
  virtual Result<std::vector<ContentVersion>> list() = 0;
  virtual Status put(const ContentVersion& content) = 0;
  virtual Status remove(std::string_view content_id) = 0;
  virtual Result<DistributionPoint> find_dp(std::string_view name) = 0;
  virtual Result<std::vector<DistributionPoint>> list_dps() = 0;
  virtual Status put_dp(const DistributionPoint& dp) = 0;
  virtual Status remove_dp(std::string_view name) = 0;
  virtual Result<std::vector<Distribution>> distributions(std::string_view content_id) = 0;  // empty: all
  virtual Status put_distribution(const Distribution& distribution) = 0;
  virtual Status remove_distribution(std::string_view dp, std::string_view content_id) = 0;
};

class Administration {
 public:
  virtual ~Administration() = default;
  virtual Result<Administrator> find(std::string_view name) = 0;
  virtual Result<Administrator> find_by_token_hash(std::string_view hash) = 0;
  virtual Result<std::vector<Administrator>> list() = 0;
  virtual Status put(const Administrator& administrator) = 0;
  virtual Status remove(std::string_view name) = 0;
  virtual Status audit(AuditLine line) = 0;  // fills id and the hash chain
  virtual Result<std::vector<AuditLine>> audit_lines(std::int64_t before_id, int limit) = 0;  // newest first; 0: from the newest
  virtual Result<std::vector<ClientSettings>> settings() = 0;  // by priority
  virtual Status put_settings(const ClientSettings& settings) = 0;
  virtual Status remove_settings(std::string_view id) = 0;
  virtual Result<std::vector<CustomRole>> roles() = 0;
  virtual Status put_role(const CustomRole& role) = 0;
  virtual Status remove_role(std::string_view name) = 0;
};

// What anybody said through a fallback status point: apart from States, where registered devices stand.
class Fallback {
 public:
  virtual ~Fallback() = default;
  // Once per (fsp, message_id, part): true if new, false if it was there. At most limits::kFallbackRowsMax stay: the oldest go.
  virtual Result<bool> add(const FallbackMessage& message) = 0;
  virtual Result<std::vector<FallbackMessage>> messages(const FallbackFilter& filter) = 0;  // newest first
  virtual Result<FallbackPoint> find_point(std::string_view name) = 0;
  virtual Result<std::vector<FallbackPoint>> points() = 0;
  virtual Status put_point(const FallbackPoint& point) = 0;
  virtual Status remove_point(std::string_view name) = 0;  // what came through it stays
};

class Boundaries {
 public:
  virtual ~Boundaries() = default;
  virtual Result<Boundary> find(std::string_view id) = 0;
  virtual Result<std::vector<Boundary>> list() = 0;
  virtual Status put(const Boundary& boundary) = 0;
  virtual Status remove(std::string_view id) = 0;        // also from the groups that hold it
  virtual Result<BoundaryGroup> find_group(std::string_view id) = 0;
  virtual Result<std::vector<BoundaryGroup>> list_groups() = 0;
  virtual Status put_group(const BoundaryGroup& group) = 0;
  virtual Status remove_group(std::string_view id) = 0;  // also the links of others to it
  virtual Result<BoundarySettings> settings() = 0;       // the defaults until they are put
  virtual Status put_settings(const BoundarySettings& settings) = 0;
  // Another number after each change of any of these: what was read under the same number still holds.
  virtual Result<std::int64_t> revision() = 0;
};

class ClientPushes {  // orders to install the client over SSH, open and done
 public:
  virtual ~ClientPushes() = default;
  virtual Result<ClientPush> find(std::string_view id) = 0;
  virtual Result<std::vector<ClientPush>> list() = 0;
  // The order of that host which is not at its end.
  virtual Result<ClientPush> find_open(std::string_view host) = 0;
  // Waiting, and due at or before `now`; the one that waits longest first.
  virtual Result<std::vector<ClientPush>> due(Instant now, int limit) = 0;
  virtual Status put(const ClientPush& push) = 0;  // a second open one of a host: Code::conflict
  virtual Status remove(std::string_view id) = 0;
  virtual Result<std::int64_t> forget_finished(Instant before) = 0;  // how many
};

class Enrollments {  // tokens, what was issued for them, and the proxy points
 public:
  virtual ~Enrollments() = default;
  virtual Result<EnrollmentToken> find_token(std::string_view id) = 0;
  virtual Result<EnrollmentToken> find_token_by_hash(std::string_view hash) = 0;
  virtual Result<std::vector<EnrollmentToken>> tokens() = 0;
  virtual Status put_token(const EnrollmentToken& token) = 0;  // a hash that another token has: Code::conflict
  virtual Result<Enrollment> find(std::string_view serial) = 0;
  virtual Result<Enrollment> find_by_key(std::string_view key_fingerprint) = 0;  // the newest of that key
  // Issued to whoever held that key, in place of its certificate; the newest first.
  virtual Result<std::vector<Enrollment>> renewals_of(std::string_view key_fingerprint) = 0;
  virtual Result<std::vector<Enrollment>> list(int limit) = 0;                   // newest first
  virtual Status put(const Enrollment& enrollment) = 0;
  virtual Result<EnrollmentProxyPoint> find_proxy(std::string_view name) = 0;
  virtual Result<std::vector<EnrollmentProxyPoint>> proxies() = 0;
  virtual Status put_proxy(const EnrollmentProxyPoint& point) = 0;
  virtual Status remove_proxy(std::string_view name) = 0;
};

struct UpdateFilter {
  bool expired = false;               // also those that no repository offers any more
  std::int64_t after = 0;             // number of the last one of the page before
  int limit = 0;                      // 0: all
};

class Updates {  // the catalogue of software updates, the points where clients scan, and what they found
 public:
  virtual ~Updates() = default;
  virtual Result<SoftwareUpdate> find(std::string_view id) = 0;
  virtual Result<std::vector<SoftwareUpdate>> find_by_package(std::string_view package) = 0;
  virtual Result<std::vector<SoftwareUpdate>> list(const UpdateFilter& filter) = 0;  // by number
  virtual Result<std::int64_t> put(const SoftwareUpdate& update) = 0;  // with number 0 it gets the next one; answers the number
  virtual Status remove(std::string_view id) = 0;                      // and its states
  virtual Result<std::vector<UpdateSourceState>> sources() = 0;
  virtual Status put_source(const UpdateSourceState& source) = 0;
  virtual Status remove_source(std::string_view name) = 0;
  virtual Result<std::vector<SoftwareUpdatePoint>> points() = 0;
  virtual Status put_point(const SoftwareUpdatePoint& point) = 0;
  virtual Status remove_point(std::string_view name) = 0;
  // An older `at` than the stored one is ignored; of an update that is not there: Code::not_found.
  virtual Status put_state(const UpdateState& state) = 0;
  virtual Result<std::vector<UpdateState>> states(std::string_view id, int limit, std::string_view after_client) = 0;
  virtual Result<std::vector<UpdateState>> states_of_device(std::string_view client_id) = 0;
  virtual Status put_scan(const UpdateScan& scan) = 0;                 // likewise; a content version of 0 keeps the one before
  virtual Result<UpdateScan> scan(std::string_view client_id) = 0;
  virtual Result<std::map<std::string, UpdateCounts>> counts(std::string_view id) = 0;  // of that update; empty: of all current ones
};

// What is older than these times may be forgotten; 0: nothing of the kind.
struct Retention {
  Instant states, events, audit, tombstones, fallback;
};
struct Forgotten {
  std::int64_t states = 0, events = 0, audit = 0, tombstones = 0, fallback = 0;
};

class Site {  // single values, counters, replay memory
 public:
  virtual ~Site() = default;
  virtual Result<std::string> value(std::string_view name) = 0;
  virtual Status set_value(std::string_view name, std::string_view value) = 0;
  // "FP1" + counter in five hex digits: FP100001, FP100002, ... one sequence for every kind.
  virtual Result<std::string> next_object_id(std::string_view site_code) = 0;
  // True if (client, key) was not seen before; remembers it until `forget_at`. Writes applied once (design §7).
  virtual Result<bool> first_time(std::string_view client_id, std::string_view key, Instant forget_at) = 0;
  virtual Status forget_before(Instant at) = 0;
  // Forgets at most about `rows` of each kind, oldest first, so that the writer is not held up: ask again while there was
  // something. A state message that is forgotten is not new when it comes again, a serial that is still missing keeps those
  // behind it, and the newest audit line stays, for the next one to follow.
  virtual Result<Forgotten> forget_older(const Retention& than, std::int64_t rows) = 0;
  virtual Result<std::vector<ManagementPoint>> management_points() = 0;
  virtual Status put_management_point(const ManagementPoint& mp) = 0;
  virtual Status remove_management_point(std::string_view name) = 0;
};

// Everything within one transaction. Valid only inside the function that got it.
struct Repositories {
  Devices& devices;
  Collections& collections;
  Software& software;
  Deployments& deployments;
  Policies& policies;
  Inventory& inventory;
  States& states;
  Fallback& fallback;
  Contents& contents;
  Administration& administration;
  ClientPushes& client_pushes;
  Enrollments& enrollments;
  Site& site;
  Boundaries& boundaries;
  Updates& updates;
  // The time of this change: strictly later than that of any earlier commit (milliseconds). Only in write().
  Instant change;
};

class Store {
 public:
  virtual ~Store() = default;

  // auto device = store.read([&](Repositories& r) { return r.devices.find(id); });
  template <class F>
  auto read(F&& fn) -> std::invoke_result_t<F, Repositories&> {
    std::optional<std::invoke_result_t<F, Repositories&>> out;
    const Status ran = run_read([&](Repositories& r) { return keep(out, fn(r)); });
    if (!out) return std::unexpected(ran.error());
    return std::move(*out);
  }

  // Another number after each commit, from before anybody is told that it is durable: what was read under the same number is
  // what a read would give now. 0: this store cannot say, nothing may be kept.
  [[nodiscard]] virtual std::uint64_t generation() const { return 0; }

  template <class R>
  struct Written {
    R value;        // what the function returned
    Ticket ticket;  // settles when it is on the disk; already settled (with the error) if the function failed
  };
  template <class F>
  auto write_async(F&& fn) -> Written<std::invoke_result_t<F, Repositories&>> {
    std::optional<std::invoke_result_t<F, Repositories&>> out;
    auto [ran, ticket] = run_write([&](Repositories& r) { return keep(out, fn(r)); });
    if (!out || (!ran && out->has_value())) return {std::unexpected(ran.error()), ticket};
    return {std::move(*out), ticket};
  }
  // Durable when it returns.
  template <class F>
  auto write(F&& fn) -> std::invoke_result_t<F, Repositories&> {
    auto written = write_async(std::forward<F>(fn));
    if (!written.value) return std::move(written.value);
    if (const Status durable = written.ticket.wait(); !durable) return std::unexpected(durable.error());
    return std::move(written.value);
  }

 protected:
  using Function = std::function<Status(Repositories&)>;
  virtual Status run_read(const Function& fn) = 0;
  virtual std::pair<Status, Ticket> run_write(const Function& fn) = 0;

 private:
  template <class R>
  static Status keep(std::optional<R>& out, R value) {
    out.emplace(std::move(value));
    if (!*out) return std::unexpected(out->error());
    return {};
  }
};

}  // namespace fp::store
