#include "domain/internet/wake.hpp"

#include <gtest/gtest.h>

#include "base/text.hpp"

namespace fp::internet {
namespace {

InventoryInstance adapter(const std::string& mac, const std::string& type) {
  return {"NETWORK_ADAPTER", InstanceContent::fresh, {{"AdapterType", type}, {"MACAddress", mac}}, mac};
}
InventoryInstance configuration(const std::string& name, const std::string& mac, const std::string& addresses) {
  return {"NETWORK_ADAPTER_CONFIGURATION", InstanceContent::fresh, {{"MACAddress", mac}, {"IPAddress", addresses}}, name};
}
std::string told(const std::vector<InventoryInstance>& instances, WakeSend send = WakeSend::subnet_broadcast) {
  const auto targets = wake_targets(instances, send);
  if (!targets) return targets.error().message;
  std::string out;
  for (const auto& t : *targets) out += fmt::format("{}>{}{} ", to_string(t.mac), t.address, t.broadcast ? "!" : "");
  return out;
}

}  // namespace

TEST(Wake, ThePacketIsSixBytesAndSixteenTimesTheAddress) {
  const auto mac = parse_mac("02:42:ac:11:00:0f");
  ASSERT_TRUE(mac);
  const auto packet = magic_packet(*mac);
  EXPECT_EQ(packet.size(), 102U);
  std::string golden = "FFFFFFFFFFFF";
  for (int i = 0; i < 16; ++i) golden += "0242AC11000F";
  EXPECT_EQ(hex(packet), golden);
}

TEST(Wake, WhatIsNoAddressOfOneAdapterIsRefused) {
  for (const auto* text : {"", "02:42:AC:11:00", "02:42:AC:11:00:02:03", "00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF",
                           "01:00:5E:00:00:01", "02.42.AC.11.00.02", "0G:42:AC:11:00:02", "02:42:AC:11:00:2"})
    EXPECT_FALSE(parse_mac(text)) << text;
  EXPECT_EQ(to_string(*parse_mac(" 02-42-ac-11-00-02 ")), "02:42:AC:11:00:02");
}

TEST(Wake, EveryWiredAdapterAndSubnetIsATarget) {
  const std::vector<InventoryInstance> inventory{
      adapter("02:00:00:00:00:01", "wired"), adapter("02:00:00:00:00:02", "wireless"), adapter("02:00:00:00:00:03", "virtual"),
      configuration("eth0", "02:00:00:00:00:01", "10.77.1.50/24, 10.77.2.50/23, fe80::1/64"),
      configuration("wlan0", "02:00:00:00:00:02", "10.77.9.9/24"), configuration("docker0", "02:00:00:00:00:03", "172.17.0.1/16")};
  EXPECT_EQ(told(inventory), "02:00:00:00:00:01>10.77.1.255! 02:00:00:00:00:01>10.77.3.255! ");
  EXPECT_EQ(told(inventory, WakeSend::unicast), "02:00:00:00:00:01>10.77.1.50 02:00:00:00:00:01>10.77.2.50 ");
}

TEST(Wake, AVirtualMachineIsWokenByItsOnlyAdapter) {
  EXPECT_EQ(told({adapter("02:00:00:00:00:01", "virtual"), configuration("e0", "02:00:00:00:00:01", "10.77.1.50/24")}),
            "02:00:00:00:00:01>10.77.1.255! ");
}

TEST(Wake, AComputerCannotPointThePacketAtTheWholeInternetOrItself) {
  EXPECT_EQ(told({configuration("e0", "02:00:00:00:00:01",
                                "0.0.0.0/0, 127.0.0.1/8, 255.255.255.255/8, 224.0.0.1/24, 169.254.1.1/16, 8.8.8.8/1")}),
            "its hardware inventory names no wired adapter with a MAC address and an IPv4 subnet");
}

TEST(Wake, WithoutInventoryThereIsAReason) {
  EXPECT_EQ(told({}), "there is no hardware inventory of its network adapters yet");
}

}  // namespace fp::internet
