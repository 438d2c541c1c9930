#include <gtest/gtest.h>

#include <map>

#include "doctor/visit.hpp"

namespace fp::doctor {
namespace {

class Names : public ::testing::Test {
 protected:
  std::map<std::string, std::vector<std::string>> zone;
  bool lies = false;
  Subject subject;
  SeededRandom random{1};

  std::map<std::string, Outcome> look() {
    subject.url = "https://mp.example.org:8443";
    const Surroundings around{system_clock(),
                              random,
                              [this](const std::string& host) -> Result<std::vector<std::string>> {
                                if (const auto found = zone.find(host); found != zone.end()) return found->second;
                                if (lies) return std::vector<std::string>{"192.168.7.1"};
                                return fail(Code::not_found, "{}: no such name", host);
                              },
                              {}};
    Visit visit(subject, around);
    check_names(visit);
    std::map<std::string, Outcome> out;
    for (const auto& f : visit.findings) {
      out[f.check] = f.outcome;
      EXPECT_EQ(f.outcome == Outcome::ok, f.change.empty()) << f.check;
      EXPECT_FALSE(f.seen.empty());
    }
    return out;
  }
};

TEST_F(Names, APublicNameIsGood) {
  zone["mp.example.org"] = {"10.0.0.1", "203.0.113.1"};
  const std::map<std::string, Outcome> wanted = {
      {"dns name", Outcome::ok}, {"dns truth", Outcome::ok}, {"dns public", Outcome::ok}};
  EXPECT_EQ(look(), wanted);
}

TEST_F(Names, ANameThatIsNotThereIsAFailureUnlessAProxyFindsIt) {
  EXPECT_EQ(look().at("dns name"), Outcome::failed);
  subject.client.proxy = "http://proxy:3128";
  EXPECT_EQ(look().at("dns name"), Outcome::ok);
}

TEST_F(Names, AResolverThatAnswersEverythingIsNamed) {
  lies = true;
  const auto found = look();
  EXPECT_EQ(found.at("dns truth"), Outcome::failed);
  EXPECT_EQ(found.at("dns public"), Outcome::warning);
  subject.internet = false;
  EXPECT_FALSE(look().contains("dns public"));
}

TEST(Addresses, PrivateOnesAreTold) {
  for (const auto* open : {"203.0.113.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "2001:4860::8888"})
    EXPECT_TRUE(is_public_address(open)) << open;
  for (const auto* shut : {"10.1.2.3", "172.16.0.1", "172.31.255.1", "192.168.7.1", "127.0.0.1", "169.254.1.1", "100.64.0.1",
                           "0.0.0.0", "224.0.0.1", "::1", "::", "fe80::1", "fd00::1", "ff02::1", "nonsense"})
    EXPECT_FALSE(is_public_address(shut)) << shut;
}

}  // namespace
}  // namespace fp::doctor
