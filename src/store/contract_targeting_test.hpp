// Contract of Devices, Collections and Policies: who is targeted, and what deltas say about it.
#pragma once
#include <map>

#include "base/random.hpp"
#include "store/contract_test.hpp"

namespace fp::store {

TEST_P(StoreContract, ADeviceComesBackAsItWasPut) {
  const Device d{.client_id = client(1), .name = "Laptop1", .fqdn = "laptop1.corp.example", .approval = Approval::not_applicable,
                 .pki = true, .blocked = true, .block_reason = "stolen", .conflict = true,
                 .connection = ConnectionType::currently_internet, .signing_certificate_der = std::string("\x30\0\x82", 3),
                 .encryption_certificate_der = "enc", .key_fingerprint = "k1", .tls_fingerprint = "t1", .agent_version = "0.1",
                 .last_address = "192.0.2.1", .last_management_point = "mp1", .registered_at = {1}, .last_policy_at = {2},
                 .last_heartbeat_at = {3}, .last_hardware_at = {4}, .last_software_at = {5}, .last_state_at = {6},
                 .state_serial = 7, .state_resync = true, .hardware_resync = true, .software_resync = true, .agent_counter = 8};
  change([&](Repositories& r) { return r.devices.put(d); });
  const auto back = get([&](Repositories& r) { return r.devices.find(client(1)); });
  EXPECT_EQ(back.name, d.name);
  EXPECT_EQ(back.fqdn, d.fqdn);
  EXPECT_EQ(back.approval, d.approval);
  EXPECT_TRUE(back.pki && back.blocked && back.conflict && back.state_resync && back.hardware_resync && back.software_resync);
  EXPECT_EQ(back.block_reason, d.block_reason);
  EXPECT_EQ(back.connection, d.connection);
  EXPECT_EQ(back.signing_certificate_der, d.signing_certificate_der);
  EXPECT_EQ(back.encryption_certificate_der, d.encryption_certificate_der);
  EXPECT_EQ(back.key_fingerprint + back.tls_fingerprint + back.agent_version, "k1t10.1");
  EXPECT_EQ(back.last_address + back.last_management_point, "192.0.2.1mp1");
  EXPECT_EQ(back.registered_at.ms + 10 * back.last_policy_at.ms + 100 * back.last_heartbeat_at.ms +
                1000 * back.last_hardware_at.ms + 10000 * back.last_software_at.ms + 100000 * back.last_state_at.ms,
            654321);
  EXPECT_EQ(back.state_serial, 7);
  EXPECT_EQ(back.agent_counter, 8);
  EXPECT_EQ(get([&](Repositories& r) { return r.devices.find_by_key("k1"); }).client_id, client(1));
}

TEST_P(StoreContract, ASecondPutReplacesTheDevice) {
  add_device(1, "OLD");
  change([&](Repositories& r) { return r.devices.put({.client_id = client(1), .name = "NEW", .key_fingerprint = "other"}); });
  EXPECT_EQ(get([&](Repositories& r) { return r.devices.find(client(1)); }).name, "NEW");
  EXPECT_EQ(missing([&](Repositories& r) { return r.devices.find_by_key("key1"); }), Code::not_found);
  EXPECT_EQ(get([&](Repositories& r) { return r.devices.count(); }), 1);
  change([&](Repositories& r) {
    return r.devices.put({.client_id = client(1), .name = "NEW", .key_fingerprint = "other", .agent_counter = 5});
  });
  EXPECT_EQ(get([&](Repositories& r) { return r.devices.find(client(1)); }).agent_counter, 5);
}

TEST_P(StoreContract, TwoDevicesCannotHaveOneKeyButManyMayHaveNone) {
  add_device(1);
  EXPECT_EQ(refused([&](Repositories& r) { return r.devices.put({.client_id = client(2), .key_fingerprint = "key1"}); }),
            Code::conflict);
  EXPECT_EQ(missing([&](Repositories& r) { return r.devices.find(client(2)); }), Code::not_found);
  change([&](Repositories& r) { return r.devices.put({.client_id = client(3)}); });
  change([&](Repositories& r) { return r.devices.put({.client_id = client(4)}); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.devices.find_by_key(""); }), Code::not_found);
}

