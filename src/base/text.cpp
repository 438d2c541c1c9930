#include "base/text.hpp"

#include <array>
#include <charconv>
#include <cstring>

namespace fp {
namespace {

constexpr char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }
constexpr char to_upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }
constexpr bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr std::array<signed char, 256> make_hex_values() {
  std::array<signed char, 256> table{};
  table.fill(-1);
  for (int i = 0; i < 10; ++i) table[static_cast<std::size_t>('0' + i)] = static_cast<signed char>(i);
  for (int i = 0; i < 6; ++i)
    table[static_cast<std::size_t>('a' + i)] = table[static_cast<std::size_t>('A' + i)] = static_cast<signed char>(10 + i);
  return table;
}
constexpr auto kHexValues = make_hex_values();
constexpr int hex_value(char c) { return kHexValues[static_cast<unsigned char>(c)]; }

std::string hex_with(std::string_view bytes, const char* digits) {
  std::string out(bytes.size() * 2, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto b = static_cast<unsigned char>(bytes[i]);
    out[2 * i] = digits[b >> 4];
    out[2 * i + 1] = digits[b & 15];
  }
  return out;
}

void put_utf16(std::string& out, char32_t c) {
  const auto unit = [&](unsigned u) {
    out.push_back(static_cast<char>(u & 0xFF));
    out.push_back(static_cast<char>(u >> 8));
  };
  if (c < 0x10000) return unit(static_cast<unsigned>(c));
  c -= 0x10000;
  unit(0xD800 + static_cast<unsigned>(c >> 10));
  unit(0xDC00 + static_cast<unsigned>(c & 0x3FF));
}

void put_utf8(std::string& out, char32_t c) {
  const auto put = [&](unsigned v) { out.push_back(static_cast<char>(v)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | (c >> 6));
  } else if (c < 0x10000) {
    put(0xE0 | (c >> 12));
    put(0x80 | ((c >> 6) & 0x3F));
  } else {
    put(0xF0 | (c >> 18));
    put(0x80 | ((c >> 12) & 0x3F));
    put(0x80 | ((c >> 6) & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

// How many characters at the front are ASCII: nearly all text on the wire is, and it needs no decoding.
std::size_t ascii_prefix(std::string_view text) {
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    if ((word & 0x8080808080808080U) != 0) break;
  }
  while (i < text.size() && static_cast<unsigned char>(text[i]) < 0x80) ++i;
  return i;
}

// Units of UTF-16LE at the front that are ASCII: four at a time, then one by one.
std::size_t plain_units(std::string_view bytes) {
  std::size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, 8);
    if ((word & 0xFF80FF80FF80FF80U) != 0) break;
  }
  while (i + 2 <= bytes.size() && static_cast<unsigned char>(bytes[i]) < 0x80 && bytes[i + 1] == '\0') i += 2;
  return i / 2;
}

// Takes one code point off the front; returns false for a malformed one (and takes one byte).
bool next_utf8(std::string_view& rest, char32_t& c) {
  const auto b0 = static_cast<unsigned char>(rest[0]);
  int more = b0 < 0x80 ? 0 : b0 >= 0xC2 && b0 < 0xE0 ? 1 : b0 >= 0xE0 && b0 < 0xF0 ? 2 : b0 >= 0xF0 && b0 < 0xF5 ? 3 : -1;
  if (more < 0 || rest.size() <= static_cast<std::size_t>(more)) {
    rest.remove_prefix(1);
    return false;
  }
  c = more == 0 ? b0 : b0 & (0x3F >> more);
  for (int i = 1; i <= more; ++i) {
    const auto b = static_cast<unsigned char>(rest[static_cast<std::size_t>(i)]);
    if ((b & 0xC0) != 0x80) {
      rest.remove_prefix(1);
      return false;
    }
    c = (c << 6) | (b & 0x3F);
  }
  const bool bad = (more == 2 && c < 0x800) || (more == 3 && c < 0x10000) || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000);
  rest.remove_prefix(bad ? 1 : static_cast<std::size_t>(more) + 1);
  return !bad;
}

constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_lower(c);
  return out;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = to_upper(c);
  return out;
}

