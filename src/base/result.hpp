// Errors as values. Result<T> is std::expected<T, Error>; an Error gains context as it rises and ends in one sentence.
// Any thread. Costs nothing on the good path. Never thrown.
#pragma once
#include <fmt/format.h>

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace fp {

enum class Code {
  invalid,          // the input is wrong: say what and where
  unauthenticated,  // no proof of identity, or one that does not hold
  forbidden,        // known, and not allowed
  not_found,
  conflict,     // exists, or was changed by somebody else
  too_large,    // over a named limit
  unavailable,  // try again later
  timed_out,
  corrupt,  // stored or received data is not what its hash or format says
  io,       // the operating system said no
  internal,
};

[[nodiscard]] std::string_view to_string(Code code);

struct Error {
  Code code = Code::internal;
  std::string message;

  // "reading policy body: no such file" : what was being done, then what went wrong.
  [[nodiscard]] Error with_context(std::string_view doing) const {
    return Error{code, fmt::format("{}: {}", doing, message)};
  }
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

template <class... Args>
[[nodiscard]] std::unexpected<Error> fail(Code code, fmt::format_string<Args...> text, Args&&... args) {
  return std::unexpected(Error{code, fmt::format(text, std::forward<Args>(args)...)});
}

// fail(Code::io, ...) with errno's own words at the end.
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view doing, std::string_view path = {});

}  // namespace fp

#define FP_CONCAT_INNER(a, b) a##b
#define FP_CONCAT(a, b) FP_CONCAT_INNER(a, b)

// FP_TRY(value, expression): declares `value` from a Result, or returns its error.
#define FP_TRY(decl, ...) FP_TRY_NAMED(FP_CONCAT(fp_try_, __COUNTER__), decl, __VA_ARGS__)
#define FP_TRY_NAMED(tmp, decl, ...)                           \
  auto tmp = (__VA_ARGS__);                                    \
  if (!tmp) return std::unexpected(std::move(tmp).error());    \
  auto decl = std::move(*tmp)

// FP_CHECK(expression): returns the error of a Result whose value is not wanted.
#define FP_CHECK(...)                                                                         \
  do {                                                                                        \
    if (auto fp_checked = (__VA_ARGS__); !fp_checked)                                         \
      return std::unexpected(std::move(fp_checked).error());                                  \
  } while (false)
