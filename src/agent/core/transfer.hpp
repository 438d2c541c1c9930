// Content transfer: cache check, location, manifest, chunks by range from any distribution point, verification, cache
// (domain.md §11.3-§11.5, docs/protocol/manifest.md). One thread; blocks while bytes come. What was verified is synced before
// it is remembered, so kill -9 costs nothing and power loss at most what was not synced yet (8 MiB). Never: content given out
// that does not match the root hash of the signed policy, trust in one source more than in another.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "agent/core/transport.hpp"
#include "agent/memory/memory.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "base/random.hpp"
#include "domain/deployment/cache.hpp"
#include "model/content.hpp"
#include "model/policy_document.hpp"

namespace fp::agent {

struct Source {
  std::string url;   // ".../SMS_DP_SMSPKG$/<content id>"; the manifest is at <url>.manifest
  std::string name;  // of the distribution point
  std::string because = "it offers this content";  // why it stands where it does
};
struct Offer {
  std::vector<Source> sources;    // in the order in which to try them
  std::int64_t more_in_min = -1;  // more of them once it has looked for so long; below 0: no more to come
};
// `waited_min`: how long the download has looked for sources here: farther ones are offered with time (domain.md §10).
using Locate = std::function<Result<Offer>(const std::string& content_id, std::int64_t waited_min)>;

struct TransferOutcome {
  enum class Kind { ready, waiting, failed } kind = Kind::waiting;
  Path folder;            // ready: the verified content
  Instant retry_at;       // waiting
  bool cache_full = false;
  int status_id = 0;      // failed: 10050 when the cache is too small
  std::string reason;
};

struct TransferSettings {
  Path cache;                              // folder
  std::int64_t cache_bytes_max = 5120LL << 20;
  std::string place;                       // where the client is; elsewhere the search for sources begins anew
  std::int64_t keep_s = 1440 * 60;         // not evicted sooner
  std::int64_t sync_bytes = 8LL << 20;     // written between two syncs
  std::int64_t request_bytes_max = 64LL << 20;  // of one range request
  std::int64_t reserve_bytes = 16LL << 20;      // of the disk, left for the agent's memory and everybody else
  // On the internet the vendor of a content is asked for its files before the distribution points are (the seed).
  enum class Vendor { never, https, any } vendor = Vendor::never;
};

inline constexpr std::string_view kLastSource = "content.source";  // in memory: the distribution point that gave the last bytes

class Transfer {
 public:
  Transfer(memory::Memory& memory, Transport& transport, const Clock& clock, Random& random, TransferSettings settings,
           Locate locate);

  // Works until the content is there, nobody gives more of it, or `stop` says so. `in_use`: content ids not to be evicted.
  [[nodiscard]] Result<TransferOutcome> fetch(const ContentReference& content, bool persist,
                                              const std::vector<std::string>& in_use, bool forced,
                                              const std::function<bool()>& stop);
  // Is it in the cache, whole? Reads every byte. A damaged entry is dropped, so that it is fetched again.
  [[nodiscard]] Result<std::optional<Path>> verified(const ContentReference& content);
  // Drops what lies in the folder and belongs to nobody.
  [[nodiscard]] Status tidy();

 private:
  struct Work;
  [[nodiscard]] Result<std::optional<TransferOutcome>> make_room(memory::ContentJob& job, const std::vector<std::string>& in_use);
  // Until its next attempt, `at_most` where something is known to change then.
  [[nodiscard]] Result<TransferOutcome> wait(memory::ContentJob& job, std::string reason, Instant at_most = {});
  [[nodiscard]] Result<std::optional<TransferOutcome>> find_sources(Work& work);
  [[nodiscard]] Status note_source(Work& work, const Source& source);
  [[nodiscard]] Status get_manifest(Work& work);
  [[nodiscard]] Status get_files(Work& work);
  void choose_vendor(Work& work, const ContentReference& content) const;
  [[nodiscard]] Status leave_vendor(Work& work);
  [[nodiscard]] Status check_disk(std::int64_t bytes) const;
  [[nodiscard]] Status finish(Work& work);
  [[nodiscard]] Path partial_folder(const std::string& content_id) const;

  memory::Memory& memory_;
  Transport& transport_;
  const Clock& clock_;
  Random& random_;
  TransferSettings settings_;
  Locate locate_;
};

}  // namespace fp::agent
