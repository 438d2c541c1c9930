// What the device is: hardware and software inventory, facts for requirements, discovery data (domain.md §20, §13).
// One sensor = one file and its test; all() is the table. Any thread; each call reads files under a root prefix (tests give a
// fixture tree) and takes milliseconds; nothing is cached. Never: runs as root, starts a process except through `run`,
// fails as a whole because one sensor did.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "domain/deployment/requirement.hpp"
#include "model/report.hpp"
#include "model/update.hpp"

namespace fp::sensors {

struct Address {
  std::string interface, address;  // "eth0", "192.0.2.7" or "2001:db8::1"
  int prefix_length = 0;
};

// The world as sensors see it. The default is the real machine.
struct Source {
  Path root = "/";
  // Output of a program (rpm -qa); unset: sensors that need one have nothing to tell. The agent binds packages::Runner.
  std::function<Result<std::string>(const std::vector<std::string>& argv)> run;
  std::function<std::vector<Address>()> addresses;  // unset: getifaddrs(3)
  std::function<std::string()> machine;             // unset: uname(2): "x86_64"
};

using Instances =
    std::vector<InventoryInstance>;  // content fresh; class_name as in WQL behind SMS_G_System_; key set, unique in its class

struct Sensor {
  const char* class_name;  // PROCESSOR, X86_PC_MEMORY, ...
  const char* kind;        // "hardware" or "software"
  Result<Instances> (*read)(const Source& source);
};
[[nodiscard]] std::span<const Sensor> all();

// Every sensor; one that fails is left out and named in `failed` ("PROCESSOR: reading /proc/cpuinfo: ...").
struct Collected {
  Instances instances;              // sorted by class and key
  std::vector<std::string> failed;
};
[[nodiscard]] Collected collect(const Source& source, std::string_view kind = "hardware");

// What changed from one snapshot to the next: fresh, update (all properties of the new one), removed (key only). Pure.
[[nodiscard]] Instances delta(const Instances& before, const Instances& after);

// For requirements: os.id os.version architecture memory_mb disk_free_mb kernel hostname package_manager package:<name>, and
// fact:<name> for each file of /etc/farpoint/facts.d (its first line).
[[nodiscard]] deployment::Facts facts(const Source& source);

// A network interface as location requests name it: `if_type` by IANA, 6 Ethernet, 23 PPP, 131 a tunnel.
struct Adapter {
  std::string name, description;
  int if_type = 6;
};

// What dpkg has installed, for the applicability of updates. Code::not_found: there is no dpkg here.
[[nodiscard]] Result<PackagesOnDevice> dpkg_packages(const Source& source);

// Discovery data of the heartbeat (domain.md §20).
struct Discovery {
  std::string netbios_name;            // first 15 characters of the host name, upper case
  std::string fqdn;                    // host name with its domain, lower case; the host name alone where there is none
  std::vector<std::string> addresses;  // without loopback and link-local
  std::vector<std::string> subnets;    // of the addresses, in their order: "192.0.2.0"
  std::vector<std::string> macs;       // upper case, colons; without loopback
  std::vector<Adapter> adapters;       // that have one of the addresses
  std::string machine_id, os_caption, os_version, architecture;
};
[[nodiscard]] Discovery discover(const Source& source);

[[nodiscard]] Result<std::string> boot_id(const Source& source);  // changes with every boot
[[nodiscard]] std::int64_t local_offset_s(Instant at);            // the machine's time zone, seconds east of UTC

}  // namespace fp::sensors
