// The site's side of its fallback status points: fetches what was spooled over the site link, opens what was sealed to the site,
// stores it as untrusted, and acknowledges once it is on the disk. What was fetched and not acknowledged comes again and is
// known by its id, so that a kill of either end neither loses nor doubles.
// Threads: one at a time per Collector; blocks on the network. Costs a request for each point and each 500 messages. Never: a
// transaction held open meanwhile, a device's own record touched, a message believed.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "model/fallback.hpp"
#include "net/http.hpp"
#include "site/keys.hpp"
#include "store/store.hpp"
#include "wire/fsp_link.hpp"

namespace fp::fsp {

// Over the site link, to the host of that name; takes answers of limits::kFallbackBatchBytesMax and their wrapping, and no larger ones.
using Ask = std::function<Result<net::Response>(const std::string& name, net::Request& request)>;
// Of the largest answer of a status point.
inline constexpr std::int64_t kAnswerBytesMax = std::int64_t{16} << 20;

class Collector {
 public:
  // `ask`: unset where the site has no certificate for the link; every status point has a problem then.
  Collector(store::Store& store, const Clock& clock, Ask ask, std::optional<site::SealingKey> sealing);

  // Every status point once, until it has nothing more. Returns how many states were new. `stop` is asked between batches.
  [[nodiscard]] Result<int> run_once(const std::function<bool()>& stop = {});

  // One message as the site keeps it; what cannot be read becomes one of topic 0 that says why.
  [[nodiscard]] std::vector<FallbackMessage> read(const wire::SpooledMessage& message, std::string_view fsp) const;

 private:
  [[nodiscard]] Result<int> collect(FallbackPoint point, const std::function<bool()>& stop);
  [[nodiscard]] Result<int> keep(const FallbackPoint& point, const wire::SpoolBatch& batch);
  [[nodiscard]] Result<std::string> call(const std::string& name, const std::string& method, const std::string& what, std::string body = {}) const;

  store::Store& store_;
  const Clock& clock_;
  Ask ask_;
  std::optional<site::SealingKey> sealing_;
};

}  // namespace fp::fsp
