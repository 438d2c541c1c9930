#include "packages/deb_dependency.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "domain/deployment/version.hpp"

namespace fp::packages {
namespace {

struct Relation {
  std::string_view name, op, version;
};

// "name[:arch] [(op version)] [[arch list]] [<profiles>]"
Relation parse(std::string_view text) {
  text = trim(text);
  Relation out;
  const auto name_end = std::min(text.find_first_of(" (:[<\t\n"), text.size());
  out.name = text.substr(0, name_end);
  const auto open = text.find('(');
  if (open == text.npos) return out;
  auto inside = trim(text.substr(open + 1, std::min(text.find(')', open), text.size()) - open - 1));
  const auto op_end = std::min(inside.find_first_not_of("<>="), inside.size());
  out.op = inside.substr(0, op_end);
  out.version = trim(inside.substr(op_end));
  return out;
}

bool matches(std::string_view have, const Relation& want) {
  if (want.op.empty()) return true;
  if (have.empty()) return false;  // a provided name without a version satisfies no version
  const int order = deployment::compare_dpkg(have, want.version);
  if (want.op == "=") return order == 0;
  if (want.op == ">=" || want.op == ">") return order >= 0;  // the old single > means >=
  if (want.op == "<=" || want.op == "<") return order <= 0;
  if (want.op == ">>") return order > 0;
  return want.op == "<<" && order < 0;
}

}  // namespace

void add_provided(Available& available, std::string_view provides) {
  for (const auto part : split(provides, ',')) {
    const Relation relation = parse(part);
    if (!relation.name.empty()) available[std::string(relation.name)].emplace_back(relation.version);
  }
}

std::vector<std::string> missing_dependencies(std::string_view depends, const Available& available) {
  std::vector<std::string> out;
  for (const auto clause : split(depends, ',')) {
    if (trim(clause).empty()) continue;
    const auto alternatives = split(clause, '|');
    const bool held = std::any_of(alternatives.begin(), alternatives.end(), [&](std::string_view alternative) {
      const Relation relation = parse(alternative);
      const auto found = available.find(relation.name);
      return found != available.end() && std::any_of(found->second.begin(), found->second.end(),
                                                     [&](const std::string& have) { return matches(have, relation); });
    });
    if (!held) out.emplace_back(trim(clause));
  }
  return out;
}

}  // namespace fp::packages
