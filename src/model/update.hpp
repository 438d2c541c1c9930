// Software updates: what the site knows of them, where clients scan, and what they say (domain.md §12, §21.2; protocols.md §3).
// Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "model/content.hpp"

namespace fp {

enum class UpdateClass { security, other };  // "Security Updates", "Updates"
[[nodiscard]] constexpr const char* name_of(UpdateClass c) { return c == UpdateClass::security ? "Security Updates" : "Updates"; }

// A version of a package that a repository offers.
struct SoftwareUpdate {
  std::string id;                      // GUID, no braces: follows from source, package, architecture and version
  std::int64_t number = 0;             // of this revision at this site, for the wire; 0: not given out yet
  std::int64_t revision = 1;           // counts up when the repository says something else of the same version
  std::string source;                  // name of the repository in the configuration
  std::string package, version, architecture, title, product;
  UpdateClass classification = UpdateClass::other;
  std::string file_name, url, sha256;  // the vendor's address of the file; lower-case hex
  std::int64_t bytes = 0;
  std::int64_t content_version = 0;    // of the catalogue in which this revision appeared
  bool expired = false;                // the repository does not offer it any more
  Instant changed_at;
};

// What came of synchronising with a repository.
struct UpdateSourceState {
  std::string name;
  Instant tried_at, succeeded_at, released_at;  // released_at: Date of the release file that was taken last
  std::string problem;                          // of the last try; empty: it went well
  std::int64_t updates = 0;                     // that it offers now
};

struct SoftwareUpdatePoint {
  std::string name;                          // host name
  std::string intranet_url, internet_url;    // "https://site.corp.example:443"; empty: not offered there
  Connections connections = Connections::both;
};

namespace update_state {  // of topic 500
inline constexpr int kTopic = 500, kNotRequired = 1, kRequired = 2, kInstalled = 3;
[[nodiscard]] constexpr const char* word(int state) {
  return state == kNotRequired ? "not required" : state == kRequired ? "required" : state == kInstalled ? "installed" : "unknown";
}
}  // namespace update_state
namespace scan_state {    // of topic 501
inline constexpr int kTopic = 501, kWaiting = 1, kRunning = 2, kComplete = 3, kRetry = 4, kFailed = 5, kCompleteWithErrors = 6;
[[nodiscard]] constexpr const char* word(int state) {
  constexpr const char* kWords[] = {"unknown", "waiting", "running", "complete", "pending retry", "failed", "complete with errors"};
  return state > 0 && state <= kCompleteWithErrors ? kWords[state] : kWords[0];
}
}  // namespace scan_state

struct UpdateState {
  std::string update_id, client_id;
  int state = 0;                       // topic 500
  Instant at;
};
struct UpdateScan {
  std::string client_id;
  int state = 0;                       // topic 501
  std::int64_t content_version = 0;    // of the catalogue that the client has evaluated
  std::string point, detail;           // which software update point, one sentence
  Instant at;
};
// "Unknown": the device has not scanned since the update appeared.
struct UpdateCounts {
  std::int64_t required = 0, installed = 0, not_required = 0, unknown = 0;
};

// What a rule of applicability says: a tree (docs/protocol/updates.md).
enum class RuleOp { always, never, all, any, negation, package, architecture };
struct UpdateRule {
  RuleOp op = RuleOp::never;
  std::vector<UpdateRule> operands;    // all, any, negation (one)
  std::string name;                    // of a package
  std::string architecture;            // of a package, or of the machine
  std::string comparison;              // of a package's version: LessThan, LessThanOrEqualTo, EqualTo, GreaterThanOrEqualTo, GreaterThan
  std::string version;
};

// What dpkg has on a device.
struct PackageOnDevice {
  std::string name, architecture, version;
};
struct PackagesOnDevice {
  std::string architecture;            // dpkg's own: "amd64"
  std::vector<PackageOnDevice> packages;
};

// What the wire carries of an update, a category or a detectoid.
enum class UpdateKind { software, category, detectoid };
struct UpdateMetadata {
  std::string id;
  std::int64_t revision = 1;
  UpdateKind kind = UpdateKind::software;
  std::vector<std::vector<std::string>> prerequisites;  // every clause must have a member that is installed
  UpdateRule is_installed, is_installable;
};

}  // namespace fp
