// The agent's memory: one SQLite file (WAL, synchronous=FULL), so what a method has returned for survives power loss. One
// object on one thread; several processes may hold the same file (worker, command line): writers wait for each other up to
// 10 s. Each call is a statement or a few, a synced write unless inside `together`. Never: network, decisions, secrets in logs.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/memory/records.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace fp::memory {

class Database;  // the thin seam over SQLite, in database.hpp

inline constexpr std::size_t kDecisionsMax = 2000;   // rows kept in the decision log
inline constexpr std::size_t kFallbackNotesMax = 100;
inline constexpr std::size_t kOutboxSentMax = 5000;  // sent messages kept, for a resync

class Memory {
 public:
  // Opens or creates, and migrates to this version. Code::corrupt if the file is no database or of a newer version.
  [[nodiscard]] static Result<std::unique_ptr<Memory>> open(const Path& file);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  // One transaction; rolled back when `work` fails. Nests: an inner call is part of the outer one.
  [[nodiscard]] Status together(const std::function<Status()>& work);

  [[nodiscard]] Result<Identity> identity();
  [[nodiscard]] Status save(const Identity& identity);
  [[nodiscard]] Result<std::int64_t> next_counter();      // counts up and is durable before it is returned
  [[nodiscard]] Result<std::string> property(std::string_view name);  // empty: not set
  [[nodiscard]] Status set_property(std::string_view name, std::string_view value);

  [[nodiscard]] Result<std::vector<StoredPolicy>> policies();         // with bodies
  [[nodiscard]] Result<std::optional<StoredPolicy>> policy(std::string_view id);
  [[nodiscard]] Status save(const StoredPolicy& policy);
  [[nodiscard]] Status forget_policy(std::string_view id);

  [[nodiscard]] Result<std::vector<ContentJob>> jobs();
  [[nodiscard]] Result<std::optional<ContentJob>> job(std::string_view content_id);
  [[nodiscard]] Status save(const ContentJob& job);
  [[nodiscard]] Status forget_job(std::string_view content_id);       // and its progress
  [[nodiscard]] Result<std::vector<FileProgress>> progress(std::string_view content_id);
  // Call it only after the data it speaks of is synced.
  [[nodiscard]] Status save_progress(std::string_view content_id, const FileProgress& file);

  [[nodiscard]] Result<std::vector<CacheEntry>> cache();              // least recently used first
  [[nodiscard]] Result<std::optional<CacheEntry>> cached(std::string_view content_id);
  [[nodiscard]] Status save(const CacheEntry& entry);
  [[nodiscard]] Status forget_cached(std::string_view content_id);

  [[nodiscard]] Result<std::vector<DeploymentRecord>> deployments();
  [[nodiscard]] Result<std::optional<DeploymentRecord>> deployment(std::string_view id);
  [[nodiscard]] Status save(const DeploymentRecord& record);
  [[nodiscard]] Status forget_deployment(std::string_view id);

  // Gives the message the next serial number; both are durable together.
  [[nodiscard]] Result<std::int64_t> queue(OutboxMessage message);
  [[nodiscard]] Result<std::vector<OutboxMessage>> unsent(std::size_t max);
  [[nodiscard]] Status mark_sent(std::int64_t up_to_serial);
  [[nodiscard]] Status resend_from(std::int64_t serial);              // resync; 0: everything kept

  [[nodiscard]] Result<std::map<std::string, std::string>> snapshot(std::string_view kind);  // instance key -> what it held
  [[nodiscard]] Status replace_snapshot(std::string_view kind, const std::map<std::string, std::string>& instances);

  [[nodiscard]] Result<std::optional<Schedule>> schedule(std::string_view name);
  [[nodiscard]] Result<std::vector<Schedule>> schedules();
  [[nodiscard]] Status save(const Schedule& schedule);

  // Recorded when verdict or reason differ from the last one about that subject; else only its time moves.
  [[nodiscard]] Status record(Instant at, std::string_view subject, std::string_view verdict, std::string_view reason);
  [[nodiscard]] Result<std::vector<Decision>> decisions(std::string_view subject, std::size_t max);  // newest first; "": all

  [[nodiscard]] Result<std::int64_t> begin_action(const JournalEntry& entry);
  [[nodiscard]] Status finish_action(std::int64_t id, int exit_code, Instant at);
  [[nodiscard]] Result<std::vector<JournalEntry>> unfinished_actions();
  [[nodiscard]] Result<std::vector<JournalEntry>> actions(std::string_view deployment_id, std::size_t max);  // newest first

  [[nodiscard]] Result<std::optional<SequenceRun>> sequence_run(std::string_view deployment_id);  // newest; whole
  [[nodiscard]] Status save(const SequenceRun& run);                  // whole, in one transaction
  [[nodiscard]] Status forget_sequence_run(std::string_view deployment_id);

  [[nodiscard]] Result<std::vector<CachedUpdate>> cached_updates();  // by number
  [[nodiscard]] Status save(const CachedUpdate& update);
  [[nodiscard]] Status forget_cached_update(std::int64_t number);
  [[nodiscard]] Result<std::vector<UpdateFinding>> update_findings();
  [[nodiscard]] Status save(const UpdateFinding& finding);
  [[nodiscard]] Status forget_update_finding(std::string_view update_id);
  [[nodiscard]] Result<UpdateScanRecord> update_scan();
  [[nodiscard]] Status save(const UpdateScanRecord& scan);
  [[nodiscard]] Status forget_updates();                              // all of the three: another catalogue, or none

  [[nodiscard]] Result<std::vector<UserRequest>> requests();
  [[nodiscard]] Status save(const UserRequest& request);
  [[nodiscard]] Status forget_request(std::string_view deployment_id);

  // Kept when it differs in state or key from the last one of its topic: true. The oldest beyond kFallbackNotesMax go.
  [[nodiscard]] Result<bool> note_fallback(const FallbackNote& note);
  [[nodiscard]] Result<std::vector<FallbackNote>> untold_fallback(std::size_t max);                 // oldest first
  [[nodiscard]] Status settle_fallback(std::int64_t id, bool told, Instant at);
  [[nodiscard]] Result<std::optional<FallbackNote>> last_fallback(int topic_type);
  [[nodiscard]] Result<std::optional<FallbackNote>> last_told_fallback(int topic_type);             // 0: of any topic

  [[nodiscard]] Result<std::vector<KnownManagementPoint>> management_points();
  [[nodiscard]] Status replace_management_points(const std::vector<KnownManagementPoint>& list);
  [[nodiscard]] Result<std::vector<Instant>> failures(std::string_view url, Instant since);
  [[nodiscard]] Status note_failure(std::string_view url, Instant at);
  [[nodiscard]] Status clear_failures(std::string_view url);

 private:
  explicit Memory(std::unique_ptr<Database> db);
  std::unique_ptr<Database> db_;
  int depth_ = 0;
};

}  // namespace fp::memory
