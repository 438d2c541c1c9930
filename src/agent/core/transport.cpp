#include "agent/core/transport.hpp"

#include "base/text.hpp"

namespace fp::agent {

std::string_view Reply::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (iequals(key, name)) return value;
  }
  return {};
}

}  // namespace fp::agent
