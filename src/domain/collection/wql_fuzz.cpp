// Whatever the text, parsing ends in a tree or an error; what is printed of a tree reads back and prints the same again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "domain/collection/wql.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto query = fp::collection::parse_wql({reinterpret_cast<const char*>(data), size});
  if (!query) return 0;
  const auto printed = fp::collection::print_wql(*query);
  if (printed.size() > 16'000) return 0;  // longer spellings may pass the limit that the text kept
  const auto again = fp::collection::parse_wql(printed);
  if (!again || fp::collection::print_wql(*again) != printed) std::abort();
  return 0;
}
