// The HTML page of a folder on a distribution point, in the shape that programs read with patterns (wire.md §11.2).
// Any thread; pure. Every byte outside names and sizes is fixed: golden tests hold it.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace fp::wire {

struct ListingEntry {
  std::string name;
  bool folder = false;
  std::int64_t size_bytes = 0;
  Instant modified;
};

// `folder_url`: absolute with scheme and host, percent-encoded, without a trailing slash; hrefs are it, a slash, the name.
// `title`: plain text, escaped here.
[[nodiscard]] std::string encode_listing(std::string_view folder_url, std::string_view title,
                                         const std::vector<ListingEntry>& entries);

}  // namespace fp::wire
