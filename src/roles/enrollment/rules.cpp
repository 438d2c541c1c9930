#include "roles/enrollment/rules.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::enrollment {

Result<std::string> requested_name(const pki::SigningRequest& request) {
  constexpr std::size_t kCommonNameMax = 64;  // RFC 5280
  if (request.authority) return fail(Code::invalid, "the request is for an authority");
  for (const auto& purpose : request.ekus)
    if (purpose != pki::kEkuClientAuth) return fail(Code::invalid, "the request asks for the purpose {:.64}; only client authentication is issued", purpose);
  if (request.other_names || !request.ip_addresses.empty())
    return fail(Code::invalid, "the request asks for an address or another name than a DNS name");
  std::set<std::string> names;
  for (const auto& name : request.dns_names) names.insert(lower(name));
  if (!request.common_name.empty()) names.insert(lower(request.common_name));
  if (names.size() != 1) return fail(Code::invalid, "the request asks for {} names: one host name is issued, in subject and DNS name", names.size());
  auto name = parse_host(*names.begin());
  if (!name || name->find(':') != std::string::npos || name->find_first_not_of("0123456789.") == std::string::npos ||
      name->size() > kCommonNameMax)
    return fail(Code::invalid, "the request's name is no host name of at most {} characters", kCommonNameMax);
  return name;
}

Status may_have_name(std::string_view name, std::string_view pattern, const std::set<std::string>& taken) {
  if (taken.contains(std::string(name))) return fail(Code::forbidden, "{} is the name of a site system", name);
  if (pattern.empty() || iequals(name, pattern)) return {};
  if (pattern.starts_with("*.")) {
    const std::string_view domain = pattern.substr(1);
    const auto dot = name.find('.');
    if (dot != std::string_view::npos && dot > 0 && iequals(name.substr(dot), domain)) return {};
  }
  return fail(Code::forbidden, "{} is not a name that this token is good for ({})", name, pattern);
}

}  // namespace fp::enrollment
