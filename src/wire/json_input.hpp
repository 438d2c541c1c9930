// Reading JSON objects from the network, for codecs of this room whose values are not model types of model_json.hpp.
// Any thread; pure. Include it in .cpp files only: Boost.JSON is slow to compile.
#pragma once
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace fp::wire {

// Code::invalid: not one JSON object (32 levels deep at most); Code::too_large: over bytes_max.
[[nodiscard]] Result<boost::json::object> json_input(std::string_view text, std::size_t bytes_max);

// A member of an object; Code::invalid naming it if absent or of another type.
[[nodiscard]] Result<std::string> json_string(const boost::json::object& object, std::string_view name);
[[nodiscard]] Result<std::int64_t> json_int(const boost::json::object& object, std::string_view name);  // not negative
[[nodiscard]] Result<const boost::json::array*> json_array(const boost::json::object& object, std::string_view name);
[[nodiscard]] Result<const boost::json::object*> json_object(const boost::json::value& value, std::string_view what);

// 64 hex digits in lower case. Code::invalid naming `what`.
[[nodiscard]] Status check_sha256(std::string_view text, std::string_view what);

}  // namespace fp::wire
