#include "agent/sensors/sensors.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <set>

#include "agent/sensors/reading.hpp"
#include "base/test_folder.hpp"
#include "base/text.hpp"

namespace fp::sensors {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// A small laptop, as files.
struct Laptop : testing::Test {
  TestFolder folder;
  Source source;

  Laptop() {
    source.root = folder.path();
    source.addresses = [] {
      return std::vector<Address>{
          {"lo", "127.0.0.1", 8}, {"eth0", "192.0.2.7", 24}, {"eth0", "fe80::1", 64}, {"eth0", "2001:db8::7", 64}};
    };
    source.machine = [] { return std::string("x86_64"); };
    put("proc/cpuinfo",
        "processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel name\t: Fast CPU @ 2.4GHz\ncpu MHz\t\t: 2400.123\n"
        "physical id\t: 0\ncpu cores\t: 2\n\nprocessor\t: 1\nvendor_id\t: GenuineIntel\nmodel name\t: Fast CPU @ 2.4GHz\n"
        "physical id\t: 0\ncpu cores\t: 2\n\nprocessor\t: 2\nmodel name\t: Fast CPU @ 2.4GHz\nphysical id\t: 1\n\n");
    put("proc/meminfo", "MemTotal:        8123456 kB\nMemFree:          100 kB\nSwapTotal:       1048576 kB\n");
    put("proc/stat", "cpu  1 2 3\nbtime 1790000000\n");
    put("proc/self/mounts",
        "proc /proc proc rw 0 0\n/dev/nvme0n1p2 / ext4 rw 0 0\n/dev/sda1 /media/usb\\040stick vfat rw 0 0\n/dev/loop0 /snap "
        "squashfs ro 0 0\n");
    put("proc/sys/kernel/hostname", "laptop-of-a-very-long-name\n");
    put("proc/sys/kernel/osrelease", "6.1.0-27-amd64\n");
    put("proc/sys/kernel/domainname", "(none)\n");
    put("proc/sys/kernel/random/boot_id", "c0ffee00-0000-4000-8000-000000000001\n");
    put("media/usb stick/.keep", "");
    put("sys/block/nvme0n1/size", "1000215216\n");
    put("sys/block/nvme0n1/device/model", "Swift Disk 512  \n");
    put("sys/block/nvme0n1/device/serial", "S3R14L\n");
    put("sys/block/nvme0n1/queue/rotational", "0\n");
    put("sys/block/loop0/size", "2048\n");
    put("sys/block/sda/size", "0\n");
    put("sys/class/net/lo/address", "00:00:00:00:00:00\n");
    put("sys/class/net/eth0/address", "52:54:00:ab:cd:ef\n");
    put("sys/class/net/eth0/mtu", "1500\n");
    put("sys/class/net/eth0/device/vendor", "0x8086\n");
    put("sys/class/net/docker0/address", "02:42:00:00:00:01\n");
    put("sys/class/dmi/id/bios_vendor", "Firmware Works\n");
    put("sys/class/dmi/id/bios_version", "1.27\n");
    put("sys/class/dmi/id/sys_vendor", "Maker\n");
    put("sys/class/dmi/id/product_name", "Model T\n");
    put("sys/class/dmi/id/board_name", "Board 9\n");
    put("etc/os-release",
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n# no\n");
    put("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
    put("etc/hosts",
        "127.0.0.1\tlocalhost\n127.0.1.1\tLaptop-of-a-very-long-name.corp.example laptop-of-a-very-long-name # here\n");
    put("var/lib/dpkg/status",
        "Package: bash\nStatus: install ok installed\nInstalled-Size: 7164\nMaintainer: M <m@corp.example>\nArchitecture: "
        "amd64\nVersion: 5.2.15-2+b7\n"
        "Description: shell\n Package: not-a-field\n .\n\nPackage: gone\nStatus: deinstall ok config-files\nVersion: "
        "1\nArchitecture: all\n\n"
        "Package: half\nStatus: install ok half-configured\nVersion: 1\nArchitecture: all\n\n"
        "Package: libz\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2\n\n"
        "Package: libz\nStatus: install ok installed\nArchitecture: i386\nVersion: 1.3\n");
  }
  void put(const std::string& name, std::string_view text) const {
    ASSERT_TRUE(make_dirs((source.root / name).parent_path()));
    std::ofstream(source.root / name) << text;
  }
  void remove(const char* name) const { std::filesystem::remove_all(source.root / name); }
  // "key" -> properties of the sensor's instances.
  static std::map<std::string, std::map<std::string, std::string>> by_key(const Result<Instances>& read) {
    std::map<std::string, std::map<std::string, std::string>> out;
    EXPECT_TRUE(read) << read.error().message;
    for (const auto& i : read.value_or(Instances{})) EXPECT_TRUE(out.emplace(i.key, i.properties).second) << i.key;
    return out;
  }
};

TEST_F(Laptop, ProcessorHasOneInstanceForEachSocket) {
  auto all = by_key(read_processor(source));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all["CPU0"]["Name"], "Fast CPU @ 2.4GHz");
  EXPECT_EQ(all["CPU0"]["NumberOfLogicalProcessors"], "2");
  EXPECT_EQ(all["CPU0"]["NormSpeed"], "2400");
  EXPECT_EQ(all["CPU1"]["NumberOfCores"], "1");
  put("proc/cpuinfo", "");
  EXPECT_EQ(read_processor(source).error().code, Code::corrupt);
}

TEST_F(Laptop, MemoryIsInKilobytes) {
  EXPECT_EQ(by_key(read_memory(source))["memory"]["TotalPhysicalMemory"], "8123456");
  put("proc/meminfo", "nothing\n");
  EXPECT_EQ(read_memory(source).error().code, Code::corrupt);
}

TEST_F(Laptop, DiskLeavesOutLoopDevicesAndEmptyReaders) {
  auto all = by_key(read_disk(source));
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all["/dev/nvme0n1"]["Size"], "488386");
  EXPECT_EQ(all["/dev/nvme0n1"]["Model"], "Swift Disk 512");
  EXPECT_EQ(all["/dev/nvme0n1"]["SerialNumber"], "S3R14L");
  EXPECT_EQ(all["/dev/nvme0n1"]["MediaType"], "solid state");
}

TEST_F(Laptop, LogicalDiskReadsMountsWithSpacesInTheirNames) {
  auto all = by_key(read_logical_disk(source));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all["/media/usb stick"]["FileSystem"], "vfat");
  EXPECT_EQ(all["/"]["VolumeName"], "/dev/nvme0n1p2");
  EXPECT_TRUE(parse_int(all["/"]["FreeSpace"]));
}

