#include "packages/fileset_record.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"

namespace fp::packages {
namespace {

constexpr std::string_view kHead = "farpoint-fileset 1";

Result<std::string> path_of(std::string_view text) {
  FP_TRY(decoded, percent_decode(text));
  return parse_relative_path(decoded);
}

}  // namespace

std::string encode(const FilesetRecord& record) {
  std::string out = fmt::format("{}\nT {}\n", kHead, percent_encode_path(record.target));
  for (const auto& folder : record.folders) out += fmt::format("D {}\n", percent_encode_path(folder));
  for (const auto& file : record.files) out += fmt::format("F {} {}\n", file.sha256, percent_encode_path(file.path));
  return out;
}

Result<FilesetRecord> decode_fileset(std::string_view text) {
  FilesetRecord out;
  const auto wrong = [] { return fail(Code::corrupt, "the record of a fileset is damaged"); };
  const auto lines = split(text, '\n');
  if (lines.size() < 3 || lines[0] != kHead || !lines.back().empty()) return wrong();
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const auto fields = split(lines[i], ' ');
    if (fields.size() == 2 && fields[0] == "T") {
      FP_TRY(target, percent_decode(fields[1]));
      out.target = target;
    } else if (fields.size() == 2 && fields[0] == "D") {
      FP_TRY(path, path_of(fields[1]));
      out.folders.push_back(path);
    } else if (fields.size() == 3 && fields[0] == "F" && fields[1].size() == 64) {
      FP_TRY(path, path_of(fields[2]));
      out.files.push_back({path, std::string(fields[1])});
    } else {
      return wrong();
    }
  }
  if (!out.target.starts_with('/')) return wrong();
  return out;
}

}  // namespace fp::packages
