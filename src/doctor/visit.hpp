// What the parts of an examination share: the subject, the findings so far, one request and what arrived of it. One thread.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "doctor/examination.hpp"

namespace fp::doctor {

struct Answer {
  net::ClientResponse response;
  std::optional<wire::Arrived> arrived;  // from its body, else from its header
};

struct Visit {
  const Subject& subject;
  const Surroundings& around;
  net::Client client;
  std::string host;
  std::vector<Finding> findings;

  Visit(const Subject& s, const Surroundings& a);
  void add(std::string check, Outcome outcome, std::string seen, std::string change = {});
  void ok(std::string check, std::string seen) { add(std::move(check), Outcome::ok, std::move(seen)); }
  [[nodiscard]] Result<Answer> ask(net::ClientRequest request, const std::string& path);
};

// Where a role answers, and what a client of the internet says to it.
struct Door {
  std::string_view role;     // as wire::Arrived names it
  std::string_view look;     // for HEAD, GET and PROPFIND
  std::string_view message;  // for CCM_POST, or POST; empty: none
  std::string_view upload;   // for BITS_POST; empty: none
};

void check_names(Visit& visit);
// False: what follows would only repeat it.
[[nodiscard]] bool check_certificates(Visit& visit);
// The roles that answer; empty: none, which is then a finding.
[[nodiscard]] std::vector<Door> check_contact(Visit& visit);
// A fallback status point, which knows nobody and tells nothing: a body that is no state message comes back refused as such.
void check_fallback(Visit& visit);
// A software update point at the same address, if there is one: a whole scan begins with these requests.
void check_updates(Visit& visit);
void check_verbs(Visit& visit, const Door& door);
void check_headers(Visit& visit, const Door& door);
void check_ranges(Visit& visit, const Door& door);
void check_bodies(Visit& visit, const Door& door);

}  // namespace fp::doctor
