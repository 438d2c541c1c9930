// The body of an answer as it comes: a little in memory, more in a file that has no name, so that what waits for a slow client is on
// disk and gone with the process. One thread. Inside src/net only.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.hpp"

namespace fp::net {

class LinkSpool {
 public:
  explicit LinkSpool(const Path& folder) : folder_(folder) {}
  [[nodiscard]] Status append(std::string_view bytes);
  [[nodiscard]] std::vector<Segment> finish();

 private:
  static constexpr std::size_t kMemoryBytesMax = 1U << 20;
  const Path& folder_;
  std::string memory_;
  std::shared_ptr<Fd> file_;
  std::int64_t in_file_ = 0;
};

}  // namespace fp::net