TEST_P(StoreContract, DevicesAreFoundByNameInAnyCase) {
  add_device(2, "laptop");
  add_device(1, "LAPTOP");
  add_device(3, "OTHER");
  const auto found = get([&](Repositories& r) { return r.devices.find_by_name("LapTop"); });
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].client_id, client(1));
}

TEST_P(StoreContract, DeviceListsAreFilteredAndPaged) {
  for (int n = 1; n <= 7; ++n) add_device(n, n % 2 ? "odd" : "EVEN%");
  add_collection("FP100001");
  for (const int n : {2, 3, 4}) join("FP100001", n);
  change([&](Repositories& r) {
    return r.devices.put({.client_id = client(4), .name = "EVEN%", .approval = Approval::pending, .blocked = true});
  });
  const auto ids = [&](const DeviceFilter& f) {
    std::string out;
    for (const auto& d : get([&](Repositories& r) { return r.devices.list(f); })) out += d.client_id.back();
    return out;
  };
  EXPECT_EQ(ids({}), "1234567");
  EXPECT_EQ(ids({.limit = 3}), "123");
  EXPECT_EQ(ids({.after = client(3), .limit = 3}), "456");
  EXPECT_EQ(ids({.name_contains = "ven%"}), "246");
  EXPECT_EQ(ids({.name_contains = "-00000000000"}), "1234567");
  EXPECT_EQ(ids({.name_contains = "_"}), "");
  EXPECT_EQ(ids({.approval = Approval::pending}), "4");
  EXPECT_EQ(ids({.blocked = true}), "4");
  EXPECT_EQ(ids({.blocked = false, .collection_id = "FP100001"}), "23");
  EXPECT_EQ(ids({.collection_id = "FP100001", .after = client(2), .limit = 1}), "3");
}

TEST_P(StoreContract, ARemovedDeviceLeavesEverything) {
  add_device(1);
  add_collection("FP100001");
  join("FP100001", 1);
  put_policy("P1", "1.00", {"FP100001"});
  change([&](Repositories& r) -> Status {
    FP_CHECK(r.states.add({.client_id = client(1), .serial = 1}));
    return Status{};
  });
  change([&](Repositories& r) { return r.devices.remove(client(1)); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.devices.find(client(1)); }), Code::not_found);
  EXPECT_EQ(members("FP100001"), "");
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.find("FP100001"); }).member_count, 0);
  EXPECT_EQ(held(1), "");
  EXPECT_TRUE(get([&](Repositories& r) { return r.states.of_device(client(1), 10); }).empty());
  EXPECT_EQ(refused([&](Repositories& r) { return r.devices.remove(client(1)); }), Code::not_found);
}

TEST_P(StoreContract, ACollectionComesBackWithItsRulesWindowsAndSecrets) {
  Collection c{.id = "FP100001",
               .name = "Laptops",
               .comment = "c",
               .limiting_id = kAllSystems,
               .incremental = true,
               .full_interval_s = 3600};
  c.rules = {{.kind = RuleKind::query, .name = "q", .wql = "select * from SMS_R_System"},
             {.kind = RuleKind::exclude, .target = "FP100002"}};
  c.windows = {{.name = "w", .start = {1'800'000'000'000}, .duration_min = 60, .weekdays = 3}};
  c.variables = {{"Key", "hush", true}};
  c.evaluated_at = {5};
  change([&](Repositories& r) { return r.collections.put(c); });
  const auto back = get([&](Repositories& r) { return r.collections.find("FP100001"); });
  ASSERT_EQ(back.rules.size(), 2U);
  EXPECT_EQ(back.rules[0].wql, c.rules[0].wql);
  EXPECT_EQ(back.rules[1].kind, RuleKind::exclude);
  ASSERT_EQ(back.windows.size(), 1U);
  EXPECT_EQ(back.windows[0].start, c.windows[0].start);
  ASSERT_EQ(back.variables.size(), 1U);
  EXPECT_EQ(back.variables[0].value, "hush");
  EXPECT_EQ(back.evaluated_at.ms, 5);
  EXPECT_TRUE(back.incremental);
  add_collection("FP100000");
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.list(); })[0].id, "FP100000");
}

