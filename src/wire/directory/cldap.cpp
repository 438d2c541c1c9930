#include "wire/directory/cldap.hpp"

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/directory/dns_reader.hpp"

namespace fp::wire {
namespace {

constexpr unsigned char kInteger = 0x02, kOctets = 0x04, kEnumerated = 0x0A, kBoolean = 0x01, kSequence = 0x30, kSet = 0x31;
constexpr unsigned char kSearchRequest = 0x63, kSearchEntry = 0x64, kSearchDone = 0x65;
constexpr unsigned char kFilterAnd = 0xA0, kFilterEquals = 0xA3;
constexpr int kLogonResponse = 23, kLogonUserUnknown = 25;  // the extended forms, which NtVer 6 asks for
constexpr std::size_t kNamesAt = 24;                        // behind operation, flags and the domain's GUID

std::string tagged(unsigned char tag, std::string_view content) {
  std::string out(1, static_cast<char>(tag));
  if (content.size() < 0x80) {
    out += static_cast<char>(content.size());
  } else {
    out += '\x82';
    out += static_cast<char>(content.size() >> 8 & 0xFF);
    out += static_cast<char>(content.size() & 0xFF);
  }
  return out.append(content);
}

std::string octets(std::string_view text) { return tagged(kOctets, text); }
std::string integer(int value) {
  std::string bytes;
  for (const int shift : {24, 16, 8, 0})
    if (!bytes.empty() || value >> shift > 0 || shift == 0) bytes += static_cast<char>(value >> shift & 0xFF);
  if ((bytes[0] & 0x80) != 0) bytes.insert(0, 1, '\0');
  return tagged(kInteger, bytes);
}

// Takes elements off the front of what is left.
class Ber {
 public:
  explicit Ber(std::string_view bytes) : rest_(bytes) {}
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool is(unsigned char tag) const { return !rest_.empty() && static_cast<unsigned char>(rest_[0]) == tag; }

  Result<std::string_view> take(unsigned char tag) {
    if (!is(tag)) return fail(Code::invalid, "an LDAP answer with another element than {:#x}", tag);
    if (rest_.size() < 2) return fail(Code::invalid, "an LDAP answer that ends in the middle");
    std::size_t length = static_cast<unsigned char>(rest_[1]), head = 2;
    if (length >= 0x80) {
      const std::size_t count = length & 0x7F;
      if (count == 0 || count > 4 || rest_.size() < 2 + count) return fail(Code::invalid, "an LDAP answer with a bad length");
      length = 0;
      for (; head < 2 + count; ++head) length = length << 8 | static_cast<unsigned char>(rest_[head]);
    }
    if (length > rest_.size() - head) return fail(Code::invalid, "an LDAP answer that ends in the middle");
    const auto content = rest_.substr(head, length);
    rest_.remove_prefix(head + length);
    return content;
  }

 private:
  std::string_view rest_;
};

// Some servers fill numbers up with zeros, so the value counts.
bool is_number(std::string_view bytes, int wanted) {
  if (bytes.empty() || bytes.size() > 4) return false;
  std::int64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value == wanted;
}

unsigned little_endian(std::string_view bytes, std::size_t at, int count) {
  unsigned value = 0;
  for (int i = count - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

Result<DirectoryPing> read_netlogon(std::string_view value) {
  if (value.size() < kNamesAt) return fail(Code::invalid, "a netlogon value of {} bytes", value.size());
  const auto operation = static_cast<int>(little_endian(value, 0, 2));
  if (operation != kLogonResponse && operation != kLogonUserUnknown)
    return fail(Code::invalid, "a netlogon value of the kind {}", operation);
  DirectoryPing ping;
  ping.flags = little_endian(value, 4, 4);
  DnsReader names(value, kNamesAt);
  FP_TRY(forest, names.name());
  FP_TRY(domain, names.name());
  FP_TRY(controller, names.name());
  for (int skipped = 0; skipped < 4; ++skipped) FP_CHECK(names.name());  // NetBIOS names, user, the controller's own site
  FP_TRY(site, names.name());
  FP_TRY(forest_name, parse_host(forest));
  FP_TRY(domain_name, parse_host(domain));
  FP_TRY(controller_name, parse_host(controller));
  if (!site.empty()) FP_CHECK(parse_name(site, 64));
  ping.forest = std::move(forest_name);
  ping.domain = std::move(domain_name);
  ping.controller = std::move(controller_name);
  ping.client_site = std::move(site);
  return ping;
}

Result<DirectoryPing> read_entry(std::string_view entry) {
  Ber fields(entry);
  FP_CHECK(fields.take(kOctets));  // the name of the entry: empty
  FP_TRY(list, fields.take(kSequence));
  Ber attributes(list);
  while (!attributes.at_end()) {
    FP_TRY(attribute, attributes.take(kSequence));
    Ber parts(attribute);
    FP_TRY(name, parts.take(kOctets));
    FP_TRY(values, parts.take(kSet));
    if (!iequals(name, "netlogon")) continue;
    FP_TRY(value, Ber(values).take(kOctets));
    return read_netlogon(value);
  }
  return fail(Code::not_found, "an LDAP answer without a netlogon value");
}

}  // namespace

std::string encode_directory_ping(std::string_view domain, int message_id) {
  const std::string version("\x06\x00\x00\x00", 4);  // extended answers, with the names in full
  const std::string filter = tagged(kFilterAnd, tagged(kFilterEquals, octets("DnsDomain") + octets(domain)) +
                                                    tagged(kFilterEquals, octets("NtVer") + octets(version)));
  const std::string search = octets("") + tagged(kEnumerated, std::string(1, '\0')) + tagged(kEnumerated, std::string(1, '\0')) +
                             integer(0) + integer(0) + tagged(kBoolean, std::string(1, '\0')) + filter +
                             tagged(kSequence, octets("Netlogon"));
  return tagged(kSequence, integer(message_id) + tagged(kSearchRequest, search));
}

Result<DirectoryPing> decode_directory_ping(std::string_view datagram, int message_id) {
  if (datagram.size() > kDirectoryPingBytesMax) return fail(Code::too_large, "an LDAP answer of {} bytes", datagram.size());
  Ber messages(datagram);
  while (!messages.at_end()) {  // entry and end of the search come in one datagram
    FP_TRY(message, messages.take(kSequence));
    Ber parts(message);
    FP_TRY(id, parts.take(kInteger));
    if (!is_number(id, message_id)) return fail(Code::invalid, "an LDAP answer to another question");
    if (parts.is(kSearchDone)) break;
    FP_TRY(entry, parts.take(kSearchEntry));
    return read_entry(entry);
  }
  return fail(Code::not_found, "an LDAP answer without an entry: no domain controller of that domain");
}

}  // namespace fp::wire
