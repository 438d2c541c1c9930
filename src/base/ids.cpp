#include "base/ids.hpp"

#include "base/text.hpp"

namespace fp {
namespace {

bool is_alnum(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); }

bool is_guid(std::string_view t) {
  if (t.size() != 36) return false;
  for (std::size_t i = 0; i < 36; ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? t[i] != '-' : !is_hex(t[i])) return false;
  }
  return true;
}

bool is_object_id(std::string_view t) {
  if (t.size() != 8) return false;
  for (std::size_t i = 0; i < 8; ++i)
    if (i < 3 ? !is_alnum(t[i]) : !is_hex(t[i])) return false;
  return true;
}

}  // namespace

Result<std::string> parse_site_code(std::string_view text) {
  if (text.size() != 3 || !is_alnum(text[0]) || !is_alnum(text[1]) || !is_alnum(text[2]))
    return fail(Code::invalid, "not a site code (three letters or digits): {:.20}", text);
  return upper(text);
}

Result<std::string> parse_guid(std::string_view text) {
  std::string_view t = text;
  if (t.size() == 38 && t.front() == '{' && t.back() == '}') t = t.substr(1, 36);
  if (!is_guid(t)) return fail(Code::invalid, "not a GUID: {:.50}", text);
  return upper(t);
}

Result<std::string> parse_client_id(std::string_view text) {
  std::string_view t = text;
  if (istarts_with(t, "GUID:")) t.remove_prefix(5);
  if (!is_guid(t)) return fail(Code::invalid, "not a client id (GUID:...): {:.50}", text);
  return "GUID:" + upper(t);
}

Result<std::string> parse_object_id(std::string_view text) {
  if (!is_object_id(text)) return fail(Code::invalid, "not an object id (site code and five hex digits): {:.20}", text);
  return upper(text);
}

Result<std::string> parse_content_id(std::string_view text) {
  std::string_view t = text;
  if (istarts_with(t, "UID:")) t.remove_prefix(4);
  const auto bad = [&] { return fail(Code::invalid, "not a content id: {:.60}", text); };
  const auto dot = t.find('.');
  const std::string_view id = t.substr(0, dot);
  std::string version;
  if (dot != std::string_view::npos) {
    const std::string_view v = t.substr(dot + 1);
    if (v.empty() || v.size() > 6 || v.find_first_not_of("0123456789") != std::string_view::npos || v[0] == '0') return bad();
    version = "." + std::string(v);
  }
  if (is_object_id(id)) return upper(id) + version;
  if (istarts_with(id, "Content_") && is_guid(id.substr(8))) return "Content_" + lower(id.substr(8)) + version;
  if (is_guid(id)) return lower(id) + version;
  return bad();
}

Result<std::string> parse_name(std::string_view text, std::size_t chars_max) {
  text = trim(text);
  if (text.empty()) return fail(Code::invalid, "a name must not be empty");
  if (text.size() > chars_max) return fail(Code::too_large, "a name of {} bytes, {} at most", text.size(), chars_max);
  if (!is_utf8(text)) return fail(Code::invalid, "a name that is not UTF-8");
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return fail(Code::invalid, "a name with a control character");
  return std::string(text);
}

Result<std::string> parse_host(std::string_view text) {
  if (text.empty() || text.size() > 253) return fail(Code::invalid, "not a host name: {:.60}", text);
  for (const char c : text)
    if (!is_alnum(c) && c != '-' && c != '.' && c != ':' && c != '_') return fail(Code::invalid, "not a host name: {:.60}", text);
  return lower(text);
}

Result<std::string> parse_relative_path(std::string_view text) {
  if (text.empty() || text.size() > 4096) return fail(Code::invalid, "not a relative path: {:.60}", text);
  if (text.find('\0') != std::string_view::npos || text.find('\\') != std::string_view::npos || !is_utf8(text))
    return fail(Code::invalid, "a path with a character that no path may have");
  for (const auto part : split(text, '/'))
    if (part.empty() || part == "." || part == ".." || part.size() > 255)
      return fail(Code::invalid, "not a relative path: {:.60}", text);
  return std::string(text);
}

std::string new_guid(Random& random) {
  std::string bytes = random.bytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0F) | 0x40);
  bytes[8] = static_cast<char>((bytes[8] & 0x3F) | 0x80);
  const std::string h = hex(bytes);
  return fmt::format("{}-{}-{}-{}-{}", h.substr(0, 8), h.substr(8, 4), h.substr(12, 4), h.substr(16, 4), h.substr(20));
}

std::string new_client_id(Random& random) { return "GUID:" + new_guid(random); }

ContentName split_content_id(std::string_view canonical) {
  const auto dot = canonical.find('.');
  if (dot == std::string_view::npos) return {std::string(canonical), 0};
  const auto version = parse_int(canonical.substr(dot + 1));
  return {std::string(canonical.substr(0, dot)), version ? static_cast<int>(*version) : 0};
}

}  // namespace fp