TEST_F(Laptop, NetworkLeavesOutLoopbackAndJoinsAddresses) {
  auto adapters = by_key(read_network_adapter(source));
  ASSERT_EQ(adapters.size(), 2U);
  EXPECT_EQ(adapters["eth0"]["MACAddress"], "52:54:00:AB:CD:EF");
  EXPECT_EQ(adapters["eth0"]["AdapterType"], "wired");
  EXPECT_EQ(adapters["docker0"]["AdapterType"], "virtual");
  auto configurations = by_key(read_network_configuration(source));
  EXPECT_EQ(configurations["eth0"]["IPAddress"], "192.0.2.7/24, 2001:db8::7/64, fe80::1/64");
  EXPECT_EQ(configurations["docker0"]["IPEnabled"], "0");
}

TEST_F(Laptop, FirmwareIsWhatDmiSaysAndNothingWithoutIt) {
  EXPECT_EQ(by_key(read_bios(source))["bios"]["SMBIOSBIOSVersion"], "1.27");
  EXPECT_EQ(by_key(read_baseboard(source))["board"]["Product"], "Board 9");
  remove("sys/class/dmi");
  EXPECT_THAT(by_key(read_bios(source)), IsEmpty());
  EXPECT_THAT(by_key(read_baseboard(source)), IsEmpty());
}

TEST_F(Laptop, OperatingSystemTellsDistributionKernelAndBoot) {
  auto os = by_key(read_operating_system(source))["os"];
  EXPECT_EQ(os["Caption"], "Debian GNU/Linux 12 (bookworm)");
  EXPECT_EQ(os["Id"], "debian");
  EXPECT_EQ(os["Version"], "12");
  EXPECT_EQ(os["BuildNumber"], "6.1.0-27-amd64");
  EXPECT_EQ(os["LastBootUpTime"], "2026-09-21T14:13:20Z");
}

TEST_F(Laptop, ComputerSystemHasNameMakerAndModel) {
  auto system = by_key(read_computer_system(source))["system"];
  EXPECT_EQ(system["Name"], "laptop-of-a-very-long-name");
  EXPECT_EQ(system["Model"], "Model T");
  EXPECT_FALSE(system.contains("Domain"));
  EXPECT_FALSE(system.contains("UUID"));
}

TEST_F(Laptop, PackagesAreThoseThatAreInstalled) {
  auto all = by_key(read_packages(source));
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all["bash:amd64"]["Version"], "5.2.15-2+b7");
  EXPECT_EQ(all["bash:amd64"]["SizeKB"], "7164");
  EXPECT_EQ(all["libz:i386"]["Version"], "1.3");
}

