// Which certificate a client presents (domain.md §5.2) and the grammars that steer it (CCMCERTSEL, CCMCERTISSUERS §5.3).
// Pure: candidates and criteria in, a choice and a reason for every other candidate out. Any thread; never touches a store.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "pki/certificate.hpp"

namespace fp::pki {

// One CCMCERTSEL rule; without one the subject or SAN must contain the computer name.
struct SubjectRule {
  enum class Kind { exact, partial, attribute };
  Kind kind = Kind::partial;
  std::string value;      // exact: the subject text or a SAN; partial: part of it
  std::string attribute;  // attribute: dotted OID or name
};
// "Subject:<text>", "SubjectStr:<text>", "SubjectAttr:<OID or name> = <value>"; keywords case-insensitive. Code::invalid.
[[nodiscard]] Result<SubjectRule> parse_certsel(std::string_view text);

// One root of CCMCERTISSUERS: every attribute must stand in the issuer's subject, value compared with case.
struct IssuerRule {
  std::vector<std::pair<std::string, std::string>> attributes;  // (OID or name, value)
};
// "CN=Root; O=Example | CN=Other": attributes by , or ; and roots by |. Values may be quoted ("a,b"). Code::invalid.
[[nodiscard]] Result<std::vector<IssuerRule>> parse_issuers(std::string_view text);
[[nodiscard]] bool matches(const IssuerRule& rule, const Certificate& root);

struct Candidate {
  Certificate certificate;
  std::vector<Certificate> chain;  // towards its root, as far as known; the root itself last where it is known
  bool key_accessible = true;
  bool revoked = false;
  std::string store = "MY";
};

enum class Several { longest_validity, none };  // what to do when more than one fits

struct SelectionCriteria {
  std::vector<IssuerRule> issuers;     // empty: the step is skipped
  std::optional<SubjectRule> subject;  // CCMCERTSEL or the site's criteria
  std::string computer_name;           // used where `subject` is not set
  std::string store = "MY";
  Several several = Several::longest_validity;
  Instant now;
};

struct Rejection {
  std::size_t candidate = 0;  // index
  std::string reason;         // one clause: "expired 2026-11-01T00:00:00Z"
};

struct Selection {
  std::optional<std::size_t> chosen;  // index into the candidates
  std::string reason;                 // one sentence: why this one, or why none
  std::vector<Rejection> rejected;    // every other candidate, in their order
};

[[nodiscard]] Selection select_certificate(const std::vector<Candidate>& candidates, const SelectionCriteria& criteria);

}  // namespace fp::pki
