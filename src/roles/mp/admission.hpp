// What is decided about a request before its message is read: path, verb and transport by the table of domain/access, and the answers
// of wire.md §16 to what is refused. The same in the site server and in a management point on a host of its own. Any thread; pure but
// for one log line for each refusal.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "domain/access/routes.hpp"
#include "net/http.hpp"
#include "wire/bits.hpp"

namespace fp::mp {

// A refusal on its way up.
struct Refused {
  int status = 200;
  std::string reason;
};

// Logs one line and makes the response.
[[nodiscard]] net::Response refusal_response(std::string_view component, const net::Request& request, std::string_view client_id,
                                             const Refused& refused);
// Seconds for the Retry-After of a 503: out of a window, so that those who are sent away do not come back together.
[[nodiscard]] std::string retry_after(Random& random);
using Refuse = std::function<net::Response(std::string_view component, const net::Request&, std::string_view client_id, const Refused&)>;

struct Admission {
  const access::Route* route = nullptr;
  std::optional<net::Response> refusal;  // empty: go on
};
// A BITS_POST that came as POST, as through proxies that know no other verbs, becomes one.
[[nodiscard]] Admission admit(net::Request& request, const access::Settings& settings, const Refuse& refuse, bool windows_login = false);

[[nodiscard]] std::size_t body_bytes_max(const net::Request& head);
// The answer where that was passed (net::TooLarge); nothing: the server's own.
[[nodiscard]] std::optional<net::Response> too_large_packet(const net::Request& head, const Refuse& refuse);
// Senders of packets read the refusal from headers, and any answer of another shape is none to them (wire.md §10).
[[nodiscard]] net::Response refused_packet(const net::Request& request, const wire::BitsError& error, const Refuse& refuse);
[[nodiscard]] std::string_view component_of(access::RouteId id);

}  // namespace fp::mp