TEST_F(Laptop, RpmIsAskedWhereThereIsNoDpkg) {
  remove("var/lib/dpkg");
  EXPECT_THAT(by_key(read_packages(source)), IsEmpty());
  put("var/lib/rpm/rpmdb.sqlite", "");
  source.run = [](const std::vector<std::string>& argv) -> Result<std::string> {
    EXPECT_EQ(argv[0], "rpm");
    return "bash\t0:5.1.8-9.el9\tx86_64\tVendor\tUnspecified\t7738778\nkernel\t0:5.14.0-1\tx86_64\t(none)\t(none)\t0\n"
           "kernel\t0:5.14.0-10\tx86_64\tV\tU\t0\ngpg-pubkey\t0:1-1\t(none)\tV\tU\t0\nvim\t2:8.2-1\tx86_64\tV\tU\t1\nshort\n";
  };
  auto all = by_key(read_packages(source));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all["bash:x86_64=5.1.8-9.el9"]["SizeKB"], "7557");
  EXPECT_TRUE(all.contains("vim:x86_64=2:8.2-1"));
  auto known = facts(source);
  EXPECT_EQ(known["package_manager"], "rpm");
  EXPECT_EQ(known["package:kernel"], "5.14.0-10") << "the newest of several";
}

TEST_F(Laptop, CollectGoesOnWhenOneSensorFails) {
  remove("proc/cpuinfo");
  const Collected hardware = collect(source);
  ASSERT_EQ(hardware.failed.size(), 1U);
  EXPECT_TRUE(hardware.failed[0].starts_with("PROCESSOR: reading "));
  std::set<std::string> classes;
  for (const auto& i : hardware.instances) classes.insert(i.class_name);
  EXPECT_EQ(classes.size(), 9U);
  EXPECT_FALSE(classes.contains("LINUX_PACKAGE"));
  EXPECT_EQ(collect(source, "software").instances.size(), 3U);
}

TEST_F(Laptop, FactsServeRequirements) {
  auto known = facts(source);
  EXPECT_EQ(known["os.id"], "debian");
  EXPECT_EQ(known["os.version"], "12");
  EXPECT_EQ(known["architecture"], "x86_64");
  EXPECT_EQ(known["memory_mb"], "7933");
  EXPECT_EQ(known["kernel"], "6.1.0-27-amd64");
  EXPECT_EQ(known["hostname"], "laptop-of-a-very-long-name");
  EXPECT_EQ(known["package_manager"], "dpkg");
  EXPECT_EQ(known["package:bash"], "5.2.15-2+b7");
  EXPECT_EQ(known["package:libz"], "1.3");
  EXPECT_FALSE(known.contains("package:gone"));
  put("etc/farpoint/facts.d/office", "Leeds\nsecond line\n");
  put("etc/farpoint/facts.d/.hidden", "x\n");
  known = facts(source);
  EXPECT_EQ(known["fact:office"], "Leeds");
  EXPECT_FALSE(known.contains("fact:.hidden"));
  EXPECT_TRUE(parse_int(known["disk_free_mb"]));
  EXPECT_TRUE(deployment::evaluate({{"package:bash", Compare::ge, {"5"}}, {"memory_mb", Compare::ge, {"4096"}}}, known).holds);
}

