#include "pki/names.hpp"

#include <arpa/inet.h>

#include <array>
#include <ctime>

#include "base/text.hpp"
#include "crypto/openssl.hpp"

namespace fp::pki {
namespace {

constexpr std::pair<std::string_view, std::string_view> kAttributes[] = {
    {"DC", "0.9.2342.19200300.100.1.25"},
    {"E", "1.2.840.113549.1.9.1"},
    {"CN", "2.5.4.3"},
    {"SN", "2.5.4.4"},
    {"SERIALNUMBER", "2.5.4.5"},
    {"C", "2.5.4.6"},
    {"L", "2.5.4.7"},
    {"S", "2.5.4.8"},
    {"ST", "2.5.4.8"},
    {"STREET", "2.5.4.9"},
    {"O", "2.5.4.10"},
    {"OU", "2.5.4.11"},
    {"T", "2.5.4.12"},
    {"G", "2.5.4.42"},
    {"I", "2.5.4.43"},
    {"SAN", "2.5.29.17"},
};

}  // namespace

std::string dotted(const ASN1_OBJECT* object) {
  std::array<char, 128> text{};
  const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  if (size <= 0 || size >= static_cast<int>(text.size())) return {};
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string text_of(const X509_NAME* name) {
  const auto out = crypto::writing();
  constexpr unsigned long kFlags = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!out || X509_NAME_print_ex(out.get(), name, 0, kFlags) < 0) return {};
  return crypto::taken_from(out.get());
}

std::string utf8_of(const ASN1_STRING* string) {
  unsigned char* out = nullptr;
  const int size = ASN1_STRING_to_UTF8(&out, string);
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  std::string text(reinterpret_cast<char*>(out), static_cast<std::size_t>(size));
  OPENSSL_free(out);
  return is_utf8(text) ? text : std::string();
}

std::vector<std::pair<std::string, std::string>> attributes_of(const X509_NAME* name) {
  std::vector<std::pair<std::string, std::string>> out;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    out.emplace_back(dotted(X509_NAME_ENTRY_get_object(entry)), utf8_of(X509_NAME_ENTRY_get_data(entry)));
  }
  return out;
}

Result<Instant> instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return crypto::fail_openssl(Code::invalid, "malformed time");
  return Instant{static_cast<std::int64_t>(timegm(&parts)) * 1000};
}

std::string attribute_oid(std::string_view oid_or_name) {
  if (!oid_or_name.empty() && oid_or_name.find_first_not_of("0123456789.") == std::string_view::npos)
    return std::string(oid_or_name);
  for (const auto& [name, oid] : kAttributes)
    if (iequals(name, oid_or_name)) return std::string(oid);
  return {};
}

std::string address_bytes(std::string_view literal) {
  const std::string text(literal);
  if (text.find('\0') != std::string::npos) return {};
  std::string bytes(16, '\0');
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes.resize(4);
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1) return bytes;
  return {};
}

std::string address_text(std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (bytes.size() != 4 && bytes.size() != 16) return {};
  return inet_ntop(bytes.size() == 4 ? AF_INET : AF_INET6, bytes.data(), text.data(), text.size()) == nullptr ? "" : text.data();
}

}  // namespace fp::pki
