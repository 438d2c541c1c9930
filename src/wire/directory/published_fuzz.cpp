// Objects of a directory from arbitrary bytes, a line for each value ("attribute: value", an empty line ends
// an object): whatever comes out keeps to its grammar, and is the same when it is published again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/directory/published.hpp"

namespace {

std::vector<fp::wire::DirectoryObject> objects_of(std::string_view text) {
  std::vector<fp::wire::DirectoryObject> out(1);
  for (const auto line : fp::split(text, '\n')) {
    if (line.empty()) {
      out.emplace_back();
      continue;
    }
    const auto colon = line.find(": ");
    const auto name = fp::lower(line.substr(0, colon));
    const std::string value(colon == std::string_view::npos ? std::string_view() : line.substr(colon + 2));
    if (name == "cn")
      out.back().name = value;
    else
      out.back().attributes[name].push_back(value);
  }
  return out;
}

template <class T>
void same_again(const T& value, std::vector<T> fp::wire::Publication::*where) {
  const auto again = fp::wire::decode_published({fp::wire::encode_published(value)});
  if (!again || ((*again).*where).size() != 1 || ((*again).*where).front() != value) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto found = fp::wire::decode_published(objects_of({reinterpret_cast<const char*>(data), size}));
  if (!found) return 0;
  for (const auto& site : found->sites) {
    if (!fp::parse_site_code(site.site_code)) __builtin_trap();
    same_again(site, &fp::wire::Publication::sites);
  }
  for (const auto& point : found->management_points) {
    if (!fp::parse_site_code(point.site_code) || !fp::parse_host(point.name)) __builtin_trap();
    same_again(point, &fp::wire::Publication::management_points);
  }
  for (const auto& why : found->refused)
    if (!fp::is_utf8(why)) __builtin_trap();
  return 0;
}
