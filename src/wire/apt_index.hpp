// Indexes of apt repositories: the release file (after its signature was verified and taken off) and the list of packages, as text.
// Any thread; pure. Costs one pass. Never: a field taken whose grammar does not hold, more than wsus_limits.hpp says.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace fp::wire {

struct AptRelease {
  struct File {
    std::int64_t bytes = 0;
    std::string sha256;                // lower-case hex
  };
  std::string origin, label, suite, codename;
  Instant released_at, valid_until;    // valid_until 0: it does not say
  std::map<std::string, File> files;   // by path below the suite: "main/binary-amd64/Packages.xz"
};
// Code::invalid: no date, or no SHA256 list; Code::too_large.
[[nodiscard]] Result<AptRelease> decode_apt_release(std::string_view text);

struct AptPackage {
  std::string package, version, architecture, file, sha256, title;  // file: path below the repository; title: first line of the description
  std::int64_t bytes = 0;
};
struct AptPackages {
  std::vector<AptPackage> packages;
  std::size_t left_out = 0;            // stanzas that lack something, or say it wrongly
};
[[nodiscard]] Result<AptPackages> decode_apt_packages(std::string_view text);

}  // namespace fp::wire
