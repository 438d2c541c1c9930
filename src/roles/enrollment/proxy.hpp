// The enrollment proxy point on a host that has neither database nor authority: reads and bounds what comes, holds back who guesses, and
// passes the rest to the enrollment point over the site link (design §9). Any thread; a request waits on its thread for the site's answer, at
// most kWaitingMax at once. Never: keeps a secret, decides about one, answers for the site.
#pragma once
#include <atomic>
#include <functional>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "net/http.hpp"
#include "roles/enrollment/throttle.hpp"

namespace fp::enrollment {

class EnrollmentProxyPoint {
 public:
  using Forward = std::function<Result<net::Response>(net::Request&)>;
  EnrollmentProxyPoint(Forward forward, const Clock& clock, Random& random);
  [[nodiscard]] net::Response handle(net::Request& request);

  static constexpr int kWaitingMax = 16;

 private:
  [[nodiscard]] Status examine(const net::Request& request) const;
  [[nodiscard]] net::Response pass_on(const net::Request& request, const std::string& address);

  const Forward forward_;
  const Clock& clock_;
  Random& random_;
  Throttle addresses_;
  std::atomic<int> waiting_{0};
};

}  // namespace fp::enrollment