TEST_P(StoreContract, MembershipKeepsWhoStaysAndCountsItself) {
  add_collection("FP100001");
  const auto set = [&](const std::vector<std::pair<int, std::string>>& wanted) {
    return change([&](Repositories& r) -> Status {
      std::vector<CollectionMember> list;
      for (const auto& [n, reason] : wanted) list.push_back({.client_id = client(n), .reason = reason});
      return r.collections.set_members("FP100001", list);
    });
  };
  const auto first = set({{3, "direct"}, {1, "direct"}, {1, "again"}});
  EXPECT_EQ(members("FP100001"), "1:direct 3:direct ");
  clock_.advance_s(10);
  const auto second = set({{1, "query: x"}, {2, "direct"}});
  EXPECT_EQ(members("FP100001"), "1:query: x 2:direct ");
  const auto list = get([&](Repositories& r) { return r.collections.members("FP100001"); });
  EXPECT_EQ(list[0].since, first);
  EXPECT_EQ(list[1].since, second);
  EXPECT_EQ(latest(1), first);
  EXPECT_EQ(latest(2), second);
  EXPECT_EQ(latest(3), second);
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.find("FP100001"); }).member_count, 2);
  EXPECT_TRUE(get([&](Repositories& r) { return r.collections.is_member("FP100001", client(2)); }));
  EXPECT_FALSE(get([&](Repositories& r) { return r.collections.is_member("FP100001", client(3)); }));
  add_collection("FP100001");  // a put of the collection leaves its members alone
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.find("FP100001"); }).member_count, 2);
}

TEST_P(StoreContract, SingleMembersComeAndGo) {
  add_collection("FP100001");
  add_collection("FP100002");
  const auto at = join("FP100001", 1);
  join("FP100002", 1);
  clock_.advance_s(5);
  join("FP100001", 1);
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.members("FP100001"); })[0].since, at);
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.of_device(client(1)); }),
            (std::vector<std::string>{"FP100001", "FP100002"}));
  leave("FP100001", 1);
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.of_device(client(1)); }), (std::vector<std::string>{"FP100002"}));
  EXPECT_EQ(refused([&](Repositories& r) { return r.collections.remove_member("FP100001", client(1)); }), Code::not_found);
  EXPECT_EQ(refused([&](Repositories& r) { return r.collections.add_member("FP109999", {.client_id = client(1)}); }),
            Code::not_found);
  EXPECT_EQ(refused([&](Repositories& r) { return r.collections.set_members("FP109999", {}); }), Code::not_found);
  EXPECT_EQ(missing([&](Repositories& r) { return r.collections.members("FP109999"); }), Code::not_found);
  EXPECT_EQ(missing([&](Repositories& r) { return r.collections.find("FP109999"); }), Code::not_found);
}

