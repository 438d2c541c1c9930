// Whole passes against a site in memory: registration, location, policy, reports.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/core/fake_world.hpp"
#include "crypto/hash.hpp"
#include "crypto/signature.hpp"
#include "wire/policy_body.hpp"

using namespace fp;
using namespace fp::agent;
using namespace fp::agent::fake;

namespace {
std::size_t count(const Bench& b, const std::string& part) {
  return static_cast<std::size_t>(
      std::ranges::count_if(b.site.calls, [&](const auto& c) { return c.find(part) != std::string::npos; }));
}
using RegStatus = wire::RegistrationReply::Status;
}  // namespace

TEST(Registration, HappensOnceAndTheIdentityIsKept) {
  Bench b;
  EXPECT_EQ(b.pass().problem, "");
  b.open();
  b.pass_all();
  EXPECT_EQ(b.site.registrations.size(), 1U);
  EXPECT_EQ(b.memory->identity()->client_id, "GUID:77777777-7777-4777-8777-777777777777");
  EXPECT_EQ(b.memory->identity()->registration, "registered");
}

TEST(Registration, WhilePendingAConfirmationFollowsAndNothingElseIsSent) {
  Bench b;
  b.site.registration = RegStatus::pending;
  auto first = b.pass();
  EXPECT_NE(first.problem.find("approve"), std::string::npos);
  EXPECT_GE(first.next.since_ms(b.clock.now()), 30'000);
  EXPECT_LE(first.next.since_ms(b.clock.now()), 300'000);
  EXPECT_EQ(count(b, "MP_PolicyManager"), 0U);
  EXPECT_EQ(count(b, "MP_RelayEndpoint"), 0U);
  b.pass();  // too early: nothing is sent
  EXPECT_EQ(b.site.registrations.size(), 1U);
  b.clock.advance_s(301);
  b.site.registration = RegStatus::registered;
  b.pass();
  ASSERT_EQ(b.site.registrations.size(), 2U);
  EXPECT_EQ(b.site.registrations[1].type, wire::RegistrationRequest::Type::confirmation);
  EXPECT_EQ(b.site.registrations[1].client_id, "GUID:77777777-7777-4777-8777-777777777777");
  EXPECT_EQ(count(b, "MP_PolicyManager"), 1U);
}

TEST(Registration, AResetForgetsTheIdentityAndRegistersAnew) {
  Bench b;
  b.site.registration = RegStatus::reset;
  b.pass();
  EXPECT_EQ(b.memory->identity()->registration, "must-resend");
  b.site.registration = RegStatus::registered;
  b.clock.advance_s(7200);
  b.pass();
  ASSERT_EQ(b.site.registrations.size(), 2U);
  EXPECT_EQ(b.site.registrations[1].client_id, "");
  EXPECT_EQ(b.memory->identity()->registration, "registered");
}

TEST(Location, AnIntranetManagementPointThatAnswersMeansIntranet) {
  Bench b;
  b.pass();
  auto why = *b.memory->decisions("location", 1);
  ASSERT_EQ(why.size(), 1U);
  EXPECT_EQ(why[0].verdict, "Currently intranet");
}

TEST(Location, OutsideTheInternetManagementPointIsUsedWithoutARestart) {
  Bench b;
  b.pass();
  b.site.offline = {"https://mp1:443", "http://mp1:80", "https://mp1"};
  b.clock.advance_s(4000);
  auto result = b.pass();
  EXPECT_EQ(result.problem, "");
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Currently internet");
  EXPECT_EQ(*b.memory->property("mp.url"), "https://mp9:443");
  b.site.offline.clear();
  b.pass({{}, true, false});
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Currently intranet");
}

// A tunnel is up before its other end carries anything, and nothing more of it is to be seen.
TEST(Location, ANewNetworkThatShowsNothingIsLookedAtAgainSoonAndAFewTimesOnly) {
  Bench b;
  b.site.offline = {"https://mp1:443", "http://mp1:80", "https://mp1"};
  const auto looked = [&] { return *b.memory->property("location.checked"); };
  const auto first = b.pass({{}, true, false});
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Currently internet");
  EXPECT_LE(first.next.since_ms(b.clock.now()), 10'000);
  for (const std::int64_t after : {10, 30, 120}) {
    const auto before = looked();
    b.clock.advance_s(after - 1);
    b.pass();
    EXPECT_EQ(looked(), before) << after;
    b.clock.advance_s(1);
    b.pass();
    EXPECT_NE(looked(), before) << after;
  }
  const auto before = looked();
  b.clock.advance_s(1000);
  b.pass();
  EXPECT_EQ(looked(), before) << "enough";
  b.pass({{}, true, false});  // another network
  b.site.offline.clear();
  b.clock.advance_s(10);
  b.pass();
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Currently intranet");
}

// domain.md §1: the list of management points is asked for every 25 hours, and the one in use is chosen anew then.
TEST(Location, TheListIsAskedForAfterTwentyFiveHoursAndNotBefore) {
  constexpr std::int64_t kDay = 25LL * 3600;
  Bench b;
  const auto began = b.clock.now();
  const auto next = [&] { return (*b.memory->schedule("location"))->next_at; };
  b.pass();
  EXPECT_EQ(next().since_ms(began), kDay * 1000);
  b.clock.advance_s(kDay - 1);
  b.pass();
  EXPECT_EQ(next().since_ms(began), kDay * 1000) << "a second too early";
  b.clock.advance_s(1);
  b.pass();
  EXPECT_EQ(next().since_ms(began), 2 * kDay * 1000);
}

TEST(Location, AReinstalledClientLooksAgainWhereItIs) {
  Bench b;
  b.settings.always_internet = true;
  b.pass();
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Always Internet");
  b.settings.always_internet = false;
  b.open();
  b.pass();
  EXPECT_EQ((*b.memory->decisions("location", 1))[0].verdict, "Currently intranet");
}

namespace {
// What a domain's controllers answer, and how often they were asked.
struct Controllers {
  bool answer = true;
  std::vector<std::string> asked;
  ServiceLocation::Directory directory() {
    return [this](const std::string& domain) -> std::vector<location::Probe> {
      asked.push_back(domain);
      return {{location::Probe::Kind::domain_controller, "dc1.corp.test", answer, answer ? "dc1.corp.test of corp.test" : "no answer"}};
    };
  }
};
std::string verdict(Bench& b) { return (*b.memory->decisions("location", 1))[0].verdict; }
}  // namespace

TEST(Location, ADomainControllerWithoutAnIntranetManagementPointMeansIntranetServedFromTheInternet) {
  Bench b;
  Controllers controllers;
  b.settings.domain = "corp.test";
  b.directory = controllers.directory();
  b.site.offline = {"https://mp1:443", "http://mp1:80", "https://mp1"};
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_EQ(verdict(b), "Currently intranet");
  EXPECT_EQ(*b.memory->property("mp.url"), "https://mp9:443");
  EXPECT_EQ(controllers.asked, std::vector<std::string>{"corp.test"});
  // The intranet is preferred: it is looked for again within the hour, not after a day.
  b.site.offline.clear();
  b.clock.advance_s(3601);
  b.pass();
  EXPECT_EQ(verdict(b), "Currently intranet");
  EXPECT_EQ(*b.memory->property("mp.url"), "https://mp1:443");
  EXPECT_EQ(controllers.asked.size(), 2U);  // for the AD site: the management point's answer decides
}

TEST(Location, EveryProbeIsKeptWithWhatItSaid) {
  Bench b;
  Controllers controllers{false, {}};
  b.settings.domain = "corp.test";
  b.directory = controllers.directory();
  b.site.offline = {"https://mp1:443", "http://mp1:80", "https://mp1"};
  b.pass();
  EXPECT_EQ(verdict(b), "Currently internet");
  const std::string probes = *b.memory->property(kProbes);
  for (const char* part : {"intranet management point", "https://mp1:443", "dc1.corp.test", "no answer", "\"took_ms\""})
    EXPECT_NE(probes.find(part), std::string::npos) << part << " in " << probes;
}

TEST(Location, AMoveIsToldToTheSiteWithItsReasonOnce) {
  Bench b;
  b.pass();
  const auto heartbeats = [&] {
    return std::ranges::count_if(b.site.reports, [](const auto& r) { return r.header.kind == wire::ReportKind::discovery; });
  };
  EXPECT_EQ(heartbeats(), 1);
  b.site.offline = {"https://mp1:443", "http://mp1:80", "https://mp1"};
  b.pass({{}, true, false});
  ASSERT_EQ(heartbeats(), 2);
  const auto client = std::ranges::find(b.site.reports.back().instances, "CCM_Client", &InventoryInstance::class_name);
  ASSERT_NE(client, b.site.reports.back().instances.end());
  EXPECT_EQ(client->properties.at("ConnectionType"), "Currently internet");
  const auto probe = std::ranges::find(b.site.reports.back().instances, "CCM_LocationProbe", &InventoryInstance::class_name);
  ASSERT_NE(probe, b.site.reports.back().instances.end());
  EXPECT_EQ(probe->properties.at("name"), "https://mp1:443");
  EXPECT_EQ(probe->properties.at("answered"), "false");
  EXPECT_NE(client->properties.at("ConnectionReason").find("https://mp1:443"), std::string::npos);
  b.pass({{}, true, false});
  EXPECT_EQ(heartbeats(), 2);
}

TEST(Location, OnTheIntranetItSaysWhereItIsAndTakesTheNearestManagementPoint) {
  Bench b;
  Controllers controllers;
  b.settings.domain = "corp.test";
  b.directory = [&](const std::string&) -> std::vector<location::Probe> {
    location::Probe p{location::Probe::Kind::domain_controller, "dc1.corp.test", true, "dc1.corp.test of corp.test"};
    p.ad_site = "Berlin";
    return {p};
  };
  wire::MpEntry far, near;
  far.name = far.fqdn = "mp1";
  far.intranet_url = "https://mp1:443";
  near.name = near.fqdn = "mp2";
  near.intranet_url = "https://mp2:443";
  near.category = 1;
  b.site.mp_list = {far, near};
  b.pass();
  EXPECT_EQ(b.site.said_where.ad_site, "Berlin");
  ASSERT_EQ(b.site.said_where.addresses.size(), 1U);
  EXPECT_EQ(b.site.said_where.addresses[0].subnet, "192.0.2.0");
  ASSERT_EQ(b.site.said_where.adapters.size(), 1U);
  EXPECT_EQ(b.site.said_where.adapters[0].if_type, wire::ClientLocation::kTunnelAdapter);
  EXPECT_EQ(*b.memory->property("mp.url"), "https://mp2:443");
  EXPECT_NE((*b.memory->decisions("management-point", 1))[0].reason.find("nearer"), std::string::npos);
}

TEST(Location, OnTheInternetADownloadSaysNothingOfThePlaceAndKeepsTheDistributionPointThatWorks) {
  Bench b;
  b.settings.always_internet = true;
  b.site.dps = {"https://dp1", "https://dp2", "https://dp3"};
  auto first = b.site.put_content(kContentA, {{"install.sh", "#!/bin/sh\n"}}, 4096);
  b.site.put_deployment(document("LAB20001", application(kAppA, kTypeA, kContentA), {first}), kPolicyA);
  b.pass_all();
  EXPECT_TRUE(b.site.said_where.addresses.empty() && b.site.said_where.adapters.empty());
  EXPECT_TRUE(b.site.said_where.internet);
  const auto used = *b.memory->property(kLastSource);
  EXPECT_FALSE(used.empty());
  for (int n = 0; n < 6; ++n) {
    const auto id = fmt::format("Content_33333333-3333-4333-8333-33333333333{}.1", n);
    auto more = b.site.put_content(id, {{"install.sh", fmt::format("#!/bin/sh\n# {}\n", n)}}, 4096);
    b.site.put_deployment(document(fmt::format("LAB2001{}", n), application(kAppB, kTypeB, id), {more}), kPolicyB, fmt::format("{}.00", n + 2));
    b.machine.installed.clear();
    b.pass_all();
    EXPECT_EQ(*b.memory->property(kLastSource), used);
  }
}

TEST(Location, AnInternetOnlyClientNeverSpeaksToTheIntranet) {
  Bench b;
  Controllers controllers;
  b.settings.domain = "corp.test";
  b.directory = controllers.directory();
  b.settings.always_internet = true;
  b.pass_all();
  EXPECT_TRUE(controllers.asked.empty());
  EXPECT_EQ(count(b, "mp1"), 0U);
  EXPECT_GT(count(b, "https://mp9:443"), 0U);
}

TEST(Policy, ABodyIsInForceOnceSignatureAndHashHold) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  auto result = b.pass();
  EXPECT_EQ(result.problem, "");
  auto policy = effective_policy(*b.memory);
  ASSERT_TRUE(policy);
  EXPECT_EQ(policy->number("client_policy.polling_interval_min", 60), 30);
}

TEST(Policy, TheSecondRequestIsADeltaAndFetchesNoBodyTwice) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  b.pass();
  EXPECT_EQ(count(b, ".sms_pol"), 1U);
  b.pass({{"policy"}, false, false});
  EXPECT_EQ(b.site.deltas, 1);
  EXPECT_EQ(count(b, ".sms_pol"), 1U);
  b.site.put_settings({{"client_policy.polling_interval_min", "45"}});
  b.pass({{"policy"}, false, false});
  EXPECT_EQ(count(b, ".sms_pol"), 2U);
  EXPECT_EQ(effective_policy(*b.memory)->number("client_policy.polling_interval_min", 60), 45);
}

TEST(Policy, ABadSignatureIsRefusedAndThePolicyBeforeStaysInForce) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  b.pass();
  b.site.put_settings({{"client_policy.polling_interval_min", "45"}});
  b.site.policies.begin()->second.bad_signature = true;
  auto result = b.pass({{"policy"}, false, false});
  EXPECT_NE(result.problem.find("1 assignments refused"), std::string::npos);
  EXPECT_EQ(effective_policy(*b.memory)->number("client_policy.polling_interval_min", 60), 30);
  b.site.policies.begin()->second.bad_signature = false;
  b.pass({{"policy"}, false, false});
  EXPECT_EQ(effective_policy(*b.memory)->number("client_policy.polling_interval_min", 60), 45);
}

