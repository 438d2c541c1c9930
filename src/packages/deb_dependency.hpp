// Would dpkg be able to configure these packages? Reads Depends and Pre-Depends before anything is unpacked, because dpkg
// finds out only when files are in place already. Any thread; pure.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace fp::packages {

// Name -> versions there are, from installed packages and what they provide. "" is a provided name without a version.
using Available = std::map<std::string, std::vector<std::string>, std::less<>>;

// "libfoo (= 1.2), bar:any" -> adds each name.
void add_provided(Available& available, std::string_view provides);

// The clauses of a Depends field that nothing available satisfies: {"libfoo (>= 2)", "a | b"}.
[[nodiscard]] std::vector<std::string> missing_dependencies(std::string_view depends, const Available& available);

}  // namespace fp::packages
