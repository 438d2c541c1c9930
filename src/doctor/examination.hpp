// Examines the way from here to one site system: DNS, TLS, revocation lists, the proxy, and what intermediaries do to every verb,
// header, range and body that a client of the internet needs (domain.md §1.1, §37). One thread; some forty requests and up to
// 45 MiB of upload. Never: changes anything on the server, sends an identity, follows a redirect.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "net/client.hpp"
#include "pki/certificate.hpp"
#include "wire/diagnosis.hpp"

namespace fp::doctor {

enum class Outcome { ok, warning, failed };
[[nodiscard]] std::string_view to_string(Outcome outcome);

struct Finding {
  std::string server;  // "https://mp.example.org:443"; empty: this computer
  std::string check;   // "verb PROPFIND"
  Outcome outcome = Outcome::ok;
  std::string seen;    // one sentence
  std::string change;  // what to change where; empty where nothing is to be done
};

struct Subject {
  std::string url;            // https://host[:port]; http://: a fallback status point, which speaks nothing else
  net::ClientOptions client;  // certificate, key, roots, proxy
  std::string proxy_source;   // who named the proxy
  std::string roots_pem;      // what the server's certificate must chain to; empty: the machine's roots
  std::vector<pki::Certificate> own_chain;
  bool internet = true;  // a door that is published: its name must be public
  bool check_revocation = true;
};

struct Surroundings {
  const Clock& clock;
  Random& random;
  // Addresses; an error where there is no such name.
  std::function<Result<std::vector<std::string>>(const std::string& host)> resolve;
  std::function<void(int ms)> pause;
};

[[nodiscard]] std::vector<Finding> examine(const Subject& subject, const Surroundings& around);
// By the machine's resolver.
[[nodiscard]] Result<std::vector<std::string>> resolve_by_system(const std::string& host);
// Whether anybody on the internet could reach it: not private, local to a link or a machine, or shared by a carrier.
[[nodiscard]] bool is_public_address(std::string_view address);
[[nodiscard]] bool all_good(const std::vector<Finding>& findings);  // no failure among them

}  // namespace fp::doctor
