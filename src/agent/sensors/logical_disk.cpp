// LOGICAL_DISK: mounted file systems on devices, from /proc/self/mounts and statvfs(2).
#include <sys/statvfs.h>

#include <set>

#include "agent/sensors/reading.hpp"

namespace fp::sensors {

Result<Instances> read_logical_disk(const Source& source) {
  auto text = text_of(source, "/proc/self/mounts");
  if (!text) text = text_of(source, "/proc/mounts");
  if (!text) return std::unexpected(text.error());
  Instances out;
  std::set<std::string> folders;
  for (const auto& mount : parse_mounts(*text)) {
    const bool on_device = mount.device.starts_with("/dev/") && !mount.device.starts_with("/dev/loop");
    if ((!on_device && mount.folder != "/") || !folders.insert(mount.folder).second) continue;
    struct statvfs space {};
    if (::statvfs(below(source, mount.folder).c_str(), &space) != 0) continue;
    const auto mb = [&](std::uint64_t blocks) { return std::to_string(blocks * space.f_frsize / (1 << 20)); };
    out.push_back(instance("LOGICAL_DISK", mount.folder,
                           {{"DeviceID", mount.folder},
                            {"Name", mount.folder},
                            {"VolumeName", mount.device},
                            {"FileSystem", mount.type},
                            {"Size", mb(space.f_blocks)},
                            {"FreeSpace", mb(space.f_bavail)}}));
  }
  return out;
}

}  // namespace fp::sensors
