// The codecs of model_json.hpp for rooms that compose larger JSON answers and so include Boost.JSON themselves (admin API,
// storage). Any thread; pure. Include it in .cpp files only: Boost.JSON is slow to compile.
#pragma once
#include <boost/json/value.hpp>

#include "wire/model_json.hpp"

namespace fp::wire {

// trusted: what we wrote ourselves (storage); form is checked, the limits of domain.md are not.
enum class Strictness { full, trusted };

// X: any type of model_json.hpp, and vectors of them, DeploymentType, DetectionRule, Requirement, Program,
// CollectionRule, CollectionVariable, MaintenanceWindow, std::string
// (the list stands at the end of model_json.cpp).
template <class X>
[[nodiscard]] boost::json::value to_value(const X& value, Secrets secrets = Secrets::hidden);
// The path of a mistake begins with `path`, where given.
template <class X>
[[nodiscard]] Result<X> from_value(const boost::json::value& value, Strictness strictness = Strictness::full,
                                   std::string_view path = {});

// Text of the same, for storage; within limits::kAdminBodyBytesMax unless trusted.
template <class X>
[[nodiscard]] std::string to_text(const X& value, Secrets secrets = Secrets::hidden);
template <class X>
[[nodiscard]] Result<X> from_text(std::string_view text, Strictness strictness = Strictness::full);

}  // namespace fp::wire
