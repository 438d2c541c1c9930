// A management point on a host of its own: it ends the clients' TLS, admits or refuses by route, verb, certificate and the shape of
// what came, and passes on what is left as values over the site link (design §7). The site verifies every signature and looks at
// every certificate again. Any thread, any number at once; one call of `forward`, which blocks, for each admitted request.
// Never: a database, a key of the site, an answer of its own to what only the site can know, a request kept for later.
#pragma once
#include <functional>
#include <optional>

#include "base/random.hpp"
#include "base/result.hpp"
#include "net/http.hpp"

namespace fp::mp {

// Takes the request to the site and brings its answer; Code::unavailable and Code::timed_out where there is none.
using Forward = std::function<Result<net::Response>(net::Request& request)>;

class PerimeterPoint {
 public:
  // `random` is used by many threads.
  PerimeterPoint(Forward forward, Random& random) : forward_(std::move(forward)), random_(random) {}

  [[nodiscard]] net::Response handle(net::Request& request);
  [[nodiscard]] static bool owns(std::string_view decoded_path);
  [[nodiscard]] static std::size_t body_limit(const net::Request& head);
  [[nodiscard]] static std::optional<net::Response> too_large(const net::Request& head);

 private:
  [[nodiscard]] net::Response pass_on(net::Request& request);
  Forward forward_;
  Random& random_;
};

}  // namespace fp::mp
