// DISK: block devices that are hardware, from /sys/block. Loop, RAM and mapped devices are somebody else's view of these.
#include "agent/sensors/reading.hpp"
#include "base/text.hpp"

namespace fp::sensors {

Result<Instances> read_disk(const Source& source) {
  Instances out;
  for (const auto& name : names_in(source, "/sys/block")) {
    const bool derived = name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram") ||
                         name.starts_with("dm-") || name.starts_with("md") || name.starts_with("sr") || name.starts_with("fd");
    const std::string folder = "/sys/block/" + name;
    const auto sectors = parse_int(word_of(source, folder + "/size"));
    if (derived || !sectors || *sectors <= 0) continue;
    std::string serial = word_of(source, folder + "/device/serial");
    if (serial.empty()) serial = word_of(source, folder + "/serial");
    out.push_back(instance("DISK", "/dev/" + name,
                           {{"DeviceID", "/dev/" + name},
                            {"Name", name},
                            {"Model", word_of(source, folder + "/device/model")},
                            {"Manufacturer", word_of(source, folder + "/device/vendor")},
                            {"SerialNumber", serial},
                            {"Size", std::to_string(*sectors / 2048)},  // MB; the kernel counts in 512-byte sectors
                            {"MediaType", word_of(source, folder + "/queue/rotational") == "1" ? "rotating" : "solid state"},
                            {"Removable", word_of(source, folder + "/removable")}}));
  }
  return out;
}

}  // namespace fp::sensors
