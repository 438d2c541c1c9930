// Words, numbers, texts and signs of a WQL query, each with its column. Private to this room; pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace fp::collection {

struct WqlToken {
  enum Kind { word, number, text, sign, end } kind = end;
  std::string value;       // a text without its quotes; a word as written
  std::size_t column = 1;  // bytes, from 1
};

// The last token is `end`. Code::invalid: a quote without its end, a character that belongs to nothing, or a limit.
[[nodiscard]] Result<std::vector<WqlToken>> lex_wql(std::string_view text);

}  // namespace fp::collection
