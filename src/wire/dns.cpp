#include "wire/dns.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr int kTypeSrv = 33, kClassInternet = 1, kNoSuchName = 3;
constexpr int kPointersMax = 32;

class DnsReader {
 public:
  explicit DnsReader(std::string_view bytes) : bytes_(bytes) {}

  Result<int> u16() {
    if (at_ + 2 > bytes_.size()) return fail(Code::invalid, "a DNS answer that ends in the middle");
    const int value = byte(at_) << 8 | byte(at_ + 1);
    at_ += 2;
    return value;
  }
  Status skip(std::size_t count) {
    if (at_ + count > bytes_.size()) return fail(Code::invalid, "a DNS answer that ends in the middle");
    at_ += count;
    return {};
  }
  // A pointer must lead backwards, so reading ends.
  Result<std::string> name() {
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
  [[nodiscard]] std::size_t at() const { return at_; }

 private:
  [[nodiscard]] int byte(std::size_t at) const { return static_cast<unsigned char>(bytes_[at]); }
  std::string_view bytes_;
  std::size_t at_ = 0;
};

Status read_record(DnsReader& in, std::vector<ServiceRecord>& out) {
  FP_CHECK(in.name());
  FP_TRY(type, in.u16());
  FP_TRY(class_of, in.u16());
  FP_CHECK(in.skip(4));  // time to live
  FP_TRY(length, in.u16());
  const auto end = in.at() + static_cast<std::size_t>(length);
  if (type != kTypeSrv || class_of != kClassInternet) return in.skip(static_cast<std::size_t>(length));
  ServiceRecord record;
  FP_TRY(priority, in.u16());
  FP_TRY(weight, in.u16());
  FP_TRY(port, in.u16());
  FP_TRY(host, in.name());
  if (in.at() != end) return fail(Code::invalid, "a service record whose length is not that of its data");
  record = {priority, weight, port, lower(host)};
  if (port > 0 && parse_host(record.host)) out.push_back(std::move(record));
  return {};
}

}  // namespace

Result<std::vector<ServiceRecord>> decode_service_records(std::string_view message) {
  if (message.size() > kDnsMessageBytesMax) return fail(Code::too_large, "a DNS answer of {} bytes", message.size());
  DnsReader in(message);
  FP_CHECK(in.u16());
  FP_TRY(flags, in.u16());
  FP_TRY(questions, in.u16());
  FP_TRY(answers, in.u16());
  FP_CHECK(in.skip(4));  // authorities and additional records are not of interest
  if ((flags & 0x8000) == 0) return fail(Code::invalid, "a DNS question in place of an answer");
  if ((flags & 0xF) == kNoSuchName) return fail(Code::not_found, "DNS knows no such name");
  if ((flags & 0xF) != 0) return fail(Code::unavailable, "DNS answered with error {}", flags & 0xF);
  if (static_cast<std::size_t>(questions) + static_cast<std::size_t>(answers) > kDnsRecordsMax) {
    return fail(Code::too_large, "a DNS answer of more than {} records", kDnsRecordsMax);
  }
  for (int n = 0; n < questions; ++n) {
    FP_CHECK(in.name());
    FP_CHECK(in.skip(4));
  }
  std::vector<ServiceRecord> out;
  for (int n = 0; n < answers; ++n) FP_CHECK(read_record(in, out));
  return out;
}

std::string management_point_record(std::string_view site_code, std::string_view suffix) {
  return fmt::format("_mssms_mp_{}._tcp.{}", lower(site_code), suffix);
}

}  // namespace fp::wire
