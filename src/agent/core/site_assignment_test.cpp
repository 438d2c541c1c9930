// Finding the site and its management points by the directory of the domain; with the real one in
// tests/test_directory_publishing.py.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/fake_world.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"

using namespace fp;
using namespace fp::agent;
using namespace fp::agent::fake;

namespace {

wire::PublishedManagementPoint point(const std::string& site, const std::string& url) {
  return {site, url.substr(8, url.rfind(':') - 8), url, ""};
}

// A computer of corp.test that knows no management point and no site.
class Joined : public Bench {
 public:
  Joined() {
    settings.site_code = "AUTO";
    settings.domain = "corp.test";
    settings.internet_mp.clear();
    settings.management_points.clear();
    published = [this](const std::string& site_code) -> Result<FoundInDirectory> {
      asked.push_back(site_code);
      if (!problem.empty()) return fail(Code::not_found, "{}", problem);
      return FoundInDirectory{"dc1.corp.test", said};
    };
    services = [this](const std::string& name) -> Result<std::vector<wire::ServiceRecord>> {
      looked_up.push_back(name);
      return fail(Code::not_found, "DNS has no service record {}", name);
    };
  }
  [[nodiscard]] std::string why(const std::string& subject) const {
    const auto all = memory->decisions(subject, 1);
    return all && !all->empty() ? (*all)[0].verdict + ": " + (*all)[0].reason : std::string();
  }
  [[nodiscard]] std::vector<std::string> intranet() const {
    std::vector<std::string> out;
    const auto known = memory->management_points();
    if (known)
      for (const auto& m : *known)
        if (!m.internet) out.push_back(m.url);
    return out;
  }

