#include "wire/ini.hpp"

#include "base/text.hpp"

namespace fp::wire {
namespace {

constexpr std::int64_t kFiletimeOfUnixEpochMs = 11'644'473'600'000;  // 1601-01-01 to 1970-01-01

std::string encode_ids(std::string_view section, const std::vector<std::string>& ids) {
  std::string out = fmt::format("[{}]\r\n", section);
  for (const auto& id : ids) out += id + "=\r\n";
  return out;
}

}  // namespace

std::string encode_file_ini(const FileIni& file) {
  return fmt::format("[File]\r\nAttributes={:x}\r\nTimeModified={}\r\nSize={}\r\nHash={}\r\n", file.attributes,
                     (file.modified.ms + kFiletimeOfUnixEpochMs) * 10'000, file.size_bytes, upper(file.sha256));
}

Result<FileIni> decode_file_ini(std::string_view text) {
  FP_TRY(sections, decode_ini(text));
  for (const auto& section : sections) {
    if (!iequals(section.name, "File")) continue;
    FileIni out;
    for (const auto& [name, value] : section.values) {
      if (iequals(name, "Size")) {
        FP_TRY(size, parse_int(value));
        out.size_bytes = size;
      } else if (iequals(name, "TimeModified")) {
        FP_TRY(filetime, parse_int(value));
        out.modified = {filetime / 10'000 - kFiletimeOfUnixEpochMs};
      } else if (iequals(name, "Hash")) {
        FP_TRY(bytes, unhex(value));
        out.sha256 = hex_lower(bytes);
      }
    }
    if (out.size_bytes < 0 || out.sha256.size() != 64) return fail(Code::invalid, "[File] without a good Size and Hash");
    return out;
  }
  return fail(Code::invalid, "no [File] section");
}

std::string encode_users_ini(const std::vector<std::string>& content_ids) { return encode_ids("Users", content_ids); }

std::string encode_package_ini(const std::vector<std::string>& content_ids) { return encode_ids("Packages", content_ids); }

Result<std::vector<IniSection>> decode_ini(std::string_view text) {
  if (text.size() > kIniBytesMax) return fail(Code::too_large, "an INI file of {} bytes", text.size());
  std::vector<IniSection> out;
  for (const auto raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == ';') continue;
    if (line.front() == '[') {
      if (line.back() != ']') return fail(Code::invalid, "INI: a section head that does not end: {:.60}", line);
      out.push_back({std::string(trim(line.substr(1, line.size() - 2))), {}});
      continue;
    }
    if (out.empty()) return fail(Code::invalid, "INI: a value outside a section: {:.60}", line);
    const auto equals = line.find('=');
    const std::string_view name = trim(line.substr(0, equals));
    const std::string_view value = equals == std::string_view::npos ? std::string_view{} : trim(line.substr(equals + 1));
    out.back().values.emplace_back(name, value);
  }
  return out;
}

}  // namespace fp::wire
