#include "wire/directory/dns.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/directory/dns_reader.hpp"

namespace fp::wire {
namespace {

constexpr int kTypeSrv = 33, kClassInternet = 1, kNoSuchName = 3;
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
  if (site_code.empty()) return fmt::format("_mssms_mp._tcp.{}", suffix);
  return fmt::format("_mssms_mp_{}._tcp.{}", lower(site_code), suffix);
}

std::string domain_controller_record(std::string_view domain) { return fmt::format("_ldap._tcp.dc._msdcs.{}", domain); }

}  // namespace fp::wire
