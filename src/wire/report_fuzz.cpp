// Reports from arbitrary bytes: what is decoded can be encoded and decoded again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/report.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto report = fp::wire::decode_report(input);
  if (!report) return 0;
  const auto again = fp::wire::decode_report(fp::wire::encode_report(*report));
  if (!again || again->instances.size() != report->instances.size() || again->states.size() != report->states.size())
    __builtin_trap();
  return 0;
}
