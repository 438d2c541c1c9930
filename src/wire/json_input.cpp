#include "wire/json_input.hpp"

#include <boost/json/parse.hpp>

namespace fp::wire {

Result<boost::json::object> json_input(std::string_view text, std::size_t bytes_max) {
  if (text.size() > bytes_max) return fail(Code::too_large, "JSON of {} bytes, {} at most", text.size(), bytes_max);
  try {
    boost::system::error_code error;
    boost::json::value value = boost::json::parse(boost::json::string_view(text.data(), text.size()), error);
    if (error) return fail(Code::invalid, "not JSON: {}", error.message());
    if (!value.is_object()) return fail(Code::invalid, "JSON that is no object");
    return std::move(value.get_object());
  } catch (const std::exception& e) {
    return fail(Code::invalid, "not JSON: {}", e.what());
  }
}

Result<std::string> json_string(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (!value || !value->is_string()) return fail(Code::invalid, "no text \"{}\"", name);
  return std::string(value->get_string().data(), value->get_string().size());
}

Result<std::int64_t> json_int(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (!value || !value->is_int64() || value->get_int64() < 0) return fail(Code::invalid, "no number \"{}\"", name);
  return value->get_int64();
}

Result<const boost::json::array*> json_array(const boost::json::object& object, std::string_view name) {
  const auto* value = object.if_contains({name.data(), name.size()});
  if (!value || !value->is_array()) return fail(Code::invalid, "no list \"{}\"", name);
  return &value->get_array();
}

Result<const boost::json::object*> json_object(const boost::json::value& value, std::string_view what) {
  if (!value.is_object()) return fail(Code::invalid, "{} that is no object", what);
  return &value.get_object();
}

Status check_sha256(std::string_view text, std::string_view what) {
  if (text.size() != 64 || text.find_first_not_of("0123456789abcdef") != std::string_view::npos)
    return fail(Code::invalid, "{}: not a SHA-256 in lower-case hex", what);
  return {};
}

}  // namespace fp::wire
