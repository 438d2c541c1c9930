#include "base/result.hpp"

#include <cerrno>
#include <cstring>

namespace fp {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::invalid: return "invalid";
    case Code::unauthenticated: return "unauthenticated";
    case Code::forbidden: return "forbidden";
    case Code::not_found: return "not found";
    case Code::conflict: return "conflict";
    case Code::too_large: return "too large";
    case Code::unavailable: return "unavailable";
    case Code::timed_out: return "timed out";
    case Code::corrupt: return "corrupt";
    case Code::io: return "input/output";
    case Code::internal: return "internal";
  }
  return "internal";
}

std::unexpected<Error> fail_errno(std::string_view doing, std::string_view path) {
  const int number = errno;
  const Code code = number == ENOENT ? Code::not_found : number == EACCES ? Code::forbidden : Code::io;
  if (path.empty()) return fail(code, "{}: {}", doing, std::strerror(number));
  return fail(code, "{} {}: {}", doing, path, std::strerror(number));
}

}  // namespace fp
