// Fetches content from another distribution point: manifest, then files by ranges of whole chunks, each chunk proved by the
// manifest and the manifest by the root hash that the site named. So any source is good, and a wrong one wastes only time.
// Threads: one at a time per worker; blocks on the network. Goes on where it stopped after a restart.
// Never: commits a content whose root hash is not the one asked for.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "content/library.hpp"
#include "net/client.hpp"
#include "roles/dp/pull_orders.hpp"

namespace fp::dp {

class PullWorker {
 public:
  PullWorker(content::Library& library, net::ClientOptions identity) : library_(library), identity_(std::move(identity)) {}

  // Sources in the order given ("https://dp:443"); what one had delivered stays when the next is tried.
  [[nodiscard]] Status fetch(const wire::PullOrder& order, const content::OnProgress& progress = {});
  // Every order that is due, once; those that succeed are removed. Returns how many were fetched. Failures are kept as problems.
  // An order that is taken back, or `stop`, ends a fetch between two requests.
  [[nodiscard]] int run_once(PullOrders& orders, const Clock& clock, const std::function<bool()>& stop = {});

 private:
  [[nodiscard]] Status fetch_from(const std::string& source, const wire::PullOrder& order, const content::OnProgress& progress);
  [[nodiscard]] Status fetch_chunks(net::Client& client, const std::string& base, const Manifest& manifest,
                                    const content::OnProgress& progress);
  content::Library& library_;
  net::ClientOptions identity_;
};

}  // namespace fp::dp
