#include "pki/selection.hpp"

#include <gtest/gtest.h>

#include "pki/pki_test_support.hpp"

namespace fp::pki {
namespace {

using namespace testing;  // NOLINT: the room's own test values

Candidate candidate(const Certificate& c) { return {c, {an_issuer().certificate, a_root().certificate}}; }
Candidate good(std::string name, std::int64_t days = 365) {
  return candidate(a_certificate(Profile::client, std::move(name), days));
}

SelectionCriteria for_computer(std::string name) {
  SelectionCriteria criteria;
  criteria.computer_name = std::move(name);
  criteria.now = kNow;
  return criteria;
}

std::string reason_of(const Selection& s, std::size_t index) {
  for (const Rejection& r : s.rejected)
    if (r.candidate == index) return r.reason;
  return "(not rejected)";
}

TEST(Selection, TheLongestValidityOfThoseThatFitWins) {
  const Selection s = select_certificate({good("pc1", 100), good("pc1", 300), good("pc2", 900)}, for_computer("PC1"));
  EXPECT_EQ(s.chosen, 1U);
  EXPECT_EQ(reason_of(s, 0), "fits, but another one has a longer validity");
  EXPECT_NE(reason_of(s, 2).find("computer name PC1"), std::string::npos);
}

TEST(Selection, EveryReasonIsTold) {
  std::vector<Candidate> all = {good("pc1", 100), good("pc1"), good("pc1"), candidate(a_certificate(Profile::server, "pc1")),
                                good("pc1"),      good("pc1")};
  all[1].key_accessible = false;
  all[2].revoked = true;
  all[4].store = "Other";
  all[5].certificate = a_certificate(Profile::client, "pc1", 400);
  SelectionCriteria criteria = for_computer("pc1");
  criteria.now = kNow.plus_s(200 * kDayS);
  const Selection s = select_certificate(all, criteria);
  EXPECT_EQ(s.chosen, 5U);
  EXPECT_NE(reason_of(s, 0).find("expired"), std::string::npos);
  EXPECT_EQ(reason_of(s, 1), "its private key is not accessible");
  EXPECT_EQ(reason_of(s, 2), "revoked");
  EXPECT_EQ(reason_of(s, 3), "no client authentication purpose");
  EXPECT_EQ(reason_of(s, 4), "it is in store Other, not MY");
  criteria.now = kNow.plus_s(-kDayS);
  EXPECT_NE(reason_of(select_certificate(all, criteria), 5).find("not valid before"), std::string::npos);
}

TEST(Selection, NoneWhenSeveralFitAndTheSettingSaysSo) {
  SelectionCriteria criteria = for_computer("pc1");
  criteria.several = Several::none;
  EXPECT_FALSE(select_certificate({good("pc1"), good("pc1")}, criteria).chosen.has_value());
  EXPECT_EQ(select_certificate({good("pc1"), good("pc2")}, criteria).chosen, 0U);
}

TEST(Selection, AnIssuersListThatNothingMatchesEndsTheSearch) {
  SelectionCriteria criteria = for_computer("pc1");
  criteria.issuers = parse_issuers("CN=Test Root; O=Example").value();
  EXPECT_EQ(select_certificate({good("pc1")}, criteria).chosen, 0U);
  criteria.issuers = parse_issuers("CN=test root | CN=Another").value();
  const Selection none = select_certificate({good("pc1")}, criteria);
  EXPECT_FALSE(none.chosen.has_value());
  EXPECT_NE(none.reason.find("issuers list"), std::string::npos);
  // Only the intermediate is known: the name of its issuer counts.
  criteria.issuers = parse_issuers("CN=Test Root").value();
  Candidate rootless = good("pc1");
  rootless.chain.pop_back();
  EXPECT_EQ(select_certificate({rootless}, criteria).chosen, 0U);
}

TEST(Selection, CriteriaReplaceTheComputerName) {
  SelectionCriteria criteria = for_computer("elsewhere");
  const std::vector<Candidate> all = {good("pc1.example.org")};
  EXPECT_FALSE(select_certificate(all, criteria).chosen.has_value());
  const std::pair<const char*, bool> rules[] = {{"SubjectStr:PC1", true},
                                                {"subjectstr: example.ORG", true},
                                                {"Subject:pc1.example.org", true},
                                                {"Subject:CN=pc1.example.org,O=Example", true},
                                                {"Subject:pc1", false},
                                                {"SubjectAttr:O = Example", true},
                                                {"SubjectAttr:2.5.4.10=Example", true},
                                                {"SubjectAttr:O=example", false},
                                                {"SubjectAttr:SAN = pc1.example.org", true}};
  for (const auto& [text, fits] : rules) {
    criteria.subject = parse_certsel(text).value();
    EXPECT_EQ(select_certificate(all, criteria).chosen.has_value(), fits) << text;
  }
}

TEST(Selection, NothingToChooseFromSaysSo) {
  EXPECT_EQ(select_certificate({}, for_computer("pc1")).reason, "there is no certificate to choose from");
}

TEST(CertSel, WhatIsNotTheGrammarIsRefused) {
  for (const char* text : {"", "pc1", "Subject:", "SubjectStr:  ", "SubjectAttr:O", "SubjectAttr:Shoe = 42",
                           "SubjectAttr:O=", "Issuer:x", "SubjectStr:\xFF"})
    EXPECT_EQ(parse_certsel(text).error().code, Code::invalid) << text;
}

TEST(CertIssuers, AttributesRootsAndQuotesAreRead) {
  const auto rules = parse_issuers("CN=Root, O=\"Example, Inc.\" ; C=DE | CN=Other").value();
  ASSERT_EQ(rules.size(), 2U);
  ASSERT_EQ(rules[0].attributes.size(), 3U);
  EXPECT_EQ(rules[0].attributes[1].second, "Example, Inc.");
  EXPECT_TRUE(parse_issuers("  ").value().empty());
  for (const char* text : {"|", "CN", "CN=", "Shoe=1", "CN=a||CN=b", "CN=\"a"})
    EXPECT_FALSE(parse_issuers(text).has_value()) << text;
}

}  // namespace
}  // namespace fp::pki