TEST(Policy, AnOlderVersionThanTheOneHeldIsAReplayAndRefused) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  const auto old = b.site.policies.begin()->second;
  b.site.put_settings({{"client_policy.polling_interval_min", "45"}});
  b.pass();
  b.site.policies.begin()->second = old;
  auto result = b.pass({{"policy", "full-policy"}, false, false});
  EXPECT_NE(result.problem.find("1 assignments refused"), std::string::npos) << result.problem;
  EXPECT_EQ(effective_policy(*b.memory)->number("client_policy.polling_interval_min", 60), 45);
}

TEST(Policy, EverythingIsAskedForAgainEachDay) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  b.pass();
  b.pass({{"policy"}, false, false});
  EXPECT_EQ(b.site.deltas, 1);
  b.clock.advance_s(26 * 3600);
  b.pass({{"policy"}, false, false});
  EXPECT_EQ(b.site.deltas, 1);
}

TEST(Policy, AnUnsignedAssignmentIsRefused) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  b.site.policies.begin()->second.unsigned_ = true;
  b.pass();
  EXPECT_TRUE(b.memory->policies()->empty());
}

TEST(Policy, ABodyThatDoesNotMatchItsHashIsNotUsed) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  b.site.policies.begin()->second.bad_hash = true;
  auto result = b.pass();
  EXPECT_NE(result.problem.find("1 bodies waiting"), std::string::npos);
  EXPECT_EQ(effective_policy(*b.memory)->number("client_policy.polling_interval_min", 60), 60);
}