TEST_P(StoreContract, TwentyThousandMembersAreSetAtOnce) {
  add_collection("FP100001");
  std::vector<CollectionMember> all;
  for (int n = 0; n < 20'000; ++n) all.push_back({.client_id = client(n), .reason = "query: all"});
  change([&](Repositories& r) { return r.collections.set_members("FP100001", all); });
  all.resize(19'000);
  change([&](Repositories& r) { return r.collections.set_members("FP100001", all); });
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.find("FP100001"); }).member_count, 19'000);
  EXPECT_EQ(get([&](Repositories& r) { return r.collections.members("FP100001"); }).size(), 19'000U);
}

TEST_P(StoreContract, ADeviceHoldsThePoliciesOfItsCollectionsOnceEach) {
  for (const auto* id : {"FP100001", "FP100002", "FP100003"}) add_collection(id);
  join("FP100001", 1);
  join("FP100002", 1);
  join("FP100003", 2);
  put_policy("P2", "1.00", {"FP100002", "FP100001"});
  put_policy("P1", "1.00", {"FP100002"});
  put_policy("P3", "1.00", {"FP100003"});
  EXPECT_EQ(held(1), "P1 1.00 FP100002;P2 1.00 FP100001;");
  EXPECT_EQ(held(2), "P3 1.00 FP100003;");
  EXPECT_EQ(held(3), "");
  EXPECT_TRUE(get([&](Repositories& r) { return r.policies.is_for_device("P1", client(1)); }));
  EXPECT_FALSE(get([&](Repositories& r) { return r.policies.is_for_device("P1", client(2)); }));
  const auto list = get([&](Repositories& r) { return r.policies.for_device(client(1)); });
  EXPECT_EQ(list[0].policy.body, "");
  EXPECT_EQ(list[0].policy.signature, std::string("\0\x01\xFF", 3));
  EXPECT_EQ(list[0].policy.flags, 8U);
}

TEST_P(StoreContract, OnlyThePresentVersionOfAPolicyIsFound) {
  put_policy("P1", "1.00", {});
  const auto at = put_policy("P1", "2.00", {});
  EXPECT_EQ(missing([&](Repositories& r) { return r.policies.find("P1", "1.00"); }), Code::not_found);
  const auto p = get([&](Repositories& r) { return r.policies.find("P1", "2.00"); });
  EXPECT_EQ(p.body, "<p>2.00</p>");
  EXPECT_EQ(p.changed_at, at);
  EXPECT_EQ(get([&](Repositories& r) { return r.policies.list_by_source("source-P1"); }).size(), 1U);
  change([&](Repositories& r) { return r.policies.remove("P1"); });
  EXPECT_EQ(missing([&](Repositories& r) { return r.policies.find("P1", "2.00"); }), Code::not_found);
  EXPECT_TRUE(get([&](Repositories& r) { return r.policies.list_by_source("source-P1"); }).empty());
  EXPECT_EQ(refused([&](Repositories& r) { return r.policies.remove("P1"); }), Code::not_found);
}

TEST_P(StoreContract, ADeltaTellsOfChangedPolicies) {
  add_collection("FP100001");
  join("FP100001", 1);
  put_policy("P1", "1.00", {"FP100001"});
  const auto cookie = put_policy("P2", "1.00", {"FP100001"});
  EXPECT_EQ(latest(1), cookie);
  EXPECT_EQ(since(1, cookie), "");
  const auto changed = put_policy("P1", "2.00", {"FP100001"});
  EXPECT_EQ(latest(1), changed);
  EXPECT_EQ(since(1, cookie), "P1 2.00 FP100001;");
  EXPECT_EQ(since(1, changed), "");
  EXPECT_EQ(since(1, {}), "P1 2.00 FP100001;P2 1.00 FP100001;");
  put_policy("P9", "1.00", {"FP100009"});
  EXPECT_EQ(latest(1), changed) << "a policy of a collection that is not the device's";
}

TEST_P(StoreContract, ADeltaTellsOfJoiningAndLeaving) {
  add_collection("FP100001");
  add_collection("FP100002");
  put_policy("P1", "1.00", {"FP100001"});
  put_policy("P2", "1.00", {"FP100001", "FP100002"});
  EXPECT_EQ(latest(1).ms, 0);
  const auto joined = join("FP100001", 1);
  EXPECT_EQ(latest(1), joined);
  EXPECT_EQ(since(1, joined.plus_ms(-1)), "P1 1.00 FP100001;P2 1.00 FP100001;");
  const auto second = join("FP100002", 1);
  EXPECT_EQ(since(1, joined), "") << "P2 was there before, by another way";
  const auto left = leave("FP100001", 1);
  EXPECT_EQ(latest(1), left);
  EXPECT_EQ(since(1, second), "-P1;") << "P2 stays by the other collection";
  EXPECT_EQ(since(1, left), "");
  EXPECT_EQ(held(1), "P2 1.00 FP100002;");
  const auto again = join("FP100001", 1);
  EXPECT_EQ(since(1, left), "P1 1.00 FP100001;");
  EXPECT_EQ(latest(1), again);
}

TEST_P(StoreContract, ADeltaTellsOfRemovedAndRetargetedPolicies) {
  add_collection("FP100001");
  add_collection("FP100002");
  join("FP100001", 1);
  join("FP100002", 2);
  put_policy("P1", "1.00", {"FP100001"});
  const auto cookie = put_policy("P2", "1.00", {"FP100001"});
  const auto moved = put_policy("P2", "1.00", {"FP100002"});
  EXPECT_EQ(latest(1), moved);
  EXPECT_EQ(latest(2), moved);
  EXPECT_EQ(since(1, cookie), "-P2;");
  EXPECT_EQ(since(2, cookie), "P2 1.00 FP100002;");
  const auto removed = change([&](Repositories& r) { return r.policies.remove("P1"); });
  EXPECT_EQ(latest(1), removed);
  EXPECT_EQ(since(1, cookie), "-P1;-P2;");
  EXPECT_EQ(since(1, moved), "-P1;");
  EXPECT_EQ(since(2, moved), "");
  put_policy("P1", "1.00", {"FP100001"});
  EXPECT_EQ(since(1, moved), "P1 1.00 FP100001;");
}

TEST_P(StoreContract, ForgottenTombstonesAreGoneAndItIsKnownSinceWhenDeltasAreWhole) {
  add_collection("FP100001");
  join("FP100001", 1);
  join("FP100001", 2);
  put_policy("P1", "1.00", {"FP100001"});
  put_policy("P2", "1.00", {"FP100001"});
  const auto cookie = latest(1);
  EXPECT_EQ(get([&](Repositories& r) { return r.policies.complete_since(); }).ms, 0);
  leave("FP100001", 2);
  const auto removed = change([&](Repositories& r) { return r.policies.remove("P1"); });
  const auto forget = [&](Instant than) {
    std::int64_t count = 0;
    change([&](Repositories& r) -> Status {
      FP_TRY(done, r.site.forget_older({.tombstones = than}, 100));
      count = done.tombstones;
      return {};
    });
    return count;
  };
  EXPECT_EQ(forget(cookie), 0);
  EXPECT_EQ(since(1, cookie), "-P1;");
  EXPECT_GT(forget(removed.plus_ms(1)), 0);
  EXPECT_EQ(forget(removed.plus_ms(1)), 0);
  EXPECT_EQ(get([&](Repositories& r) { return r.policies.complete_since(); }), removed.plus_ms(1));
  EXPECT_EQ(since(1, cookie), "");
  EXPECT_EQ(held(1), "P2 1.00 FP100001;");
  EXPECT_EQ(held(2), "");
  EXPECT_EQ(forget(cookie), 0);
  EXPECT_EQ(get([&](Repositories& r) { return r.policies.complete_since(); }), removed.plus_ms(1)) << "it never goes back";
}

TEST_P(StoreContract, ARemovedCollectionTakesItsPoliciesFromItsMembers) {
  add_collection("FP100001");
  join("FP100001", 1);
  put_policy("P1", "1.00", {"FP100001"});
  const auto cookie = latest(1);
  const auto removed = change([&](Repositories& r) { return r.collections.remove("FP100001"); });
  EXPECT_EQ(held(1), "");
  EXPECT_EQ(since(1, cookie), "-P1;");
  EXPECT_EQ(latest(1), removed);
  EXPECT_FALSE(get([&](Repositories& r) { return r.collections.is_member("FP100001", client(1)); }));
  EXPECT_EQ(refused([&](Repositories& r) { return r.collections.remove("FP100001"); }), Code::not_found);
}

// A client that applies every delta holds what a full answer would give it, whatever happened in between.
TEST_P(StoreContract, DeltasLeadToWhatAFullAnswerSays) {
  const std::vector<std::string> collections{"FP100001", "FP100002", "FP100003"};
  for (const auto& id : collections) add_collection(id);
  SeededRandom random(7);
  std::map<std::string, std::string> agent;
  Instant cookie;
  for (int round = 0; round < 60; ++round) {
    for (auto steps = 1 + random.below(4); steps > 0; --steps) {
      const auto& collection = collections[random.below(3)];
      const auto policy = fmt::format("P{}", random.below(4));
      (void)store_->write([&](Repositories& r) -> Status {
        switch (random.below(4)) {
          case 0: return r.collections.add_member(collection, {.client_id = client(1)});
          case 1: return r.collections.remove_member(collection, client(1));
          case 2: return r.policies.remove(policy);
          default:
            return r.policies.put({.id = policy, .version = fmt::format("{}.00", round)},
                                  {collection, collections[random.below(3)]});
        }
      });
    }
    const auto latest_now = latest(1);
    for (const auto& a : get([&](Repositories& r) { return r.policies.for_device_since(client(1), cookie); })) {
      if (a.tombstone) agent.erase(a.policy.id);
      else agent[a.policy.id] = a.policy.version;
    }
    cookie = latest_now;
    std::map<std::string, std::string> full;
    for (const auto& a : get([&](Repositories& r) { return r.policies.for_device(client(1)); }))
      full[a.policy.id] = a.policy.version;
    ASSERT_EQ(agent, full) << "round " << round;
  }
}

}  // namespace fp::store
