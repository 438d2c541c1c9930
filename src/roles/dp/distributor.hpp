// The site's side of distribution (domain.md §11.2): brings contents to distribution points, keeps their states in the store,
// validates on schedule and repairs what was found corrupt.
// Threads: one at a time per Distributor; blocks on the network and the disk, so it runs on a thread of its own. Every step is
// resumable: what a distribution point has already is never sent again. Never holds a store transaction open meanwhile, and
// never brings back what an administrator took off while the work went on.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "content/library.hpp"
#include "model/content.hpp"
#include "net/client.hpp"
#include "roles/dp/link_client.hpp"
#include "store/store.hpp"
#include "wire/dp_link.hpp"

namespace fp::dp {

struct DistributorOptions {
  net::ClientOptions identity;          // the site server's certificate, pinned by every distribution point
  OverLink over_link;                   // to distribution points that are reached by the site link; may be unset
  Backoff retry{60'000, 30 * 60'000};   // between tries of one distribution
};

class Distributor {
 public:
  Distributor(store::Store& store, content::Library& library, const Clock& clock, Random& random, DistributorOptions options);

  // Notes that the content shall be on the distribution point (pending), or be taken off it (removing).
  [[nodiscard]] Status distribute(std::string_view content_id, std::string_view dp);
  [[nodiscard]] Status withdraw(std::string_view content_id, std::string_view dp);

  // Works once through everything pending, failed (after its back-off), corrupt or removing. Returns how many became ok or
  // were removed. `stop` is asked between chunks.
  [[nodiscard]] Result<int> run_once(const std::function<bool()>& stop = {});

  // Validates every distribution point whose schedule says so, or the named one at once. Findings become Distribution state
  // corrupt with the file's name, and a StatusEvent; run_once() then repairs.
  [[nodiscard]] Result<std::vector<wire::FindingLine>> validate_due();
  [[nodiscard]] Result<std::vector<wire::FindingLine>> validate(std::string_view dp, std::string_view content_id = {});

 private:
  [[nodiscard]] LinkClient client_of(const fp::DistributionPoint& dp) const;
  [[nodiscard]] Status work_on(const fp::DistributionPoint& dp, Distribution& distribution, const std::function<bool()>& stop);
  [[nodiscard]] Status bring_local(const fp::DistributionPoint& dp, const Distribution& distribution);
  using OnSent = std::function<Status(std::int64_t bytes)>;  // an error ends the push
  [[nodiscard]] Status push_file(LinkClient& link, const Manifest& manifest, const wire::MissingFile& file, const OnSent& sent);
  [[nodiscard]] Status push(const fp::DistributionPoint& dp, Distribution& distribution, const std::function<bool()>& stop);
  [[nodiscard]] Status order_pull(const fp::DistributionPoint& dp, Distribution& distribution);
  [[nodiscard]] Status take_off(const fp::DistributionPoint& dp, const Distribution& distribution);
  [[nodiscard]] Status order(std::string_view content_id, std::string_view dp, DistributionState state);
  // Code::conflict: somebody took the content off this distribution point meanwhile; nothing was written.
  [[nodiscard]] Status note(const Distribution& distribution);
  // The row goes, and with the last row of a content that the site knows no more its files in the local library.
  [[nodiscard]] Status forget(const Distribution& distribution);
  [[nodiscard]] bool due(const Distribution& distribution) const;
  [[nodiscard]] Result<std::vector<wire::FindingLine>> examine(const fp::DistributionPoint& dp, std::string_view content_id);
  [[nodiscard]] Status record(const fp::DistributionPoint& dp, const std::vector<wire::FindingLine>& findings, bool everything);
  [[nodiscard]] Result<std::vector<std::string>> source_urls(const fp::DistributionPoint& for_dp, std::string_view content_id);

  store::Store& store_;
  content::Library& library_;
  const Clock& clock_;
  DistributorOptions options_;
  std::uint64_t salt_;  // of the back-off's draws, so that sites do not retry in step
};

}  // namespace fp::dp
