#include "wire/plain_text.hpp"

#include "base/text.hpp"

namespace fp::wire {

std::string plain_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    const auto next = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
    const auto third = at + 2 < text.size() ? static_cast<unsigned char>(text[at + 2]) : 0U;
    const bool c1 = c == 0xC2 && next >= 0x80 && next <= 0x9F;
    const bool turns = c == 0xE2 && ((next == 0x80 && third >= 0xAA && third <= 0xAE) || (next == 0x81 && third >= 0xA6 && third <= 0xA9));
    if (c1 || turns) at += c1 ? 1 : 2;
    out += c < 0x20 || c == 0x7F || c1 || turns ? ' ' : text[at];
  }
  while (!out.empty() && !is_utf8(out)) out.pop_back();  // what was cut in the middle of a character
  return std::string(trim(out));
}

}  // namespace fp::wire
