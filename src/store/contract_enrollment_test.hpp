// Enrolment: tokens, what was issued, proxy points.
#pragma once
#include "store/contract_test.hpp"

namespace fp::store {

inline EnrollmentToken a_token(const std::string& id, const std::string& hash) {
  EnrollmentToken t;
  t.id = id;
  t.hash = hash;
  t.uses = 3;
  t.expires_at = {9000};
  return t;
}
inline Enrollment an_enrollment(const std::string& serial, const std::string& key, const std::string& replaces = {}) {
  Enrollment e;
  e.serial = serial;
  e.name = "pc1.example.test";
  e.by = "token FP100001";
  e.key_fingerprint = std::string(64 - key.size(), '0') + key;
  if (!replaces.empty()) e.replaces_fingerprint = std::string(64 - replaces.size(), '0') + replaces;
  e.certificate_der = std::string("0\0\x82", 3) + serial;
  e.at = {1000};
  return e;
}

TEST_P(StoreContract, EnrollmentTokensAreFoundByTheirHashOnly) {
  auto token = a_token("FP100001", "aa");
  token.kind = EnrollmentKind::mobile;
  token.names = "*.example.test";
  token.created_by = "ola";
  change([&](Repositories& r) { return r.enrollments.put_token(token); });
  open();
  const auto back = get([](Repositories& r) { return r.enrollments.find_token_by_hash("aa"); });
  EXPECT_EQ(back.id, "FP100001");
  EXPECT_EQ(back.hash, "aa");
  EXPECT_EQ(back.kind, EnrollmentKind::mobile);
  EXPECT_EQ(back.names, "*.example.test");
  EXPECT_EQ(back.uses, 3);
  EXPECT_EQ(back.expires_at, Instant{9000});
  EXPECT_EQ(back.created_by, "ola");
  EXPECT_EQ(missing([](Repositories& r) { return r.enrollments.find_token_by_hash("ab"); }), Code::not_found);
  EXPECT_EQ(missing([](Repositories& r) { return r.enrollments.find_token_by_hash(""); }), Code::not_found);
  EXPECT_EQ(refused([](Repositories& r) { return r.enrollments.put_token(a_token("FP100002", "aa")); }), Code::conflict);
  token.used = 2;
  token.revoked_at = {7000};
  change([&](Repositories& r) { return r.enrollments.put_token(token); });
  EXPECT_EQ(get([](Repositories& r) { return r.enrollments.find_token("FP100001"); }).used, 2);
  EXPECT_EQ(get([](Repositories& r) { return r.enrollments.tokens(); }).size(), 1U);
}

TEST_P(StoreContract, EnrollmentsAreFoundBySerialByKeyAndByWhatTheyReplace) {
  change([](Repositories& r) -> Status {
    FP_CHECK(r.enrollments.put(an_enrollment("01", "a")));
    FP_CHECK(r.enrollments.put(an_enrollment("02", "b", "a")));
    return r.enrollments.put(an_enrollment("03", "b", "a"));
  });
  open();
  const std::string a = an_enrollment("", "a").key_fingerprint, b = an_enrollment("", "b").key_fingerprint;
  const auto first = get([](Repositories& r) { return r.enrollments.find("01"); });
  EXPECT_EQ(first.certificate_der, an_enrollment("01", "a").certificate_der);
  EXPECT_EQ(first.name, "pc1.example.test");
  EXPECT_EQ(get([&](Repositories& r) { return r.enrollments.find_by_key(b); }).serial, "03");
  const auto renewals = get([&](Repositories& r) { return r.enrollments.renewals_of(a); });
  ASSERT_EQ(renewals.size(), 2U);
  EXPECT_EQ(renewals[0].serial, "03");
  EXPECT_TRUE(get([](Repositories& r) { return r.enrollments.renewals_of(""); }).empty());
  EXPECT_EQ(missing([](Repositories& r) { return r.enrollments.find("04"); }), Code::not_found);
  const auto newest = get([](Repositories& r) { return r.enrollments.list(2); });
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].serial, "03");
}

TEST_P(StoreContract, EnrollmentProxyPointsComeAndGo) {
  change([](Repositories& r) {
    return r.enrollments.put_proxy({"epp.example.test", Connections::internet, std::string(64, 'a'), "10.0.0.1:10443"});
  });
  open();
  const auto back = get([](Repositories& r) { return r.enrollments.find_proxy("EPP.example.test"); });
  EXPECT_EQ(back.link, "10.0.0.1:10443");
  EXPECT_EQ(back.fingerprint, std::string(64, 'a'));
  EXPECT_EQ(get([](Repositories& r) { return r.enrollments.proxies(); }).size(), 1U);
  change([](Repositories& r) { return r.enrollments.remove_proxy("epp.example.test"); });
  EXPECT_EQ(refused([](Repositories& r) { return r.enrollments.remove_proxy("epp.example.test"); }), Code::not_found);
}

}  // namespace fp::store
