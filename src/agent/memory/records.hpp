// What the agent remembers between runs: plain records, one per kind of row (domain.md §4, §8, §11, §13, §20, §21). Values.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp::memory {

// Who this client is to its site. Empty client_id: never registered.
struct Identity {
  std::string client_id;                // GUID:...
  std::string certificate_fingerprint;  // SHA-256 of the certificate it registered with
  std::string registration;             // "none", "pending", "registered", "must-resend", "rejected"
  std::int64_t next_serial = 1;         // of state messages
  std::int64_t counter = 0;             // signed into our own messages; never goes back
  Instant registered_at, asked_at;      // asked_at: last registration or confirmation request
  int attempts = 0;                     // since the last success
};

enum class PolicyState { requested, downloaded, active, tombstoned };

struct StoredPolicy {
  std::string id;                       // GUID, no braces
  std::string version, category;
  unsigned flags = 0;
  std::string hash;                     // upper-case hex
  std::string location;                 // URL with <mp> in it
  std::string signature;                // raw bytes
  PolicyState state = PolicyState::requested;
  std::string body;                     // UTF-8 XML; empty until downloaded
  Instant changed_at;
  int attempts = 0;
  std::string reason;                   // why it is where it is, one sentence
};

enum class JobState { waiting_location, downloading_manifest, downloading, complete, failed };

struct ContentJob {
  std::string content_id, root_hash;
  std::int64_t bytes_total = 0, bytes_done = 0;
  JobState state = JobState::waiting_location;
  std::string manifest;                 // its JSON as received and verified; empty: not there yet
  Instant created_at, next_at;          // next_at: not before
  int attempts = 0;
  int full_attempts = 0;                // cache full: 4 h x 18 (domain.md §11.5)
  bool persist = false;
  std::string reason;
  Instant searching_since;              // when it began to look for sources where the client is now
  std::string place;                    // where that is
  std::int64_t bytes_received = 0;      // off the network so far, what was thrown away included
};

// Progress of one file of a job. A set bit means: the chunk was verified and synced to the disk before the bit was.
struct FileProgress {
  std::string path;
  std::string bitmap;                   // one bit per chunk, lowest bit of byte 0 is chunk 0
  std::int64_t partial_chunk = -1;      // a chunk cut off in the middle, and how many of its bytes are on the disk
  std::int64_t partial_bytes = 0;
};

// What the fallback status point is told, or was.
struct FallbackNote {
  std::int64_t id = 0;
  int topic_type = 0, state_id = 0;
  std::string key;                      // with topic and state: what makes it another one than the last
  std::vector<std::string> parameters;
  std::string details;                  // one sentence
  Instant at;
  bool settled = false, told = false;   // settled and not told: nobody has to be told any more
  Instant settled_at;
};

struct CacheEntry {
  std::string content_id, root_hash, folder;
  std::int64_t bytes = 0;
  Instant added_at, used_at;
  bool persist = false;
};

struct DeploymentRecord {
  std::string deployment_id;
  std::int64_t revision = 0;            // of the deployment that `state` is about
  int state = 4000;                     // topic 1702 (domain.md §21.3)
  int reported_state = 0;
  std::string detail, reported_detail;  // the reason, one sentence
  Instant at, next_at;                  // next_at: do not look again before; 0: whenever something changes
  Instant received_at;                  // this revision's policy came
  std::int64_t delay_s = 0;             // drawn once for this revision: spreads the work of a fleet
  int attempts = 0;                     // fast retries or cache-full retries so far
  bool finished = false;                // a package program ran, or a repair was done
  int exit_code = 0;
  Instant ran_at;
  bool restart_pending = false;         // and the boot in which it became so
  std::string restart_boot_id;
};

struct OutboxMessage {
  std::int64_t serial = 0;
  int topic_type = 0;
  std::string topic_id;
  int topic_id_type = 0, state_id = 0, criticality = 0;
  std::vector<std::string> parameters;
  Instant at;
  bool sent = false;
};

struct Schedule {
  std::string name;                     // "policy", "heartbeat", "hardware", "software", "state", "location", "evaluation"
  Instant last_at, next_at;
  int failures = 0;
};

struct Decision {
  std::int64_t id = 0;
  Instant at;
  std::string subject;                  // deployment id, "location", "registration", "policy", "certificate", content id
  std::string verdict, reason;
};

// An installation that was begun. Unfinished after a crash: what it did is found out by detection, never by doing it again
// blindly.
struct JournalEntry {
  std::int64_t id = 0;
  std::string deployment_id, target;    // target: deployment type or program
  std::string action, boot_id;
  Instant started_at, finished_at;
  bool finished = false;
  int exit_code = 0;
};

// A run of a task sequence (domain.md §15): enough to go on after a restart or a power cut. Saved before each step and after it.
struct SequenceStepRecord {
  int line = 0;
  std::string place, name, kind, state; // "2.1", as the definition has it, and tasksequence::StepState by name
  int exit_code = 0;
  std::string reason, output;           // without secrets
  Instant started_at, finished_at;
};
struct SequenceVariableRecord {
  std::string name, value;
  bool secret = false;
};
struct SequenceRun {
  std::string deployment_id, run_id;
  std::int64_t revision = 0;            // of the deployment that it was begun for
  std::string state;                    // tasksequence::State by name
  int position = 0;
  std::string boot_id;                  // in which the restart that it waits for was asked for
  int last_exit_code = 0;
  bool last_succeeded = true;
  std::string last_name;
  bool restart_wanted = false;
  bool user_started = false;
  Instant started_at, finished_at;      // finished_at 0: under way
  std::string summary;                  // of its end, one sentence
  std::string document;                 // the DeploymentDocument that it was begun with, JSON
  std::vector<SequenceStepRecord> steps;
  std::vector<SequenceVariableRecord> variables;
};

struct UserRequest {
  std::string deployment_id;
  bool uninstall = false;
  Instant at;
};

struct KnownManagementPoint {
  std::string url;                      // scheme://host:port
  std::string name;
  bool internet = false;
  int category = 2;                     // 0 proxy, 1 local, 2 assigned (domain.md §3.3)
  int locality = 3;
  bool ssl = true;
};

// Metadata of an update, a category or a detectoid, as the software update point gave it.
struct CachedUpdate {
  std::int64_t number = 0;              // of the revision at the site
  bool leaf = true;
  std::string fragment;                 // core; what this client cannot read is kept empty
};

// What an evaluation found. Only what is required or installed has a row.
struct UpdateFinding {
  std::string update_id;
  std::int64_t number = 0;
  int state = 0;                        // topic 500; it has been told
  std::string title;                    // empty: not asked for yet
  Instant since;
};

// How the scan for updates stands. Empty source_id: this client never had a policy for it.
struct UpdateScanRecord {
  std::string source_id;                // of the catalogue
  std::int64_t wanted_version = 0;      // of the catalogue, as policy said last
  std::int64_t version = 0;             // that was evaluated; 0: none yet
  Instant online_at, at;                // last whole conversation, last evaluation or try
  std::string point_url, point_name;    // the software update point in use
  int tries = 0;                        // that failed there, one after the other
  int state = 0;                        // topic 501
  std::string reason;                   // one sentence
  std::string packages;                 // fingerprint of what dpkg had at the last evaluation
};

}  // namespace fp::memory