TEST_F(Laptop, DiscoveryNamesTheMachine) {
  const Discovery found = discover(source);
  EXPECT_EQ(found.netbios_name, "LAPTOP-OF-A-VER");
  EXPECT_EQ(found.fqdn, "laptop-of-a-very-long-name.corp.example");
  EXPECT_THAT(found.addresses, ElementsAre("192.0.2.7", "2001:db8::7"));
  EXPECT_THAT(found.macs, ElementsAre("02:42:00:00:00:01", "52:54:00:AB:CD:EF"));
  ASSERT_EQ(found.adapters.size(), 1U);  // one interface has both addresses
  EXPECT_EQ(found.adapters[0].if_type, 6);
  EXPECT_EQ(found.machine_id, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(found.os_version, "12");
}

TEST_F(Laptop, ATunnelIsKnownByItsKind) {
  put("sys/class/net/wg0/type", "65534\n");
  put("sys/class/net/tap0/type", "1\n");
  put("sys/class/net/tap0/tun_flags", "0x1002\n");
  put("sys/class/net/ppp0/type", "512\n");
  put("sys/class/net/ppp0/ifalias", "Company dial-in\n");
  EXPECT_EQ(adapter_of(source, "wg0").if_type, 131);
  EXPECT_EQ(adapter_of(source, "tap0").if_type, 131);
  EXPECT_EQ(adapter_of(source, "ppp0").if_type, 23);
  EXPECT_EQ(adapter_of(source, "ppp0").description, "Company dial-in");
}

TEST_F(Laptop, BootIdIsReadAndNeverEmpty) {
  EXPECT_EQ(boot_id(source).value(), "c0ffee00-0000-4000-8000-000000000001");
  put("proc/sys/kernel/random/boot_id", "\n");
  EXPECT_EQ(boot_id(source).error().code, Code::corrupt);
}

TEST_F(Laptop, AnEmptyMachineFailsNowhere) {
  remove("proc");
  remove("sys");
  remove("etc");
  remove("var");
  EXPECT_EQ(collect(source).failed.size(), 5U);
  (void)discover(source);
  EXPECT_FALSE(facts(source).contains("os.id"));
}

TEST(Sensors, TheRealMachineIsReadable) {
  const Collected found = collect(Source{});
  EXPECT_THAT(found.failed, IsEmpty());
  EXPECT_FALSE(found.instances.empty());
  EXPECT_TRUE(boot_id(Source{}));
}

InventoryInstance thing(const char* class_name, const char* key, const char* value) {
  return instance(class_name, key, {{"Value", value}});
}

std::string shown(const Instances& changes) {
  std::string out;
  for (const auto& c : changes) {
    out += c.content == InstanceContent::fresh ? "+" : c.content == InstanceContent::update ? "*" : "-";
    out += c.class_name + c.key + " ";
  }
  return out;
}

TEST(Delta, NamesWhatIsNewChangedAndGone) {
  const Instances before = {thing("A", "1", "x"), thing("A", "2", "x"), thing("B", "1", "x")};
  const Instances after = {thing("A", "2", "y"), thing("A", "3", "x"), thing("B", "1", "x")};
  const auto changes = delta(before, after);
  EXPECT_EQ(shown(changes), "-A1 *A2 +A3 ");
  EXPECT_TRUE(changes[0].properties.empty());
  EXPECT_EQ(changes[1].properties.at("Value"), "y");
  EXPECT_THAT(delta(after, after), IsEmpty());
  EXPECT_EQ(shown(delta({}, after)), "+A2 +A3 +B1 ");
}

// Applying the delta to the old snapshot gives the new one, whatever they are.
TEST(Delta, AppliedToTheOldGivesTheNew) {
  std::mt19937 engine(5);
  const auto draw = [&] {
    std::map<std::string, InventoryInstance> unique;
    for (int i = 0; i < 8; ++i) {
      auto one = thing(engine() % 2 ? "A" : "B", std::to_string(engine() % 6).c_str(), engine() % 2 ? "x" : "y");
      unique[one.class_name + one.key] = one;
    }
    return unique;
  };
  const auto values = [](const auto& map) {
    Instances out;
    for (const auto& [key, one] : map) out.push_back(one);
    std::reverse(out.begin(), out.end());
    return out;
  };
  for (int round = 0; round < 2000; ++round) {
    const auto before = draw(), after = draw();
    auto applied = before;
    for (const auto& c : delta(values(before), values(after))) {
      if (c.content == InstanceContent::removed) EXPECT_EQ(applied.erase(c.class_name + c.key), 1U);
      else applied[c.class_name + c.key] = c;
    }
    ASSERT_EQ(applied.size(), after.size());
    for (const auto& [key, one] : after) ASSERT_EQ(applied.at(key).properties, one.properties) << key;
  }
}

TEST(Parsing, OsReleaseQuotingIsUndone) {
  const auto read = parse_assignments("A=\"x \\\"y\\\" \\$z\"\nB='it s'\nC=plain\n#D=no\n=none\nE\nF=\"open\n");
  EXPECT_EQ(read.at("A"), "x \"y\" $z");
  EXPECT_EQ(read.at("B"), "it s");
  EXPECT_EQ(read.at("C"), "plain");
  EXPECT_EQ(read.at("F"), "\"open");
  EXPECT_EQ(read.size(), 4U);
}

TEST(Parsing, ADamagedStatusFileYieldsWhatIsWhole) {
  const auto read = parse_dpkg_status(
      "\n\nStatus: install ok installed\nVersion: 1\n\nPackage: a b\nStatus: install ok installed\nVersion: 1\n\n"
      "garbage\n\nPackage: c\nStatus: install ok installed\nVersion: 2");
  ASSERT_EQ(read.size(), 1U);
  EXPECT_EQ(read[0].name, "c");
}

TEST(TimeZone, OffsetFollowsTheMachine) {
  ::setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
  ::tzset();
  EXPECT_EQ(local_offset_s(parse_time("2026-01-01T00:00:00Z").value()), 3600);
  EXPECT_EQ(local_offset_s(parse_time("2026-07-01T00:00:00Z").value()), 7200);
  ::unsetenv("TZ");
  ::tzset();
}

}  // namespace
}  // namespace fp::sensors
