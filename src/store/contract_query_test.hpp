// Contract of Collections::run_query: what trees of model/query.hpp select (docs/wql.md). Trees are built by hand here: the
// parser is another room's.
#pragma once
#include "store/contract_test.hpp"

namespace fp::store {

inline QueryExpr compare(const std::string& name, QueryOp op, std::vector<QueryLiteral> values) {
  const auto dot = name.find('.');
  const auto cls = name.substr(0, dot);
  return {QueryCompare{{cls == "sys" ? "SMS_R_System" : "SMS_G_System_" + cls, name.substr(dot + 1)}, op, std::move(values)}};
}
inline QueryExpr group(QueryBool kind, std::vector<QueryExpr> parts) { return {QueryGroup{kind, std::move(parts)}}; }
inline std::vector<QueryLiteral> one_text(const char* v) { return {std::string(v)}; }
inline std::vector<QueryLiteral> one_number(std::int64_t v) { return {v}; }

class QueryContract : public StoreContract {
 protected:
  void SetUp() override {
    StoreContract::SetUp();
    const auto device = [&](int n, const std::string& name, const std::string& os, std::int64_t heartbeat) {
      change([&](Repositories& r) {
        return r.devices.put({.client_id = client(n), .name = name, .fqdn = os.empty() ? "" : name + ".example",
                              .approval = n == 4 ? Approval::pending : Approval::approved,
                              .connection = n == 1 ? ConnectionType::currently_internet : ConnectionType::currently_intranet,
                              .last_heartbeat_at = {heartbeat}});
      });
      if (os.empty()) return;
      change([&](Repositories& r) {
        return r.inventory.apply({.client_id = client(n), .instances = {
            {.class_name = "Win32_OperatingSystem", .properties = {{"Caption", os}, {"BuildNumber", std::to_string(n * 9)}}},
            {.class_name = "DISK", .properties = {{"DeviceID", "a"}, {"Size", std::to_string(n * 100)}}},
            {.class_name = "DISK", .properties = {{"DeviceID", "b"}, {"Size", "1000"}}}}}, "hardware");
      });
    };
    device(1, "LAP-ANNA", "Debian 12", 1'700'000'000'000);
    device(2, "lap-bob", "Debian 11", 1'800'000'000'000);
    device(3, "SRV[1]", "Fedora 40", 0);
    device(4, "DESK", "", 1'800'000'000'000);
  }
  std::string run(std::optional<QueryExpr> where, const std::vector<std::string>* only = nullptr) {
    Query q;
    if (where) q.where.push_back(*where);
    const auto found = store_->read([&](Repositories& r) { return r.collections.run_query(q, only); });
    if (!found) return found.error().message;
    std::string out;
    for (const auto& id : *found) out += id.back();
    return out;
  }
};

TEST_P(QueryContract, SelectsByAttributesOfTheDevice) {
  EXPECT_EQ(run({}), "1234");
  EXPECT_EQ(run(compare("sys.Name", QueryOp::eq, one_text("lap-anna"))), "1");
  EXPECT_EQ(run(compare("sys.netbiosname", QueryOp::ne, one_text("DESK"))), "123");
  EXPECT_EQ(run(compare("sys.Name", QueryOp::ge, one_text("lap-b"))), "23");
  EXPECT_EQ(run(compare("sys.Name", QueryOp::like, one_text("LAP%"))), "12");
  EXPECT_EQ(run(compare("sys.Name", QueryOp::not_like, one_text("%[-]%"))), "34");
  EXPECT_EQ(run(compare("sys.Name", QueryOp::like, one_text("_A[a-p]-[^b]%"))), "1");
  EXPECT_EQ(run(compare("sys.Name", QueryOp::like, one_text("srv[[]1]"))), "3");
  EXPECT_EQ(run(compare("sys.ConnectionType", QueryOp::eq, one_text("Currently_Internet"))), "1");
  EXPECT_EQ(run(compare("sys.Approved", QueryOp::eq, one_number(1))), "123");
  EXPECT_EQ(run(compare("sys.Approved", QueryOp::eq, one_text("0"))), "4");
  EXPECT_EQ(run(compare("sys.Client", QueryOp::eq, one_number(1))), "1234");
  EXPECT_EQ(run(compare("sys.LastHeartbeat", QueryOp::lt, one_text("2024-01-01"))), "1");
  EXPECT_EQ(run(compare("sys.LastHeartbeat", QueryOp::is_null, {})), "3");
  EXPECT_EQ(run(compare("sys.FQDN", QueryOp::not_null, {})), "123");
  EXPECT_EQ(run(compare("sys.ResourceId", QueryOp::in, {client(2), client(4), std::string("GUID:none")})), "24");
  EXPECT_EQ(run(compare("sys.SMSUniqueIdentifier", QueryOp::eq, one_text("guid:00000000-0000-4000-8000-000000000003"))), "3");
}

TEST_P(QueryContract, SelectsByInventory) {
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.Caption", QueryOp::like, one_text("debian%"))), "12");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.caption", QueryOp::eq, one_text("FEDORA 40"))), "3");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.BuildNumber", QueryOp::gt, one_number(9))), "23");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.BuildNumber", QueryOp::gt, one_text("9"))), "") << "as texts 18 and 27 come before 9";
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.BuildNumber", QueryOp::eq, {18.0})), "2");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.Caption", QueryOp::lt, one_number(5))), "") << "a text is not a number";
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.Nothing", QueryOp::is_null, {})), "123");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.BuildNumber", QueryOp::in, {std::int64_t{9}, std::string("27")})), "13");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.BuildNumber", QueryOp::not_in, {std::int64_t{9}, std::string("27")})), "2");
  EXPECT_EQ(run(compare("NOTHING.Name", QueryOp::ne, one_text("x"))), "");
}

