#include "wire/multipart.hpp"

#include "base/limits.hpp"
#include "base/text.hpp"

namespace fp::wire {
namespace {

Result<std::string> boundary_of(std::string_view content_type) {
  if (!istarts_with(trim(content_type), "multipart/")) return fail(Code::invalid, "not multipart: {:.80}", content_type);
  for (std::string_view parameter : split(content_type, ';')) {
    parameter = trim(parameter);
    if (!istarts_with(parameter, "boundary=")) continue;
    std::string_view value = trim(parameter.substr(9));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    if (value.empty() || value.size() > 70) break;
    return std::string(value);
  }
  return fail(Code::invalid, "multipart without a boundary of 1 to 70 characters");
}

struct Delimiter {
  std::size_t begin = std::string_view::npos;  // of the CRLF that belongs to it
  std::size_t end = 0;                         // behind its line
  bool last = false;
};

// The next delimiter line from `from` on. Compressed bytes may hold anything, so what follows the boundary is looked at too.
Delimiter next_delimiter(std::string_view body, std::string_view dashed, std::size_t from) {
  for (std::size_t at = body.find(dashed, from); at != std::string_view::npos; at = body.find(dashed, at + 1)) {
    const bool first_line = at == 0;
    if (!first_line && (at < 2 || body.substr(at - 2, 2) != "\r\n" || at - 2 < from)) continue;
    const std::size_t begin = first_line ? 0 : at - 2;
    const std::size_t behind = at + dashed.size();
    if (body.substr(behind, 2) == "--") return {begin, behind + 2, true};
    std::size_t line = behind;
    while (line < body.size() && (body[line] == ' ' || body[line] == '\t')) ++line;
    if (body.substr(line, 2) == "\r\n") return {begin, line + 2, false};
  }
  return {};
}

}  // namespace

Result<std::vector<std::string_view>> parse_multipart(std::string_view content_type, std::string_view body) {
  FP_TRY(boundary, boundary_of(content_type));
  const std::string dashed = "--" + boundary;
  std::vector<std::string_view> parts;
  Delimiter here = next_delimiter(body, dashed, 0);
  if (here.begin == std::string_view::npos) return fail(Code::invalid, "multipart without its boundary");
  while (!here.last) {
    // A part without part headers begins with the blank line, whose CRLF is that of the delimiter's own line.
    const std::size_t blank = body.find("\r\n\r\n", here.end - 2);
    if (blank == std::string_view::npos) return fail(Code::invalid, "a part without a blank line behind its headers");
    const std::size_t content = blank + 4;
    const Delimiter next = next_delimiter(body, dashed, content - 2);
    if (next.begin == std::string_view::npos) return fail(Code::invalid, "multipart that ends in the middle");
    if (parts.size() == limits::kPartsMax) return fail(Code::too_large, "multipart of more than {} parts", limits::kPartsMax);
    parts.push_back(next.begin > content ? body.substr(content, next.begin - content) : std::string_view());
    here = next;
  }
  return parts;
}

std::string encode_multipart(std::string_view header, std::string_view second) {
  std::string out;
  out.reserve(header.size() + second.size() + 256);
  out += "--";
  out += kBoundary;
  out += "\r\nContent-Type: text/plain; charset=UTF-16\r\n\r\n";
  out += header;
  out += "\r\n--";
  out += kBoundary;
  out += "\r\nContent-Type: application/octet-stream\r\n\r\n";
  out += second;
  out += "\r\n--";
  out += kBoundary;
  out += "--\r\n";
  return out;
}

}  // namespace fp::wire
