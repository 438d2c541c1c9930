// XML from arbitrary bytes: what is accepted can be walked, and its text written again is accepted too.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/text.hpp"
#include "wire/xml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const auto parsed = fp::wire::XmlDocument::parse(input, {1U << 20, 32, 5000});
  if (!parsed) return 0;
  const fp::wire::XmlNode root = parsed->root();
  fp::wire::XmlWriter x;
  x.open("r");
  for (const auto& [name, value] : root.attributes()) x.open("a").attr("v", value).text(name).close();
  for (const auto& child : root.children()) x.leaf("t", child.text()).open("c").cdata(child.text()).close();
  (void)root.anywhere("x");
  if (!fp::wire::XmlDocument::parse(x.take())) __builtin_trap();
  return 0;
}
