// OPERATING_SYSTEM: distribution, kernel, boot time, from os-release and /proc.
#include "agent/sensors/reading.hpp"
#include "base/text.hpp"

namespace fp::sensors {
namespace {

// "btime 1700000000" of /proc/stat: seconds since 1970.
std::string boot_time(const Source& source) {
  const auto text = text_of(source, "/proc/stat");
  if (!text) return {};
  for (const auto line : split(*text, '\n')) {
    if (!line.starts_with("btime ")) continue;
    const auto seconds = parse_int(trim(line.substr(6)));
    return seconds && *seconds > 0 && *seconds < 100'000'000'000 ? to_iso({*seconds * 1000}) : std::string();
  }
  return {};
}

}  // namespace

Result<Instances> read_operating_system(const Source& source) {
  auto text = text_of(source, "/etc/os-release");
  if (!text) text = text_of(source, "/usr/lib/os-release");
  if (!text) return std::unexpected(text.error());
  auto os = parse_assignments(*text);
  return Instances{instance("OPERATING_SYSTEM", "os",
                            {{"Caption", os["PRETTY_NAME"].empty() ? os["NAME"] : os["PRETTY_NAME"]},
                             {"Name", os["NAME"]},
                             {"Id", os["ID"]},
                             {"Version", os["VERSION_ID"]},
                             {"BuildNumber", word_of(source, "/proc/sys/kernel/osrelease")},
                             {"OSArchitecture", machine_of(source)},
                             {"LastBootUpTime", boot_time(source)},
                             {"CSName", host_name(source)}})};
}

Result<std::string> boot_id(const Source& source) {
  FP_TRY(text, text_of(source, "/proc/sys/kernel/random/boot_id"));
  if (trim(text).empty()) return fail(Code::corrupt, "the boot id is empty");
  return std::string(trim(text));
}

}  // namespace fp::sensors
