#include "net/http.hpp"

#include "base/text.hpp"

namespace fp::net {

std::string_view Request::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return value;
  return {};
}

bool Request::has_header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (iequals(key, name)) return true;
  return false;
}

Response Response::text(int status, std::string content_type, std::string body) {
  Response r;
  r.status = status;
  r.headers.emplace_back("Content-Type", std::move(content_type));
  r.body.emplace_back(std::move(body));
  return r;
}

}  // namespace fp::net
