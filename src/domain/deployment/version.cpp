#include "domain/deployment/version.hpp"

#include <algorithm>

namespace fp::deployment {
namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

struct Parts {
  std::string_view epoch, version, revision;
  bool has_revision = false;
};

// An epoch is digits before the first colon; the revision is what follows the last hyphen.
Parts parts_of(std::string_view text) {
  Parts out;
  if (const auto colon = text.find(':'); colon != text.npos && std::all_of(text.begin(), text.begin() + colon, digit)) {
    out.epoch = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (const auto hyphen = text.rfind('-'); hyphen != text.npos) {
    out.revision = text.substr(hyphen + 1);
    out.has_revision = true;
    text = text.substr(0, hyphen);
  }
  out.version = text;
  return out;
}

// Numbers of any length: without leading zeros the longer is the greater.
int compare_digits(std::string_view a, std::string_view b) {
  a.remove_prefix(std::min(a.find_first_not_of('0'), a.size()));
  b.remove_prefix(std::min(b.find_first_not_of('0'), b.size()));
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

template <class F>
std::string_view take_while(std::string_view& text, F in) {
  const auto end = std::find_if_not(text.begin(), text.end(), in);
  const auto run = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(run.size());
  return run;
}

// Debian policy 5.6.12: "~" before the end, the end before letters, letters before everything else.
int dpkg_weight(std::string_view text) {
  if (text.empty() || digit(text[0])) return 0;
  const auto c = static_cast<unsigned char>(text[0]);
  if (c == '~') return -1;
  return alpha(text[0]) ? c : c + 256;
}

int compare_dpkg_part(std::string_view a, std::string_view b) {
  while (!a.empty() || !b.empty()) {
    while ((!a.empty() && !digit(a[0])) || (!b.empty() && !digit(b[0]))) {
      const int wa = dpkg_weight(a), wb = dpkg_weight(b);
      if (wa != wb) return wa - wb;
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
    if (const int by_number = compare_digits(take_while(a, digit), take_while(b, digit)); by_number != 0) return by_number;
  }
  return 0;
}

// rpm: segments of letters or digits; "~" sorts before the end, "^" behind it, digits behind letters.
int compare_rpm_part(std::string_view a, std::string_view b) {
  const auto separator = [](char c) { return !digit(c) && !alpha(c) && c != '~' && c != '^'; };
  while (!a.empty() || !b.empty()) {
    take_while(a, separator);
    take_while(b, separator);
    for (const char mark : {'~', '^'}) {
      const bool in_a = a.starts_with(mark), in_b = b.starts_with(mark);
      if (in_a == in_b) continue;
      if (mark == '~') return in_a ? -1 : 1;
      return in_a ? (b.empty() ? 1 : -1) : (a.empty() ? -1 : 1);
    }
    if (a.starts_with('~') || a.starts_with('^')) {
      a.remove_prefix(1);
      b.remove_prefix(1);
      continue;
    }
    if (a.empty() || b.empty()) break;
    if (digit(a[0]) != digit(b[0])) return digit(a[0]) ? 1 : -1;
    const bool numbers = digit(a[0]);
    const auto run_a = take_while(a, numbers ? digit : alpha), run_b = take_while(b, numbers ? digit : alpha);
    if (const int order = numbers ? compare_digits(run_a, run_b) : run_a.compare(run_b); order != 0) return order;
  }
  return a.empty() ? (b.empty() ? 0 : -1) : 1;
}

}  // namespace

int compare_dpkg(std::string_view a, std::string_view b) {
  const Parts pa = parts_of(a), pb = parts_of(b);
  if (const int order = compare_digits(pa.epoch, pb.epoch); order != 0) return order;
  if (const int order = compare_dpkg_part(pa.version, pb.version); order != 0) return order;
  return compare_dpkg_part(pa.revision, pb.revision);
}

int compare_rpm(std::string_view a, std::string_view b) {
  const Parts pa = parts_of(a), pb = parts_of(b);
  if (const int order = compare_digits(pa.epoch, pb.epoch); order != 0) return order;
  if (const int order = compare_rpm_part(pa.version, pb.version); order != 0) return order;
  if (!pa.has_revision || !pb.has_revision) return 0;
  return compare_rpm_part(pa.revision, pb.revision);
}

int compare_versions(VersionScheme scheme, std::string_view a, std::string_view b) {
  return scheme == VersionScheme::dpkg ? compare_dpkg(a, b) : compare_rpm(a, b);
}

bool version_holds(VersionScheme scheme, std::string_view have, Compare op, std::string_view want) {
  const int order = compare_versions(scheme, have, want);
  switch (op) {
    case Compare::eq: return order == 0;
    case Compare::ne: return order != 0;
    case Compare::lt: return order < 0;
    case Compare::le: return order <= 0;
    case Compare::gt: return order > 0;
    case Compare::ge: return order >= 0;
    default: return false;
  }
}

std::string_view symbol(Compare op) {
  switch (op) {
    case Compare::eq: return "=";
    case Compare::ne: return "!=";
    case Compare::lt: return "<";
    case Compare::le: return "<=";
    case Compare::gt: return ">";
    case Compare::ge: return ">=";
    case Compare::contains: return "contains";
    case Compare::one_of: return "one of";
    case Compare::exists: return "exists";
    case Compare::not_exists: return "does not exist";
  }
  return "?";
}

}  // namespace fp::deployment
