// What an enrolment may be: decisions over values, each with its reason. Any thread; pure.
#pragma once
#include <set>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "pki/issue.hpp"

namespace fp::enrollment {

// The one host name that the request asks for, lower case. Code::invalid: none or several, another kind of name, a purpose that is not
// a client's, an authority. The key and its proof were checked when the request was parsed.
[[nodiscard]] Result<std::string> requested_name(const pki::SigningRequest& request);

// `pattern`: of the token; empty: any name. `taken`: names of site systems, which no client carries. Code::forbidden.
[[nodiscard]] Status may_have_name(std::string_view name, std::string_view pattern, const std::set<std::string>& taken);

}  // namespace fp::enrollment
