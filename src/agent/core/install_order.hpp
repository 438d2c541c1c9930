// One `farpoint-agent install`: its command line as a value (domain.md §7). Properties that stay go into InstallSettings; here
// is what only this installation is about, and every property that administrators bring along and that has no meaning on Linux:
// each is known by name, and either noted with the reason or refused. One thread; reads the files that are named, writes none.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/settings.hpp"

namespace fp::agent {

struct InstallOrder {
  InstallSettings settings;
  std::set<std::string> named;        // upper case: properties that the command line sets
  std::vector<std::string> notes;     // for the administrator, one sentence each: kept, left out, changed
  std::vector<std::string> problems;  // for each the installation is refused
  std::vector<Path> sources;          // /source
  std::set<std::string> cache_flags;  // SMSCACHEFLAGS, upper case
  bool keep_existing = true;          // SMSCONFIGSOURCE without U: what is not named is forgotten
  bool reset_keys = false;            // RESETKEYINFORMATION
  bool reassign = false;              // SITEREASSIGN
  bool force = false;                 // /forceinstall: the client that is here is removed first
  bool only_if_absent = false;        // /logon
  bool uninstall = false, help = false;
  bool enroll = false;                // /Enroll: a certificate is asked for where there is none that fits
  std::string enrollment_user;        // ENROLLMENTUSER: an account of the directory; empty: the secret is a token
  std::string enrollment_secret;      // ENROLLMENTTOKEN: a token, or that account's password
  std::string enrollment_secret_file; // ENROLLMENTTOKENFILE: the same from the first line of a file; "-": of standard input
};

// `words`: "NAME=value", "/Name", "/name:value". `existing`: what an earlier installation wrote. `free_bytes` and `disk_bytes`
// of the disk of the cache, for SMSCACHEFLAGS. Everything amiss is in `problems`.
struct Surroundings {
  std::optional<InstallSettings> existing;
  std::function<Result<std::int64_t>(const Path& folder)> free_bytes, disk_bytes;
  Path cache;                         // where it is unless SMSCACHEDIR says otherwise
  std::string joined_domain = {};     // of the directory, by this computer's Kerberos; empty: none
};
[[nodiscard]] InstallOrder read_install_order(const std::vector<std::string>& words, const Surroundings& around);

// Every property and parameter that is known, upper case, without slash; for tests and for the manual.
[[nodiscard]] std::vector<std::string> known_install_names();

}  // namespace fp::agent
