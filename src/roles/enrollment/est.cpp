#include "roles/enrollment/est.hpp"

#include "base/subnet.hpp"
#include "domain/access/routes.hpp"
#include "roles/enrollment/throttle.hpp"
#include "wire/est.hpp"

namespace fp::enrollment {

namespace {

net::Response say(int status, std::string_view text) {
  return net::Response::text(status, "text/plain; charset=utf-8", std::string(text) + "\n");
}

int status_of(Code code) {
  switch (code) {
    case Code::invalid: return 400;
    case Code::too_large: return 413;
    case Code::unauthenticated:
    case Code::not_found: return 401;
    case Code::forbidden:
    case Code::conflict: return 403;
    default: return 503;
  }
}

}  // namespace

bool owns(std::string_view path) { return access::find_route(access::Role::enrollment, path) != nullptr; }

std::size_t body_limit(const net::Request& head) { return owns(head.path) ? wire::kEstBodyBytesMax : 0; }

net::Response refusal(const Error& error, Random& random) {
  constexpr std::uint64_t kWaitMinS = 5, kWaitSpreadS = 56;
  const int status = status_of(error.code);
  if (status == 401)
    return std::move(say(401, "an enrollment token or account that is good is required").set("WWW-Authenticate", "Basic realm=\"Farpoint enrollment\""));
  if (status == 503)
    return std::move(say(503, "try again later").set("Retry-After", std::to_string(kWaitMinS + random.below(kWaitSpreadS))));
  return say(status, error.message);
}

net::Response too_many(std::int64_t wait_ms) {
  return std::move(say(429, "too many wrong attempts: wait").set("Retry-After", std::to_string(wait_ms / 1000 + 1)));
}

std::string subject_of_address(std::string_view address) {
  constexpr int kHostNetworkBits = 64;
  const auto parsed = parse_address(address);
  if (!parsed) return std::string(address);
  return to_text(parsed->bits == 32 ? *parsed : masked(*parsed, kHostNetworkBits));
}

}  // namespace fp::enrollment
