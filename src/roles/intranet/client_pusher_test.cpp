#include "roles/intranet/client_pusher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/test_folder.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace fp::intranet {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

// Writes down what it is asked to run and answers what the test wants: the real ssh talks to a real sshd in
// tests/test_client_push.py.
class ScriptedRunner final : public packages::Runner {
 public:
  Result<packages::Run> run(const packages::Command& command) override {
    commands.push_back(command);
    if (answers.empty()) return packages::Run{};
    auto next = answers.front();
    answers.erase(answers.begin());
    return next;
  }
  std::vector<packages::Command> commands;
  std::vector<packages::Run> answers;
};

packages::Run failed(int code, const std::string& said) {
  packages::Run run;
  run.exit_code = code;
  run.err = said;
  return run;
}

class Pusher : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = std::move(store::open_sqlite(dir_ / "site.db", clock_)).value();
    ASSERT_TRUE(store_->write([](store::Repositories& r) -> Status {
      FP_CHECK(r.boundaries.put({.id = "FP100010", .name = "Office", .value = "10.1.0.0/16"}));
      FP_CHECK(r.boundaries.put({.id = "FP100011", .name = "Hotel", .value = "192.0.2.0/24"}));
      return r.boundaries.put_group({.id = "FP100012", .name = "HQ", .boundaries = {"FP100010"}, .assigned_site = "FP1"});
    }));
    pusher_.emplace(*store_, clock_, runner_,
                    PushSettings{dir_ / "push", "FP1", dir_ / "site.key", dir_ / "keytab"},
                    [this](const site::BundleOrder& order) -> Result<site::ClientBundle> {
                      site::ClientBundle bundle;
                      bundle.files = {{"install.sh", 0755, "true\n"}};
                      if (order.issue) {
                        ++issued_;
                        bundle.files.push_back({"certificates/pc1.key", 0600, "SECRET"});
                      }
                      return bundle;
                    },
                    [this](const std::string&) -> Result<std::vector<std::string>> { return std::vector<std::string>{address_}; });
  }
  void TearDown() override {
    store_.reset();
  }
  void order(ClientPush push = {}) {
    push.id = "FP100001";
    push.host = "pc1.corp.test";
    ASSERT_TRUE(store_->write([&](store::Repositories& r) { return r.client_pushes.put(internet::ordered(push, clock_.now())); }));
  }
  ClientPush push() {
    return store_->read([](store::Repositories& r) { return r.client_pushes.find("FP100001"); }).value();
  }
  int run() {
    const std::atomic<bool> stop{false};
    return pusher_->run_once(stop).value();
  }
  // Everything of every command line as one text.
  std::string words() {
    std::string out;
    for (const auto& c : runner_.commands)
      for (const auto& w : c.argv) out += w + "\n";
    return out;
  }

  TestFolder folder_;
  const Path dir_ = folder_.path();
  ManualClock clock_;
  ScriptedRunner runner_;
  std::unique_ptr<store::Store> store_;
  std::optional<ClientPusher> pusher_;
  std::string address_ = "10.1.2.3";
  int issued_ = 0;
};

}  // namespace