TEST(Policy, ASealedBodyIsFetchedWithSignedHeadersAndOpened) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  auto& p = b.site.policies.begin()->second;
  p.flags = policy_flag::kSecret;
  p.sealed = true;
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_EQ(effective_policy(*b.memory)->number("client_policy.polling_interval_min", 60), 30);
}

TEST(Policy, ATombstoneDropsThePolicy) {
  Bench b;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  b.pass();
  b.site.drop_policy(b.site.policies.begin()->first);
  b.pass({{"policy"}, false, false});
  EXPECT_TRUE(b.memory->policies()->empty());
}

TEST(Policy, WhatIsForTheIntranetOnlyWaitsOutside) {
  Bench b;
  b.settings.always_internet = true;
  b.site.put_settings({{"client_policy.polling_interval_min", "30"}});
  b.site.policies.begin()->second.flags = policy_flag::kIntranetOnly;
  b.pass();
  EXPECT_EQ(count(b, ".sms_pol"), 0U);
}

TEST(Policy, ThePollComesAfterTheIntervalWithJitter) {
  Bench b;
  b.pass();
  auto s = *b.memory->schedule("policy");
  ASSERT_TRUE(s);
  EXPECT_GE(s->next_at.since_ms(s->last_at), 60 * 60'000);
  EXPECT_LT(s->next_at.since_ms(s->last_at), 66 * 60'000 + 1);
}

TEST(Reports, StatesAreNumberedWithoutGapAndSentOnce) {
  Bench b;
  b.pass_all();
  b.pass_all();
  std::int64_t expected = 1;
  for (const auto& r : b.site.reports) {
    for (const auto& s : r.states) EXPECT_EQ(s.serial, expected++);
  }
  EXPECT_GT(expected, 1);
  EXPECT_TRUE(b.memory->unsent(10)->empty());
}

TEST(Reports, WhatWasNotReceiptedIsNotToldAndComesAgain) {
  Bench b;
  b.site.refuse_reports = true;
  b.pass_all();
  EXPECT_FALSE(b.memory->unsent(10)->empty());
  b.site.refuse_reports = false;
  b.pass_all();
  EXPECT_TRUE(b.memory->unsent(10)->empty());
  EXPECT_FALSE(b.site.reports.empty());
}

TEST(Reports, AResyncOrderedWithPolicySendsEverythingAgain) {
  Bench b;
  b.pass_all();
  const auto before = b.memory->identity()->next_serial;
  b.site.reports.clear();
  b.site.resync = {"state", "hardware"};
  b.machine.hardware = {{"PROCESSOR", InstanceContent::fresh, {{"Name", "x"}}, "0"}};
  b.pass_all();
  std::set<std::int64_t> serials;
  bool resync = false;
  for (const auto& r : b.site.reports) {
    for (const auto& s : r.states) serials.insert(s.serial);
    resync = resync || r.header.type == ReportType::resync;
  }
  EXPECT_EQ(static_cast<std::int64_t>(serials.size()), before - 1);
  EXPECT_TRUE(resync);
}

TEST(Reports, InventoryIsFullFirstAndThenWhatChanged) {
  Bench b;
  b.machine.hardware = {{"PROCESSOR", InstanceContent::fresh, {{"Name", "x"}}, "0"},
                        {"DISK", InstanceContent::fresh, {{"Size", "1"}}, "a"}};
  b.pass_all();
  b.machine.hardware[1].properties["Size"] = "2";
  b.pass_all();
  std::vector<wire::Report> hardware;
  for (const auto& r : b.site.reports) {
    if (r.header.kind == wire::ReportKind::hardware) hardware.push_back(r);
  }
  ASSERT_EQ(hardware.size(), 2U);
  EXPECT_EQ(hardware[0].header.type, ReportType::full);
  EXPECT_EQ(hardware[0].header.sequence, 1);
  EXPECT_EQ(hardware[1].header.type, ReportType::delta);
  EXPECT_EQ(hardware[1].header.sequence, 2);
  ASSERT_EQ(hardware[1].instances.size(), 1U);
  EXPECT_EQ(hardware[1].instances[0].properties.at("Size"), "2");
}

TEST(Reports, WithoutAServerThePassEndsWellAndComesBackSoon) {
  Bench b;
  b.pass();
  b.site.offline = {"https://mp1:443", "http://mp1:80", "https://mp1", "https://mp9:443"};
  b.clock.advance_s(4000);
  auto result = b.pass();
  EXPECT_TRUE(result.offline);
  EXPECT_LE(result.next.since_ms(b.clock.now()), 3600 * 1000);
  b.site.offline.clear();
  b.clock.advance_s(4000);
  EXPECT_EQ(b.pass().problem, "");
}

TEST(AutomaticAssignment, TheIntranetManagementPointIsAskedWithTheNetworksOfThisComputer) {
  Bench b;
  b.settings.site_code = "AUTO";
  b.settings.internet_mp.clear();
  EXPECT_EQ(b.pass().problem, "");
  ASSERT_EQ(b.site.looked_for_site.size(), 1U);
  ASSERT_EQ(b.site.looked_for_site[0].addresses.size(), 1U);
  EXPECT_EQ(b.site.looked_for_site[0].addresses[0].subnet, "192.0.2.0");
  EXPECT_EQ(*b.memory->property(kAssignedSite), "LAB");
  b.open();
  b.pass_all();
  EXPECT_EQ(b.site.looked_for_site.size(), 1U) << "what was found stays";
}

TEST(AutomaticAssignment, TheDnsOfTheDomainNamesWhomToAsk) {
  Bench b;
  b.settings.site_code = "AUTO";
  b.settings.domain = "corp.test";
  b.settings.internet_mp.clear();
  b.settings.management_points.clear();
  std::vector<std::string> asked;
  b.services = [&](const std::string& name) -> Result<std::vector<wire::ServiceRecord>> {
    asked.push_back(name);
    return std::vector<wire::ServiceRecord>{{0, 0, 80, "mp1"}};
  };
  b.pass();  // the certificate of a site over plain HTTP is not believed; the site is known all the same
  EXPECT_EQ(asked, std::vector<std::string>{"_mssms_mp._tcp.corp.test"});
  EXPECT_EQ(*b.memory->property(kAssignedSite), "LAB");
}

TEST(AutomaticAssignment, WithoutASiteItIsTriedAgainAfterTenMinutes) {
  Bench b;
  b.settings.site_code = "AUTO";
  b.settings.internet_mp.clear();
  b.site.assigned_site.clear();
  const auto result = b.pass();
  EXPECT_NE(result.problem.find("finding the site"), std::string::npos);
  EXPECT_LE(result.next.since_ms(b.clock.now()), 600'000);
  EXPECT_TRUE(b.site.registrations.empty());
  b.site.assigned_site = "LAB";
  b.clock.advance_s(600);
  EXPECT_EQ(b.pass().problem, "");
  EXPECT_EQ(b.site.registrations.size(), 1U);
}

TEST(Site, AManagementPointOfAnotherSiteIsNotRegisteredAt) {
  Bench b;
  b.settings.site_code = "XY9";
  const auto result = b.pass();
  EXPECT_NE(result.problem.find("does not serve site XY9"), std::string::npos) << result.problem;
  EXPECT_TRUE(b.site.registrations.empty());
  EXPECT_EQ((*b.memory->decisions("site", 1))[0].verdict, "not confirmed");
  b.settings.site_code = "LAB";
  b.open();
  EXPECT_EQ(b.pass_all().problem, "");
  EXPECT_EQ(b.site.registrations.size(), 1U);
}

TEST(ServiceRecords, AreTheLastSourceOfAManagementPoint) {
  Bench b;
  b.settings.dns_suffix = "corp.test";
  std::vector<std::string> asked;
  b.services = [&](const std::string& name) -> Result<std::vector<wire::ServiceRecord>> {
    asked.push_back(name);
    return std::vector<wire::ServiceRecord>{{0, 0, 443, "mp1"}};
  };
  b.pass();
  EXPECT_TRUE(asked.empty()) << "a management point is known";
  b.settings.management_points.clear();
  b.settings.internet_mp.clear();
  b.settings.use_pki = false;
  EXPECT_TRUE(b.memory->replace_management_points({}));
  b.pass({{"location"}, true, false});
  EXPECT_EQ(asked, std::vector<std::string>{"_mssms_mp_lab._tcp.corp.test"});
  EXPECT_EQ(*b.memory->property("mp.url"), "http://mp1:443");
  b.services = [](const std::string&) -> Result<std::vector<wire::ServiceRecord>> {
    return fail(Code::not_found, "no such record");
  };
  EXPECT_TRUE(b.memory->replace_management_points({}));
  EXPECT_NE(b.pass({{"location"}, true, false}).problem, "");
  EXPECT_EQ((*b.memory->decisions("service-record", 1))[0].verdict, "none");
}

TEST(SigningCertificate, WithARootKeyOnlyWhatThatKeySignedIsBelieved) {
  const auto root = *crypto::PrivateKey::generate_rsa(2048);
  Bench b;
  b.settings.root_key = *crypto::to_public_key_blob(root.public_key());
  EXPECT_NE(b.pass().problem.find("SMSPUBLICROOTKEY"), std::string::npos);
  EXPECT_FALSE(file_exists(b.dir / "site-signing.pem"));
  b.site.root_signature = *crypto::sign_sha256(root, wire::site_sign_text(crypto::sha256(b.site.signing_certificate_der)));
  EXPECT_EQ(b.pass({{"policy"}, false, false}).problem, "");
  EXPECT_TRUE(file_exists(b.dir / "site-signing.pem"));
}

TEST(Offline, WhatIsInTheCacheIsInstalledEvenWithoutACertificate) {
  Bench b;
  auto app = application(kAppA, kTypeA, kContentA);
  auto d = document("LAB20001", app, {b.site.put_content(kContentA, {{"install.sh", "echo"}}, 4096)});
  d.deployment.purpose = Purpose::available;
  b.site.put_deployment(d, kPolicyA);
  b.pass_all();
  ASSERT_TRUE(b.memory->save(memory::UserRequest{"LAB20001", false, b.clock.now()}));
  b.machine.exit_codes[kTypeA] = {1};
  b.pass();
  ASSERT_EQ(b.machine.ran.size(), 1U) << "tried, so its content is in the cache";
  b.site.offline = {"https://mp1:443", "https://mp9:443", "https://dp1"};
  b.settings.use_pki = true;  // and no certificate for it: nothing can be asked
  b.clock.advance_s(120);
  ASSERT_TRUE(b.memory->save(memory::UserRequest{"LAB20001", false, b.clock.now()}));
  EXPECT_NE(b.pass().problem, "");
  EXPECT_EQ(b.machine.ran.size(), 2U);
  EXPECT_EQ(b.deployment("LAB20001").state, 1000);
}
