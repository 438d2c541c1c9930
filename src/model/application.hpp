// Applications with deployment types, and packages with programs (domain.md §13, §14). Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"

namespace fp {

enum class Technology { deb, rpm, script, fileset };
enum class Compare { eq, ne, lt, le, gt, ge, contains, one_of, exists, not_exists };

enum class DetectionKind { package_version, file, script };
struct DetectionRule {               // all rules of a deployment type must hold
  DetectionKind kind = DetectionKind::package_version;
  std::string package;               // package_version: dpkg or rpm name
  Compare op = Compare::ge;          // package_version: against `version`; exists / not_exists need none
  std::string version;
  std::string path;                  // file: absolute
  std::string sha256;                // file: optional, lower-case hex
  std::string script;                // script: text; exit-code rules of domain.md §13, 32 KB at most
  std::string interpreter = "/bin/sh";
};

struct Requirement {                 // all must hold
  std::string attribute;             // os.id os.version architecture memory_mb disk_free_mb kernel package:<name> fact:<name>
  Compare op = Compare::eq;
  std::vector<std::string> values;
};

enum class ReturnKind { success, failure, soft_reboot, hard_reboot, fast_retry };
struct ReturnCode {
  int code = 0;
  ReturnKind kind = ReturnKind::success;
};

struct DependencyItem {
  std::string application_id;
  bool auto_install = true;
};
struct DependencyGroup {             // one item of a group must be installed; tried in order
  std::string name;
  std::vector<DependencyItem> items;
};

struct DeploymentType {
  std::string id;                    // GUID, no braces
  std::string name;
  int priority = 1;                  // lowest first
  Technology technology = Technology::deb;
  std::string content_id;            // Content_<guid>.<version>; empty: no content
  std::string vendor_url;            // where its vendor has the files of that content under their own names; empty: nowhere
  std::string install_command;       // empty for deb/rpm/fileset: the technology's own
  std::string uninstall_command;
  std::string repair_command;
  std::string target_folder;         // fileset: where the files go, absolute
  std::vector<DetectionRule> detection;
  std::vector<Requirement> requirements;
  std::vector<DependencyGroup> dependencies;
  std::vector<ReturnCode> return_codes;  // empty: 0 success, 3010 soft, 1641 hard, 1618 fast retry
  std::int64_t max_run_time_min = 120;
  std::int64_t estimated_run_time_min = 5;
  bool persist_in_cache = false;
};

struct Supersedence {
  std::string application_id;
  bool uninstall = false;            // replace (uninstall first) rather than upgrade
};

struct Application {
  std::string id;                    // GUID, no braces
  std::int64_t revision = 1;
  std::string name, publisher, version, description;
  std::vector<DeploymentType> types;
  std::vector<Supersedence> supersedes;
  std::string update_id;             // of the software update that it brings; empty: an application of its own
  std::string scope = "Default";
  Instant changed_at;
};

enum class RerunBehaviour { never, always, if_failed, if_succeeded };
struct Program {
  std::string name;                  // 50 characters at most
  std::string command_line;
  std::int64_t max_run_time_min = 120;  // 0: unknown (720, and it may overrun its window)
  std::vector<Requirement> requirements;
  bool run_as_root = true;
};

struct Package {
  std::string id;                    // site code + 5
  std::string name, manufacturer, version, description;
  std::int64_t content_version = 0;  // 0: no content yet; then <id>.<content_version>
  std::string source_path;
  std::vector<Program> programs;
  std::string scope = "Default";
  Instant changed_at;
};

}  // namespace fp
