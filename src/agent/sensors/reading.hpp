// What sensors share: small reads below the root prefix and building an instance. Any thread. Internal to the room.
#pragma once
#include <string>
#include <string_view>

#include "agent/sensors/sensors.hpp"

namespace fp::sensors {

[[nodiscard]] Path below(const Source& source, std::string_view path);        // "/proc/cpuinfo" -> <root>/proc/cpuinfo
[[nodiscard]] Result<std::string> text_of(const Source& source, std::string_view path);  // whole file, 16 MB at most
[[nodiscard]] std::string word_of(const Source& source, std::string_view path);  // trimmed; empty when there is no such file
[[nodiscard]] std::vector<std::string> names_in(const Source& source, std::string_view folder);  // sorted; empty if none

// Properties that are empty are left out.
[[nodiscard]] InventoryInstance instance(std::string_view class_name, std::string key,
                                         std::map<std::string, std::string> properties);

// "KEY=value" lines with shell quoting, as in os-release. Lines of another form are skipped.
[[nodiscard]] std::map<std::string, std::string> parse_assignments(std::string_view text);
// "key : value" lines: cpuinfo, meminfo. The first of equal keys wins.
[[nodiscard]] std::map<std::string, std::string> parse_colons(std::string_view text);

struct MountPoint {
  std::string device, folder, type;
};
[[nodiscard]] std::vector<MountPoint> parse_mounts(std::string_view text);  // /proc/self/mounts, octal escapes decoded

struct InstalledPackage {
  std::string name, version, architecture, maintainer, section, status;
  std::int64_t installed_kb = 0;
};
// dpkg's status file: the packages that are installed. Streams through the text; damaged paragraphs are skipped.
[[nodiscard]] std::vector<InstalledPackage> parse_dpkg_status(std::string_view text);
// Lines of rpm -qa --qf with kRpmFormat.
inline constexpr const char* kRpmFormat =
    "%{NAME}\\t%{EPOCHNUM}:%{VERSION}-%{RELEASE}\\t%{ARCH}\\t%{VENDOR}\\t%{GROUP}\\t%{SIZE}\\n";
[[nodiscard]] std::vector<InstalledPackage> parse_rpm_list(std::string_view text);
// dpkg's list, or rpm's where there is no dpkg. `manager`: "dpkg", "rpm" or empty.
struct PackageList {
  std::string manager;
  std::vector<InstalledPackage> packages;
};
[[nodiscard]] Result<PackageList> installed_packages(const Source& source);

[[nodiscard]] std::string machine_of(const Source& source);               // x86_64
[[nodiscard]] std::vector<Address> addresses_of(const Source& source);
[[nodiscard]] std::string host_name(const Source& source);
[[nodiscard]] Adapter adapter_of(const Source& source, const std::string& interface);

// The sensors.
[[nodiscard]] Result<Instances> read_processor(const Source& source);
[[nodiscard]] Result<Instances> read_memory(const Source& source);
[[nodiscard]] Result<Instances> read_disk(const Source& source);
[[nodiscard]] Result<Instances> read_logical_disk(const Source& source);
[[nodiscard]] Result<Instances> read_network_adapter(const Source& source);
[[nodiscard]] Result<Instances> read_network_configuration(const Source& source);
[[nodiscard]] Result<Instances> read_bios(const Source& source);
[[nodiscard]] Result<Instances> read_baseboard(const Source& source);
[[nodiscard]] Result<Instances> read_operating_system(const Source& source);
[[nodiscard]] Result<Instances> read_computer_system(const Source& source);
[[nodiscard]] Result<Instances> read_packages(const Source& source);

}  // namespace fp::sensors