  wire::Publication said;
  std::string problem;
  std::vector<std::string> asked, looked_up;
};

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST(SiteInTheDirectory, NamesWhomToAskAndThatOneAnswers) {
  Joined b;
  b.said.management_points = {point("LAB", "https://mp1:443")};
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_EQ(*b.memory->property(kAssignedSite), "LAB");
  EXPECT_EQ(b.asked, std::vector<std::string>{""});
  EXPECT_TRUE(b.looked_up.empty()) << "DNS is asked where the directory names nobody";
  EXPECT_EQ(b.site.looked_for_site.size(), 1U);
  EXPECT_TRUE(says(b.why("site"),
                   "LAB: named by https://mp1:443, which dc1.corp.test names in the directory of corp.test"))
      << b.why("site");
  EXPECT_TRUE(says(b.why("directory"), "found: directory of corp.test: dc1.corp.test names https://mp1:443"))
      << b.why("directory");
  b.open();
  b.pass_all();
  EXPECT_EQ(b.asked.size(), 1U) << "what was found stays";
}

TEST(SiteInTheDirectory, WhereTheOneSiteDoesNotWantTheComputerTheOtherIsAsked) {
  Joined b;
  b.said.management_points = {point("OTH", "https://mp2:443"), point("LAB", "https://mp1:443")};
  b.site.assigned_by["https://mp2:443"] = "";
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_EQ(*b.memory->property(kAssignedSite), "LAB");
  EXPECT_EQ(b.intranet(), std::vector<std::string>{"https://mp1:443"})
      << "of the site that it got, and of no other";
}

TEST(SiteInTheDirectory, NobodyWhoIsPublishedIsBelievedWhereBoundariesNameNoSite) {
  Joined b;
  b.said.management_points = {point("LAB", "https://mp1:443")};
  b.site.assigned_site.clear();
  EXPECT_TRUE(says(b.pass().problem, "no site is responsible"));
  EXPECT_TRUE(b.site.registrations.empty());
  b.clock.advance_s(600);
  b.pass();
  EXPECT_EQ(b.asked.size(), 2U) << "every ten minutes: there may be another site meanwhile";
}

TEST(SiteInTheDirectory, AComputerThatIsNotJoinedAsksDnsAndSaysBoth) {
  Joined b;
  b.problem = "this computer is not joined to it: there is no /etc/krb5.keytab";
  const auto result = b.pass();
  EXPECT_FALSE(b.looked_up.empty());
  EXPECT_EQ(b.looked_up.front(), "_mssms_mp._tcp.corp.test");
  EXPECT_TRUE(says(result.problem, "finding the site") || says(result.problem, "internet")) << result.problem;
  EXPECT_TRUE(says(b.why("directory"), "none: directory of corp.test: this computer is not joined"));
  b.services = [](const std::string&) -> Result<std::vector<wire::ServiceRecord>> {
    return std::vector<wire::ServiceRecord>{{0, 0, 80, "mp1"}};
  };
  b.clock.advance_s(600);
  b.pass();
  EXPECT_EQ(*b.memory->property(kAssignedSite), "LAB");
}

TEST(SiteInTheDirectory, WhatIsLeftOutIsNamed) {
  Joined b;
  b.said.refused = {"Farpoint-MP-../x: no site code"};
  b.directory = [](const std::string&) -> std::vector<location::Probe> {
    return {{location::Probe::Kind::domain_controller, "dc1.corp.test", true, "dc1", {}, 1}};
  };
  const auto result = b.pass();
  EXPECT_TRUE(says(b.why("directory"), "left out: Farpoint-MP-../x: no site code"));
  EXPECT_TRUE(says(result.problem, "directory of corp.test: dc1.corp.test names no management point"))
      << result.problem;
  EXPECT_TRUE(says(b.why("site"), "DNS has no service record")) << b.why("site");
}

TEST(SiteInTheDirectory, OnTheInternetItAssignsNothing) {
  Joined b;
  b.said.management_points = {point("LAB", "https://mp1:443")};
  b.site.offline = {"https://mp1:443"};
  const auto result = b.pass();
  EXPECT_TRUE(says(result.problem, "never assigned automatically on the internet")) << result.problem;
  EXPECT_TRUE(b.site.looked_for_site.empty());
  EXPECT_EQ(*b.memory->property(kAssignedSite), "");
}

TEST(SiteInTheDirectory, ASigningCertificateThatTheSiteDidNotPublishIsRefused) {
  Joined b;
  b.said.management_points = {point("LAB", "https://mp1:443")};
  b.said.sites = {{"LAB", "0.1.0", std::string(64, 'a')}};
  EXPECT_TRUE(says(b.pass().problem, "and the directory names aaaa"));
  EXPECT_FALSE(file_exists(b.dir / "site-signing.pem"));
  Joined good;
  good.said = b.said;
  good.said.sites[0].signing_certificate = hex_lower(crypto::sha256(good.site.signing_certificate_der));
  EXPECT_EQ(good.pass().problem, "");
  EXPECT_TRUE(file_exists(good.dir / "site-signing.pem"));
}

TEST(SiteInTheDirectory, NamesAnotherManagementPointWhereNoneThatIsKnownAnswers) {
  Joined b;
  b.settings.site_code = "LAB";
  b.settings.management_points = {"https://gone"};
  b.site.offline = {"https://gone:443"};
  b.directory = [](const std::string&) -> std::vector<location::Probe> {
    return {{location::Probe::Kind::domain_controller, "dc1.corp.test", true, "dc1", {}, 1}};
  };
  b.said.management_points = {point("OTH", "https://mp2:443"), point("LAB", "https://mp1:443")};
  EXPECT_EQ(b.pass({{"policy"}, false, true}).problem, "");
  EXPECT_EQ(b.asked, std::vector<std::string>{"LAB"});
  EXPECT_EQ(*b.memory->property("mp.url"), "https://mp1:443");
  EXPECT_EQ(b.site.registrations.size(), 1U);
}

TEST(SiteInTheDirectory, IsNotAskedByAnInternetOnlyClientOrOneOfNoDomain) {
  Joined b;
  b.settings.site_code = "LAB";
  b.settings.domain.clear();
  b.pass();
  b.settings.domain = "corp.test";
  b.settings.always_internet = true;
  b.settings.internet_mp = "mp9";
  b.pass({{"location"}, true, false});
  EXPECT_TRUE(b.asked.empty());
}
