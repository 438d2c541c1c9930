#include "wire/directory/dns_reader.hpp"

namespace fp::wire {
namespace {

constexpr int kPointersMax = 32;

}  // namespace

Result<int> DnsReader::u16() {
  if (at_ + 2 > bytes_.size()) return fail(Code::invalid, "a DNS answer that ends in the middle");
  const int value = byte(at_) << 8 | byte(at_ + 1);
  at_ += 2;
  return value;
}

Status DnsReader::skip(std::size_t count) {
  if (at_ + count > bytes_.size()) return fail(Code::invalid, "a DNS answer that ends in the middle");
  at_ += count;
  return {};
}

Result<std::string> DnsReader::name() {
  std::string out;
  std::size_t at = at_, limit = bytes_.size();
  bool jumped = false;
  for (int pointers = 0;;) {
    if (at >= bytes_.size()) return fail(Code::invalid, "a DNS name that ends in the middle");
    const int length = byte(at);
    if (length >= 0xC0) {
      if (at + 2 > bytes_.size() || ++pointers > kPointersMax) return fail(Code::invalid, "a DNS name with a bad pointer");
      const auto target = static_cast<std::size_t>((length & 0x3F) << 8 | byte(at + 1));
      if (target >= at || target >= limit) return fail(Code::invalid, "a DNS name with a pointer forwards");
      if (!jumped) at_ = at + 2;
      jumped = true;
      limit = at = target;
      continue;
    }
    if (length > 63) return fail(Code::invalid, "a DNS label of an unknown kind");
    if (length == 0) break;
    const auto size = static_cast<std::size_t>(length);
    if (at + 1 + size > bytes_.size()) return fail(Code::invalid, "a DNS label that ends in the middle");
    if (!out.empty()) out += '.';
    out += bytes_.substr(at + 1, size);
    if (out.size() > kDnsNameBytesMax) return fail(Code::invalid, "a DNS name of more than {} bytes", kDnsNameBytesMax);
    at += 1 + size;
  }
  if (!jumped) at_ = at + 1;
  return out;
}

}  // namespace fp::wire