TEST_F(Pusher, KnocksThenBringsTheBundleAndForgetsItsSecrets) {
  ASSERT_TRUE(pusher_->keep_key("FP100001", "-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n-----END OPENSSH PRIVATE KEY-----"));
  struct stat s{};
  ASSERT_EQ(::stat((dir_ / "push" / "FP100001.key").c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 0777U, 0600U);
  order();
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(push().state, PushState::succeeded);
  ASSERT_EQ(runner_.commands.size(), 2U);
  EXPECT_THAT(runner_.commands[0].argv, Contains("true"));
  EXPECT_THAT(runner_.commands[1].argv.back(), HasSubstr("install.sh"));
  EXPECT_THAT(words(), HasSubstr("StrictHostKeyChecking=accept-new"));
  EXPECT_THAT(words(), HasSubstr("BatchMode=yes"));
  EXPECT_THAT(words(), Not(HasSubstr("SECRET")));
  EXPECT_THAT(words(), Not(HasSubstr("PRIVATE KEY")));
  for (const auto* name : {"FP100001.key", "FP100001.issued", "FP100001.tar.gz"}) EXPECT_FALSE(file_exists(dir_ / "push" / name)) << name;
}

TEST_F(Pusher, AWrongKeyIsTriedAgainInAnHourAndCostsNoCertificate) {
  order();
  runner_.answers = {failed(255, "Warning: Permanently added 'pc1'\nroot@pc1: Permission denied (publickey).\n")};
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(push().state, PushState::waiting);
  EXPECT_EQ(push().attempts.back().reason, "pc1.corp.test could not be logged on to: root@pc1: Permission denied (publickey).");
  EXPECT_EQ(issued_, 0);
  EXPECT_EQ(run(), 0);
  clock_.advance_s(3600);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(push().state, PushState::succeeded);
}

TEST_F(Pusher, AFailedInstallationKeepsTheCertificateForTheNextTry) {
  order();
  runner_.answers = {packages::Run{}, failed(2, "dpkg: error: locked\n")};
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(push().attempts.back().reason, HasSubstr("dpkg: error: locked"));
  clock_.advance_s(3600);
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(push().state, PushState::succeeded);
  EXPECT_EQ(issued_, 1);
}

TEST_F(Pusher, AHostThatIsOutsideIsNotConnectedTo) {
  order();
  address_ = "203.0.113.7";
  EXPECT_EQ(run(), 1);
  EXPECT_TRUE(runner_.commands.empty());
  EXPECT_EQ(push().state, PushState::waiting);
  EXPECT_THAT(push().attempts.back().reason, HasSubstr("203.0.113.7 is in no boundary of a boundary group that is assigned to site FP1"));
}

TEST_F(Pusher, OnlyBoundariesOfGroupsThatAreAssignedToTheSiteAreItsIntranet) {
  EXPECT_THAT(pusher_->verdict("pc1.corp.test")->reason, HasSubstr("10.1.2.3 is in 10.1.0.0/16 (boundary Office, boundary group HQ)"));
  address_ = "192.0.2.9";
  EXPECT_FALSE(pusher_->verdict("pc1.corp.test")->offered);
  EXPECT_THAT(pusher_->verdict("pc1.corp.test")->reason, HasSubstr("192.0.2.9 is in boundary Hotel, which is in no boundary group"));
  ASSERT_TRUE(store_->write([](store::Repositories& r) { return r.boundaries.remove_group("FP100012"); }));
  EXPECT_THAT(pusher_->verdict("pc1.corp.test")->reason, HasSubstr("no boundary group is assigned to site FP1"));
}

TEST_F(Pusher, AFingerprintIsTheOnlyKeyThatIsBelieved) {
  ClientPush p;
  p.fingerprint = "SHA256:" + std::string(43, 'A');
  order(p);
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(words(), HasSubstr("StrictHostKeyChecking=yes"));
  EXPECT_THAT(words(), HasSubstr("KnownHostsCommand=/bin/sh -c '[ \"%f\" != \"" + p.fingerprint + "\" ]"));
}

TEST_F(Pusher, KerberosUsesTheKeytabAndNoKey) {
  ClientPush p;
  p.logon = PushLogon::kerberos;
  p.user = "operator";
  order(p);
  EXPECT_EQ(run(), 1);
  EXPECT_THAT(words(), HasSubstr("PreferredAuthentications=gssapi-with-mic"));
  EXPECT_THAT(words(), Not(HasSubstr("IdentityFile")));
  EXPECT_EQ(runner_.commands[0].environment.at("KRB5_CLIENT_KTNAME"), "FILE:" + (dir_ / "keytab").native());
  EXPECT_THAT(runner_.commands[1].argv.back(), HasSubstr("sudo -n sh"));
}

TEST_F(Pusher, WhatIsNoPrivateKeyOrHasAPasswordIsRefused) {
  EXPECT_FALSE(pusher_->keep_key("FP100001", "ssh-ed25519 AAAA"));
  EXPECT_FALSE(pusher_->keep_key("FP100001", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----"));
  EXPECT_TRUE(pusher_->check_logon({}, false));
}

TEST_F(Pusher, AnOrderThatRanWhenTheServerStoppedWaitsAgain) {
  ClientPush p;
  order(p);
  auto running = push();
  running.state = PushState::running;
  ASSERT_TRUE(store_->write([&](store::Repositories& r) { return r.client_pushes.put(running); }));
  EXPECT_EQ(run(), 0);
  ASSERT_TRUE(pusher_->resume());
  EXPECT_EQ(run(), 1);
  EXPECT_EQ(push().state, PushState::succeeded);
}

}  // namespace fp::intranet
