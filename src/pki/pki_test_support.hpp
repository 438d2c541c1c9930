// Identities for tests: one small hierarchy, made once per test program; keys are shared because making them is slow.
// One thread. Never used outside *_test.cpp and *_fuzz.cpp.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "pki/issue.hpp"

namespace fp::pki::testing {

inline constexpr Instant kNow{1'800'000'000'000};  // 2027-01-15T08:00:00Z
inline constexpr std::int64_t kDayS = 86400;

inline Random& random_of_tests() {
  static SeededRandom random(7);
  return random;
}

inline const crypto::PrivateKey& a_key(std::size_t number = 0) {
  static std::vector<crypto::PrivateKey> keys;
  while (keys.size() <= number) keys.push_back(crypto::PrivateKey::generate_rsa(2048).value());
  return keys[number];
}

inline AuthorityOrder authority_order(std::string name, std::string crl_url = {}) {
  return {std::move(name), "Example", kNow.plus_s(-kDayS), kNow.plus_s(3650 * kDayS), std::move(crl_url), 2048};
}

inline const Identity& a_root() {
  static const Identity root = make_root(authority_order("Test Root"), random_of_tests()).value();
  return root;
}
inline const Identity& an_issuer() {
  static const Identity issuing =
      make_issuing(a_root(), authority_order("Test Issuing", "http://crl.test/root.crl"), random_of_tests()).value();
  return issuing;
}
inline const Identity& a_foreign_root() {
  static const Identity root = make_root(authority_order("Foreign Root"), random_of_tests()).value();
  return root;
}

inline Order order_of(Profile profile, std::string name, std::int64_t days = 365) {
  Order order;
  order.profile = profile;
  order.common_name = name;
  order.organisation = "Example";
  order.dns_names = {std::move(name)};
  order.not_before = kNow.plus_s(-3600);
  order.not_after = kNow.plus_s(days * kDayS);
  order.crl_url = "http://crl.test/issuing.crl";
  return order;
}

inline Certificate a_certificate(Profile profile, std::string name, std::int64_t days = 365) {
  return issue(an_issuer(), order_of(profile, std::move(name), days), a_key().public_key(), random_of_tests()).value();
}

inline std::string a_crl(const Identity& issuer, const std::vector<Revoked>& revoked = {}, std::uint64_t number = 1,
                         Instant from = kNow.plus_s(-60), std::int64_t life_s = 7 * kDayS) {
  return make_crl(issuer, revoked, number, from, from.plus_s(life_s)).value();
}

}  // namespace fp::pki::testing
