// COMPUTER_SYSTEM: name, maker and model of the machine, from the kernel's host name and DMI.
#include "agent/sensors/reading.hpp"

namespace fp::sensors {

Result<Instances> read_computer_system(const Source& source) {
  const std::string name = host_name(source);
  if (name.empty()) return fail(Code::not_found, "the machine has no name");
  const std::string dmi = "/sys/class/dmi/id/";
  std::string domain = word_of(source, "/proc/sys/kernel/domainname");
  if (domain == "(none)") domain.clear();
  return Instances{instance("COMPUTER_SYSTEM", "system",
                            {{"Name", name},
                             {"Domain", domain},
                             {"Manufacturer", word_of(source, dmi + "sys_vendor")},
                             {"Model", word_of(source, dmi + "product_name")},
                             {"SystemFamily", word_of(source, dmi + "product_family")},
                             {"UUID", word_of(source, dmi + "product_uuid")},
                             {"ChassisType", word_of(source, dmi + "chassis_type")},
                             {"SystemType", machine_of(source)}})};
}

}  // namespace fp::sensors
