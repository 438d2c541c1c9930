// Names as DNS writes them (RFC 1035 §4.1.4), for the decoders of this room: DNS answers themselves, and the netlogon value of a
// domain controller. One reader on one thread; pure. A pointer must lead backwards, so reading ends.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::wire {

inline constexpr std::size_t kDnsNameBytesMax = 255;

class DnsReader {
 public:
  explicit DnsReader(std::string_view bytes, std::size_t at = 0) : bytes_(bytes), at_(at) {}

  [[nodiscard]] Result<int> u16();                      // most significant byte first
  [[nodiscard]] Status skip(std::size_t count);
  [[nodiscard]] Result<std::string> name();             // labels joined by dots; empty: the root
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  [[nodiscard]] int byte(std::size_t at) const { return static_cast<unsigned char>(bytes_[at]); }
  std::string_view bytes_;
  std::size_t at_;
};

}  // namespace fp::wire
