// Texts of strangers that a person will read on a terminal. Any thread; pure; one pass.
#pragma once
#include <string>
#include <string_view>

namespace fp::wire {

// Control characters and those that turn the direction of writing become spaces; without white space at the ends.
[[nodiscard]] std::string plain_text(std::string_view text);

}  // namespace fp::wire