bool iequals(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

bool istarts_with(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && iequals(text.substr(0, prefix.size()), prefix);
}

bool icontains(std::string_view text, std::string_view part) {
  for (std::size_t i = 0; i + part.size() <= text.size(); ++i)
    if (iequals(text.substr(i, part.size()), part)) return true;
  return false;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Result<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty())
    return fail(Code::invalid, "not a whole number: {:.40}", text);
  return value;
}

std::string hex(std::string_view bytes) { return hex_with(bytes, "0123456789ABCDEF"); }
std::string hex_lower(std::string_view bytes) { return hex_with(bytes, "0123456789abcdef"); }

Result<std::string> unhex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(Code::invalid, "hex text of odd length {}", text.size());
  std::string out(text.size() / 2, '\0');
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return fail(Code::invalid, "not hex at character {}", 2 * i);
    out[i] = static_cast<char>(high * 16 + low);
  }
  return out;
}

std::string base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
    unsigned v = 0;
    for (std::size_t k = 0; k < 3; ++k) v = (v << 8) | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= n ? kBase64[(v >> (18 - 6 * k)) & 63] : '=');
  }
  return out;
}

Result<std::string> unbase64(std::string_view text) {
  std::string out;
  unsigned value = 0;
  int bits = 0, padding = 0;
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const auto at = kBase64.find(c);
    if (at == std::string_view::npos || padding > 0) return fail(Code::invalid, "not base64");
    value = (value << 6) | static_cast<unsigned>(at);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push_back(static_cast<char>((value >> bits) & 0xFF));
    }
  }
  if (padding > 2 || bits >= 6) return fail(Code::invalid, "base64 ends in the middle");
  return out;
}

std::string to_utf16le(std::string_view utf8) {
  std::string out;
  const auto plain = ascii_prefix(utf8);
  out.reserve(utf8.size() * 2);
  out.resize(plain * 2);
  char* const wide = out.data();
  const char* const narrow = utf8.data();
  for (std::size_t i = 0; i < plain; ++i) wide[2 * i] = narrow[i];
  utf8.remove_prefix(plain);
  while (!utf8.empty()) {
    char32_t c = 0;
    put_utf16(out, next_utf8(utf8, c) ? c : U'\uFFFD');
  }
  return out;
}

Result<std::string> from_utf16le(std::string_view bytes) {
  if (bytes.size() % 2 != 0) return fail(Code::invalid, "UTF-16 text of odd length {}", bytes.size());
  const auto unit = [&](std::size_t i) {
    return static_cast<char32_t>(static_cast<unsigned char>(bytes[i]) | (static_cast<unsigned char>(bytes[i + 1]) << 8));
  };
  std::size_t i = bytes.size() >= 2 && unit(0) == 0xFEFF ? 2 : 0;
  const std::size_t plain = plain_units(bytes.substr(i));
  std::string out(plain, '\0');
  char* const narrow = out.data();
  const char* const wide = bytes.data() + i;
  for (std::size_t n = 0; n < plain; ++n) narrow[n] = wide[2 * n];
  i += 2 * plain;
  for (; i < bytes.size(); i += 2) {
    char32_t c = unit(i);
    if (c >= 0xDC00 && c < 0xE000) return fail(Code::invalid, "unpaired surrogate at byte {}", i);
    if (c >= 0xD800 && c < 0xDC00) {
      if (i + 3 >= bytes.size()) return fail(Code::invalid, "unpaired surrogate at byte {}", i);
      const char32_t low = unit(i + 2);
      if (low < 0xDC00 || low >= 0xE000) return fail(Code::invalid, "unpaired surrogate at byte {}", i);
      c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
      i += 2;
    }
    put_utf8(out, c);
  }
  return out;
}

bool is_utf8(std::string_view bytes) {
  char32_t c = 0;
  for (bytes.remove_prefix(ascii_prefix(bytes)); !bytes.empty(); bytes.remove_prefix(ascii_prefix(bytes)))
    if (!next_utf8(bytes, c)) return false;
  return true;
}

std::string percent_encode_path(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' || c == '-' ||
                      c == '_' || c == '.' || c == '~' || c == '$';
    if (keep) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<std::string> percent_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Code::invalid, "broken percent-encoding at character {}", i);
    out.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return out;
}

std::string xml_escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&apos;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

}  // namespace fp
