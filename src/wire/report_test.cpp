#include "wire/report.hpp"

#include <gtest/gtest.h>

#include "base/file.hpp"
#include "base/limits.hpp"
#include "wire/envelope.hpp"

namespace fp::wire {
namespace {

constexpr const char* kClient = "GUID:0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9";

Report sample(ReportKind kind) {
  Report r;
  r.header.kind = kind;
  r.header.client_id = kClient;
  r.header.client_version = "0.1.0";
  r.header.netbios_name = "PC1";
  r.header.made_at = *parse_time("2026-11-22T14:53:11Z");
  return r;
}

TEST(Report, ReadsADiscoveryInTwoPartsAsToolsSendIt) {
  auto bytes = read_file(Path(FARPOINT_SOURCE_DIR) / "tests/data/wire/ddr.bin");
  ASSERT_TRUE(bytes);
  const auto envelope = decode_envelope(kMultipartType, *bytes);
  ASSERT_TRUE(envelope);
  const auto documents = open_documents(*envelope);
  ASSERT_TRUE(documents);
  const auto first = decode_report(documents->all[0]);
  const auto second = decode_report(documents->body());
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->header.kind, ReportKind::discovery);
  EXPECT_EQ(first->header.client_id, kClient);
  EXPECT_FALSE(first->header.client_installed);
  EXPECT_EQ(to_iso(first->header.made_at), "2026-11-22T14:53:11Z");
  ASSERT_EQ(first->instances.size(), 1U);
  EXPECT_EQ(first->instances[0].class_name, "CCM_ComputerSystem");
  EXPECT_EQ(first->instances[0].properties.at("Domain"), "LAB");
  ASSERT_EQ(second->instances.size(), 2U);
  EXPECT_EQ(second->instances[1].key, "SMS:LAB");
}

TEST(Report, InventoryIsReadBack) {
  for (const auto kind : {ReportKind::discovery, ReportKind::hardware, ReportKind::software}) {
    Report sent = sample(kind);
    sent.header.type = ReportType::delta;
    sent.header.sequence = 7;
    sent.instances = {{"PROCESSOR", InstanceContent::fresh, {{"Name", "A <b> & \"c\""}, {"Cores", "4"}}, "CPU0"},
                      {"DISK", InstanceContent::update, {{"Size", "1"}}, "sda"},
                      {"DISK", InstanceContent::removed, {}, "sdb"}};
    const auto r = decode_report(encode_report(sent));
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_EQ(r->header.kind, kind);
    EXPECT_EQ(r->header.type, ReportType::delta);
    EXPECT_EQ(r->header.sequence, 7);
    EXPECT_EQ(r->header.made_at, sent.header.made_at);
    ASSERT_EQ(r->instances.size(), 3U);
    EXPECT_EQ(r->instances[0].properties.at("Name"), "A <b> & \"c\"");
    EXPECT_EQ(r->instances[0].key, "CPU0");
    EXPECT_EQ(r->instances[1].content, InstanceContent::update);
    EXPECT_EQ(r->instances[2].content, InstanceContent::removed);
    EXPECT_EQ(r->instances[2].key, "sdb");
    const InventoryReport inventory = r->inventory();
    EXPECT_EQ(inventory.client_id, kClient);
    EXPECT_EQ(inventory.sequence, 7);
    EXPECT_EQ(inventory.instances.size(), 3U);
  }
}

TEST(Report, StateMessagesHaveThePublicShapeAndAreReadBack) {
  Report sent = sample(ReportKind::state);
  StateMessage s;
  s.serial = 12;
  s.topic_type = 1702;
  s.topic_id = "FP100001";
  s.state_id = 1000;
  s.parameters = {"installed", "", "exit 0"};
  s.sent_at = sent.header.made_at;
  sent.states = {s, s};
  const std::string xml = encode_report(sent);
  EXPECT_NE(xml.find("<ReportContent>State Message Data</ReportContent><ReportType>Full</ReportType>"
                     "<Date>20261122145311.000000+000</Date>"),
            std::string::npos);
  EXPECT_NE(
      xml.find(
          "<StateMessage MessageTime=\"20261122145311.000000+000\" SerialNumber=\"12\"><Topic ID=\"FP100001\" Type=\"1702\" "
          "IDType=\"0\" User=\"\" UserSID=\"\"/><State ID=\"1000\" Criticality=\"0\"/><UserParameters Flags=\"0\" Count=\"3\">"
          "<Param>installed</Param><Param/><Param>exit 0</Param></UserParameters></StateMessage>"),
      std::string::npos);
  const auto r = decode_report(xml);
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->header.kind, ReportKind::state);
  ASSERT_EQ(r->states.size(), 2U);
  EXPECT_EQ(r->states[0].client_id, kClient);
  EXPECT_EQ(r->states[0].serial, 12);
  EXPECT_EQ(r->states[0].topic_type, 1702);
  EXPECT_EQ(r->states[0].state_id, 1000);
  EXPECT_EQ(r->states[0].parameters, s.parameters);
  EXPECT_EQ(r->states[0].sent_at, s.sent_at);
}

