#include "wire/apt_index.hpp"

#include <algorithm>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "wire/wsus_limits.hpp"

namespace fp::wire {
namespace {

using namespace wsus_limits;

constexpr std::size_t kWordBytesMax = 256;

// Lines "Name: value" up to an empty one; a line that begins with a blank goes on with the one before. False: the end.
template <class F>
bool next_stanza(std::string_view& rest, F&& on_field) {
  bool found = false;
  std::string_view name;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trim(line).empty()) {
      if (found) return true;
      continue;
    }
    found = true;
    if (line[0] == ' ' || line[0] == '\t') {
      on_field(name, trim(line), true);
      continue;
    }
    const auto colon = line.find(':');
    name = line.substr(0, std::min(colon, line.size()));
    on_field(name, colon == std::string_view::npos ? std::string_view() : trim(line.substr(colon + 1)), false);
  }
  return found;
}

bool only_of(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= kWordBytesMax && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || more.find(c) != std::string_view::npos;
  });
}

std::string digest_of(std::string_view text) {
  const bool good = text.size() == 64 && unhex(text).has_value();
  return good ? lower(text) : std::string();
}

std::string words_of(std::string_view text) { return parse_name(text.substr(0, kWordBytesMax), kWordBytesMax).value_or(""); }

// "Sat, 09 Nov 2024 10:14:05 UTC": the zone is another word for the one of HTTP.
Result<Instant> date_of(std::string_view text) {
  for (const std::string_view zone : {"UTC", "+0000"})
    if (text.ends_with(zone)) return parse_http_date(fmt::format("{}GMT", text.substr(0, text.size() - zone.size())));
  return parse_http_date(text);
}

// " <sha256> <size> <path>"
Status add_file(AptRelease& release, std::string_view line) {
  std::vector<std::string_view> parts;
  for (const auto part : split(line, ' '))
    if (!part.empty()) parts.push_back(part);
  if (parts.size() != 3) return {};
  const auto path = parse_relative_path(parts[2]);
  const auto bytes = parse_int(parts[1]);
  const std::string digest = digest_of(parts[0]);
  if (!path || !bytes || *bytes < 0 || digest.empty()) return {};
  if (release.files.size() == kReleaseFilesMax) return fail(Code::too_large, "a release file that names more than {} files", kReleaseFilesMax);
  release.files[*path] = {*bytes, digest};
  return {};
}

bool complete(const AptPackage& p) {
  return only_of(p.package, "+-.") && only_of(p.version, "+-.:~") && only_of(p.architecture, "-") && !p.sha256.empty() && !p.file.empty() &&
         p.file.ends_with(".deb") && p.bytes > 0;
}

}  // namespace

Result<AptRelease> decode_apt_release(std::string_view text) {
  if (text.size() > kReleaseBytesMax) return fail(Code::too_large, "a release file of more than {} bytes", kReleaseBytesMax);
  AptRelease release;
  Status good;
  Result<Instant> until = Instant{};
  Result<Instant> date = fail(Code::invalid, "the release file has no Date");
  next_stanza(text, [&](std::string_view name, std::string_view value, bool more) {
    if (more) {
      if (good && iequals(name, "SHA256")) good = add_file(release, value);
    } else if (iequals(name, "Origin")) release.origin = words_of(value);
    else if (iequals(name, "Label")) release.label = words_of(value);
    else if (iequals(name, "Suite")) release.suite = words_of(value);
    else if (iequals(name, "Codename")) release.codename = words_of(value);
    else if (iequals(name, "Date")) date = date_of(value);
    else if (iequals(name, "Valid-Until")) until = date_of(value);
  });
  FP_CHECK(good);
  if (!date) return std::unexpected(date.error());
  if (!until) return std::unexpected(until.error().with_context("Valid-Until"));
  if (release.files.empty()) return fail(Code::invalid, "the release file has no list of SHA256");
  release.released_at = *date;
  release.valid_until = *until;
  return release;
}

Result<AptPackages> decode_apt_packages(std::string_view text) {
  if (text.size() > kIndexTextBytesMax) return fail(Code::too_large, "a list of packages of more than {} bytes", kIndexTextBytesMax);
  AptPackages out;
  for (;;) {
    AptPackage p;
    const bool found = next_stanza(text, [&](std::string_view name, std::string_view value, bool more) {
      if (more) return;
      if (iequals(name, "Package")) p.package = value;
      else if (iequals(name, "Version")) p.version = value;
      else if (iequals(name, "Architecture")) p.architecture = value;
      else if (iequals(name, "Filename")) p.file = parse_relative_path(value.starts_with("./") ? value.substr(2) : value).value_or("");
      else if (iequals(name, "SHA256")) p.sha256 = digest_of(value);
      else if (iequals(name, "Size")) p.bytes = parse_int(value).value_or(0);
      else if (iequals(name, "Description")) p.title = words_of(value);
    });
    if (!found) return out;
    if (out.packages.size() + out.left_out == kStanzasMax) return fail(Code::too_large, "a list of more than {} packages", kStanzasMax);
    if (complete(p)) out.packages.push_back(std::move(p));
    else ++out.left_out;
  }
}

}  // namespace fp::wire