TEST_P(QueryContract, ConditionsOfOneClassSpeakOfOneInstance) {
  const auto both = group(
      QueryBool::all, {compare("DISK.DeviceID", QueryOp::eq, one_text("a")), compare("DISK.Size", QueryOp::ge, one_number(200))});
  EXPECT_EQ(run(both), "23");
  EXPECT_EQ(run(group(QueryBool::all, {both, compare("OPERATING_SYSTEM.Caption", QueryOp::like, one_text("Debian%"))})), "2");
}

TEST_P(QueryContract, CombinesConditions) {
  const auto lap = compare("sys.Name", QueryOp::like, one_text("lap%")),
             desk = compare("sys.Name", QueryOp::eq, one_text("desk"));
  EXPECT_EQ(run(group(QueryBool::any, {lap, desk})), "124");
  EXPECT_EQ(run(group(QueryBool::none, {group(QueryBool::any, {lap, desk})})), "3");
  std::vector<QueryExpr> many;
  for (int n = 0; n < 1000; ++n) many.push_back(compare("sys.Name", QueryOp::eq, {fmt::format("N{}", n)}));
  many.push_back(desk);
  EXPECT_EQ(run(group(QueryBool::any, many)), "4");
  std::vector<QueryLiteral> names(5000, std::string("none"));
  names.push_back(std::string("desk"));
  EXPECT_EQ(run(compare("sys.Name", QueryOp::in, names)), "4");
}

TEST_P(QueryContract, SelectsByASubselect) {
  const auto with = [](const char* attribute, bool negated, QueryAttribute selected, std::vector<QueryExpr> where) {
    return QueryExpr{QuerySubselect{{"SMS_R_System", attribute}, negated, std::move(selected), std::move(where)}};
  };
  const auto debian = compare("OPERATING_SYSTEM.Caption", QueryOp::like, one_text("Debian%"));
  EXPECT_EQ(run(with("ResourceId", false, {"SMS_G_System_OPERATING_SYSTEM", "ResourceId"}, {debian})), "12");
  EXPECT_EQ(run(with("ResourceId", true, {"SMS_G_System_OPERATING_SYSTEM", "ResourceID"}, {debian})), "34");
  EXPECT_EQ(run(with("ResourceId", true, {"SMS_R_System", "ResourceID"}, {debian})), "34");
  EXPECT_EQ(run(with("ResourceId", true, {"SMS_G_System_OPERATING_SYSTEM", "ResourceId"}, {})), "4");
  EXPECT_EQ(run(with("Name", true, {"SMS_R_System", "Name"}, {compare("sys.Name", QueryOp::like, one_text("lap%"))})), "34");
  EXPECT_EQ(run(group(QueryBool::all, {debian, with("ResourceId", true, {"SMS_G_System_OPERATING_SYSTEM", "ResourceId"},
                                                    {compare("OPERATING_SYSTEM.BuildNumber", QueryOp::eq, one_number(9))})})),
            "2");
}

TEST_P(QueryContract, IsRestrictedToTheDevicesAskedFor) {
  const std::vector<std::string> only{client(4), client(1), client(9), client(1)};
  EXPECT_EQ(run({}, &only), "14");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.Caption", QueryOp::like, one_text("Debian%")), &only), "1");
}

TEST_P(QueryContract, LiteralsAndNamesAreNeverSql) {
  EXPECT_EQ(run(compare("sys.Name", QueryOp::eq, one_text("x' OR '1'='1"))), "");
  EXPECT_EQ(run(compare("OPERATING_SYSTEM.Caption", QueryOp::eq, one_text("\"); DROP TABLE devices; --"))), "");
  EXPECT_EQ(run({}), "1234");
}

TEST_P(QueryContract, WhatCannotBeComparedIsRefused) {
  EXPECT_EQ(run(compare("sys.Colour", QueryOp::eq, one_text("x"))), "SMS_R_System has no attribute Colour");
  EXPECT_EQ(run(compare("sys.LastHeartbeat", QueryOp::eq, one_text("soon"))), "LastHeartbeat is a time, and 'soon' is none");
  EXPECT_EQ(run(compare("sys.Approved", QueryOp::eq, one_text("yes"))), "Approved is a number, and 'yes' is none");
}

}  // namespace fp::store