TEST(Report, ABareStateMessageIsAReport) {
  const auto r =
      decode_report("<StateMessage MessageTime='11/22/2026 14:53:11'><Topic Type='800' ID='x'/><State ID='400'/></StateMessage>");
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->header.kind, ReportKind::state);
  ASSERT_EQ(r->states.size(), 1U);
  EXPECT_EQ(r->states[0].topic_type, 800);
  EXPECT_EQ(r->states[0].serial, 0);
  EXPECT_EQ(to_iso(r->states[0].sent_at), "2026-11-22T14:53:11Z");
}

TEST(Report, StatusIsReadBack) {
  Report sent = sample(ReportKind::status);
  sent.events = {{0, sent.header.made_at, 2, "content-transfer", "", "no distribution point has <LAB00002.1>"}};
  const auto r = decode_report(encode_report(sent));
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->header.kind, ReportKind::status);
  ASSERT_EQ(r->events.size(), 1U);
  EXPECT_EQ(r->events[0].severity, 2);
  EXPECT_EQ(r->events[0].client_id, kClient);
  EXPECT_EQ(r->events[0].text, "no distribution point has <LAB00002.1>");
  EXPECT_EQ(r->events[0].at, sent.header.made_at);
}

TEST(Report, EveryDateFormatIsTakenAndAnUnreadableOneIsNoError) {
  const auto made = [](const std::string& date) {
    return decode_report("<Report><ReportHeader><ReportDetails><Date>" + date + "</Date></ReportDetails></ReportHeader></Report>")
        ->header.made_at.ms;
  };
  const std::int64_t expected = parse_time("2026-11-22T14:53:11Z")->ms;
  EXPECT_EQ(made("20261122145311.000000+000"), expected);
  EXPECT_EQ(made("20261122155311.000000+060"), expected);
  EXPECT_EQ(made("11/22/2026 14:53:11"), expected);
  EXPECT_EQ(made("2026-11-22T14:53:11Z"), expected);
  EXPECT_EQ(made("yesterday"), 0);
  EXPECT_EQ(made(""), 0);
}

TEST(Report, AnArrayIsTheSameElementSeveralTimes) {
  const auto r =
      decode_report("<Report><ReportBody><Instance Class='NET'><NET><IP>1</IP><IP>2</IP></NET></Instance></ReportBody></Report>");
  ASSERT_TRUE(r);
  EXPECT_EQ(r->instances[0].properties.at("IP"), "1,2");
}

TEST(Report, WhatBreaksAGrammarIsRefused) {
  const auto body = [](const std::string& inside) {
    return decode_report("<Report><ReportHeader/><ReportBody>" + inside + "</ReportBody></Report>");
  };
  EXPECT_TRUE(body("<Unknown/>"));
  for (const char* bad :
       {"<Instance Class='a b'/>", "<Instance/>", "<Instance Class=\"x'; DROP\"/>", "<Instance Class='A' Content='Other'/>",
        "<StateMessage/>", "<StateMessage><Topic Type='x'/><State ID='1'/></StateMessage>",
        "<StateMessage><Topic Type='1'/><State ID='-1'/></StateMessage>",
        "<StateMessage SerialNumber='-1'><Topic Type='1'/><State ID='1'/></StateMessage>",
        "<StateMessage SerialNumber='99999999999999999999'><Topic Type='1'/><State ID='1'/></StateMessage>",
        "<StatusMessage Severity='3'/>", "<StatusMessage/>"})
    EXPECT_EQ(body(bad).error().code, Code::invalid) << bad;
  EXPECT_FALSE(decode_report("<Other/>"));
  EXPECT_FALSE(decode_report("<Report FPSequence='-1'/>"));
  EXPECT_FALSE(
      decode_report("<Report><ReportHeader><ReportDetails><ReportType>x</ReportType></ReportDetails></ReportHeader></Report>"));
  EXPECT_FALSE(
      decode_report("<Report><ReportHeader><Identification><Machine><ClientID>x</ClientID></Machine></Identification>"
                    "</ReportHeader></Report>"));
}

TEST(Report, TooManyOfAnythingIsTooLarge) {
  std::string states, properties;
  for (std::size_t i = 0; i <= limits::kStateMessagesMax; ++i)
    states += "<StateMessage><Topic Type='1'/><State ID='1'/></StateMessage>";
  for (std::size_t i = 0; i <= limits::kPropertiesMax; ++i) properties += "<p" + std::to_string(i) + "/>";
  EXPECT_EQ(decode_report("<Report><ReportBody>" + states + "</ReportBody></Report>").error().code, Code::too_large);
  EXPECT_EQ(decode_report("<Report><ReportBody><Instance Class='A'><A>" + properties + "</A></Instance></ReportBody></Report>")
                .error()
                .code,
            Code::too_large);
  EXPECT_EQ(
      decode_report("<Report><ReportBody><Instance Class='A' FPKey='" + std::string(2000, 'k') + "'/></ReportBody></Report>")
          .error()
          .code,
      Code::too_large);
}

TEST(Report, KeysAreDerivedWhereNoneWasSent) {
  EXPECT_EQ(derive_instance_key({"A", InstanceContent::fresh, {{"Name", "n"}, {"DeviceID", "d"}}, ""}), "d");
  EXPECT_EQ(derive_instance_key({"A", InstanceContent::fresh, {{"Name", "n"}, {"X", "d"}}, ""}), "n");
  EXPECT_EQ(derive_instance_key({"A", InstanceContent::fresh, {{"Y", "1"}, {"X", "2"}}, ""}), "X=2;Y=1;");
}

}  // namespace
}  // namespace fp::wire
