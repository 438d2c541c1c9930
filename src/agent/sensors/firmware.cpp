// PC_BIOS and BASEBOARD: what the firmware says about the machine, from /sys/class/dmi/id. Serial numbers need root; what
// cannot be read is left out. A machine without DMI (most ARM boards, containers) has no instance.
#include "agent/sensors/reading.hpp"

namespace fp::sensors {
namespace {

std::string dmi(const Source& source, const char* name) { return word_of(source, std::string("/sys/class/dmi/id/") + name); }

Instances if_any(InventoryInstance made) { return made.properties.empty() ? Instances{} : Instances{std::move(made)}; }

}  // namespace

Result<Instances> read_bios(const Source& source) {
  return if_any(instance("PC_BIOS", "bios",
                         {{"Manufacturer", dmi(source, "bios_vendor")},
                          {"SMBIOSBIOSVersion", dmi(source, "bios_version")},
                          {"ReleaseDate", dmi(source, "bios_date")},
                          {"SerialNumber", dmi(source, "product_serial")}}));
}

Result<Instances> read_baseboard(const Source& source) {
  return if_any(instance("BASEBOARD", "board",
                         {{"Manufacturer", dmi(source, "board_vendor")},
                          {"Product", dmi(source, "board_name")},
                          {"Version", dmi(source, "board_version")},
                          {"SerialNumber", dmi(source, "board_serial")}}));
}

}  // namespace fp::sensors
