// SOAP 1.1 around the conversation of a scan. Private to wsus.cpp and wsus_reply.cpp.
#pragma once
#include "wire/wsus.hpp"
#include "wire/xml.hpp"

namespace fp::wire::wsus {

struct Soap {
  XmlDocument document;
  XmlNode inside;                      // the first element of the body
};
[[nodiscard]] Result<Soap> open_soap(std::string_view body, std::size_t bytes_max);
// The same of a reply; Code::invalid: another one.
[[nodiscard]] Result<Soap> open_reply(std::string_view body, std::string_view name);
[[nodiscard]] XmlWriter begin_soap();  // what is open is closed by take()

[[nodiscard]] std::string_view namespace_of(Service service);
[[nodiscard]] Result<std::string> read_opaque(const XmlNode& node);  // base64, within kCookieBytesMax
[[nodiscard]] Result<Cookie> read_cookie(const XmlNode& node);
void write_cookie(XmlWriter& x, std::string_view name, const Cookie& cookie);

}  // namespace fp::wire::wsus
