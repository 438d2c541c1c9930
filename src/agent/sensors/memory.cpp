// X86_PC_MEMORY: the memory of the machine in KB, from /proc/meminfo. What is free changes all the time and is left out.
#include "agent/sensors/reading.hpp"

namespace fp::sensors {

Result<Instances> read_memory(const Source& source) {
  FP_TRY(text, text_of(source, "/proc/meminfo"));
  const auto fields = parse_colons(text);
  const auto kb = [&](const char* name) {
    const auto found = fields.find(name);
    return found == fields.end() ? std::string() : found->second.substr(0, found->second.find(' '));
  };
  if (kb("MemTotal").empty()) return fail(Code::corrupt, "/proc/meminfo has no MemTotal");
  return Instances{
      instance("X86_PC_MEMORY", "memory", {{"TotalPhysicalMemory", kb("MemTotal")}, {"TotalPageFileSpace", kb("SwapTotal")}})};
}

}  // namespace fp::sensors
