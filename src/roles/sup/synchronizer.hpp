// Synchronisation of the catalogue of updates with apt repositories (domain.md §12.1): fetches a release file, verifies its signature
// with gpgv, the lists of packages by the SHA-256 that it names, and stores what is new, changed or gone as one change.
// One thread at a time for run_once(), any for fetch(); both block on the network. Never: an index whose signature or hash does not
// hold, one that is older than the last one taken, a catalogue half changed, a transaction held open meanwhile.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "model/update.hpp"
#include "site/policy_maker.hpp"
#include "store/store.hpp"
#include "wire/apt_index.hpp"

namespace fp::sup {

struct RepositorySource {
  std::string name;                    // what administrators call it
  std::string url, suite;              // "http://deb.debian.org/debian-security", "bookworm-security"
  std::vector<std::string> components, architectures;
  Path keyring;                        // binary OpenPGP keys, as apt has them
};

struct SynchronizerOptions {
  std::vector<RepositorySource> sources;
  Path folder;                         // of its own, for what is fetched
  std::string proxy;                   // to the repositories; empty: none
};

inline constexpr std::string_view kSourceId = "updates.source_id", kContentVersion = "updates.content_version";  // values of the site
inline constexpr std::int64_t kForgetExpiredMs = std::int64_t{90} * 24 * 3600 * 1000;

class Synchronizer {
 public:
  Synchronizer(store::Store& store, const site::PolicyMaker& policies, const Clock& clock, Random& random, SynchronizerOptions options);

  // The catalogue's id and policy, at every start; sources that are not configured any more expire.
  [[nodiscard]] Status prepare();
  // Every source once. What goes wrong with one is remembered with it and stops no other. Returns how many updates are new,
  // changed or gone.
  [[nodiscard]] Result<int> run_once(const std::function<bool()>& stop = {});
  // The file of an update, verified, alone in a new folder below the own one. Code::corrupt: it is another file than the catalogue says.
  [[nodiscard]] Result<Path> fetch(const SoftwareUpdate& update) const;

 private:
  struct Fetched {
    wire::AptRelease release;
    std::vector<wire::AptPackage> packages;  // the newest of each name and architecture
  };
  [[nodiscard]] Result<Fetched> fetch_source(const RepositorySource& source, const std::function<bool()>& stop) const;
  [[nodiscard]] Result<wire::AptRelease> fetch_release(const RepositorySource& source, const std::function<bool()>& stop) const;
  [[nodiscard]] Result<std::string> fetch_index(const RepositorySource& source, const wire::AptRelease& release, const std::string& stem,
                                                const std::function<bool()>& stop) const;
  [[nodiscard]] Result<int> take(const RepositorySource& source, const Fetched& fetched, Instant began);
  [[nodiscard]] Result<int> change(store::Repositories& r, const std::string& source, std::vector<SoftwareUpdate> offered);
  [[nodiscard]] Status note(const std::string& source, const std::string& problem, Instant began);

  store::Store& store_;
  const site::PolicyMaker& policies_;
  const Clock& clock_;
  Random& random_;
  SynchronizerOptions options_;
};

// The updates that a release offers, without number and content version. Pure.
[[nodiscard]] std::vector<SoftwareUpdate> updates_of(const RepositorySource& source, const wire::AptRelease& release,
                                                     const std::vector<wire::AptPackage>& packages);

}  // namespace fp::sup
