#include "cli/publish.hpp"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

namespace fp::cli {

const std::vector<std::string_view>& strict_headers_mp() {
  static const std::vector<std::string_view> names{
      "range", "ccmclientid", "ccmclientidsignature", "ccmclienttimestamp", "ccmclienttimestampssignature",  // the seed's
      "host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection",
      "accept", "user-agent", "authorization",  // plain HTTP
      "bits-packet-type", "bits-supported-protocols", "bits-session-id", "content-name", "content-range"};  // [MC-BUP]
  return names;
}

const std::vector<std::string_view>& strict_headers_dp() {
  static const std::vector<std::string_view> names{"range", "host", "content-type", "content-length", "transfer-encoding", "connection"};
  return names;
}

const std::vector<std::string_view>& strict_headers_sup() {
  static const std::vector<std::string_view> names{"soapaction", "host", "content-type", "content-length", "transfer-encoding", "connection",
                                                   "accept", "accept-encoding", "user-agent"};
  return names;
}

const std::string& only_backend(const PublishedHost& host) { return !host.mp.empty() ? host.mp : !host.dp.empty() ? host.dp : host.sup; }

std::string filled(std::string_view text, const std::vector<std::pair<std::string_view, std::string>>& values) {
  std::string out;
  while (!text.empty()) {
    const auto at = text.find('@');
    out += text.substr(0, at);
    if (at == std::string_view::npos) break;
    text.remove_prefix(at);
    const auto end = text.find('@', 1);
    const auto name = end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
    const auto known = std::ranges::find(values, name, &std::pair<std::string_view, std::string>::first);
    if (known == values.end()) {
      out += '@';
      text.remove_prefix(1);
      continue;
    }
    out += known->second;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string label_of(const PublishedHost& host) {
  std::string out;
  for (const char c : host.name) out += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return fmt::format("{}_{}", out, host.port);
}

std::set<int> ports_of(const std::vector<PublishedHost>& hosts) {
  std::set<int> ports;
  for (const auto& host : hosts) ports.insert(host.port);
  return ports;
}

}  // namespace fp::cli
