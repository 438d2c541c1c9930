#include <set>

#include "base/text.hpp"
#include "domain/collection/wql.hpp"

namespace fp::collection {
namespace {

std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string print(const QueryLiteral& l) {
  if (const auto* text = std::get_if<std::string>(&l)) return in_quotes(*text);
  if (const auto* whole = std::get_if<std::int64_t>(&l)) return std::to_string(*whole);
  std::string out = fmt::format("{:f}", std::get<double>(l));
  while (out.size() > 2 && out.back() == '0' && out[out.size() - 2] != '.') out.pop_back();
  // Plain digits lose what is very small or large; then as many as it takes to read the same number back.
  return std::stod(out) == std::get<double>(l) ? out : fmt::format("{:.340f}", std::get<double>(l));
}

std::string print(const QueryAttribute& a) { return a.class_name + "." + a.property; }

void gather(const QueryExpr& e, std::set<std::string>& out) {
  if (const auto* c = std::get_if<QueryCompare>(&e.node)) out.insert(c->attribute.class_name);
  else if (const auto* s = std::get_if<QuerySubselect>(&e.node)) out.insert(s->attribute.class_name);
  else
    for (const auto& part : std::get<QueryGroup>(e.node).parts) gather(part, out);
}

std::string print(const QueryExpr& e);

// FROM SMS_R_System INNER JOIN ... WHERE ...: every class that the conditions of this level name is joined.
std::string print_from(const std::vector<QueryExpr>& where, const QueryAttribute* selected) {
  std::set<std::string> classes;
  for (const auto& e : where) gather(e, classes);
  if (selected) classes.insert(selected->class_name);
  classes.erase(kSystemClass);
  std::string out = fmt::format("from {}", kSystemClass);
  for (const auto& name : classes) out += fmt::format(" inner join {0} on {0}.ResourceId = {1}.ResourceId", name, kSystemClass);
  for (const auto& e : where) out += " where " + print(e);
  return out;
}

std::string print(const QueryCompare& c) {
  static constexpr std::string_view words[] = {"=",    "<>",       "<",  "<=",     ">",       ">=",
                                               "like", "not like", "in", "not in", "is null", "is not null"};
  std::string out = fmt::format("{} {}", print(c.attribute), words[static_cast<std::size_t>(c.op)]);
  if (c.op == QueryOp::is_null || c.op == QueryOp::not_null) return out;
  if (c.op != QueryOp::in && c.op != QueryOp::not_in) return out + " " + print(c.values.at(0));
  out += " (";
  for (std::size_t i = 0; i < c.values.size(); ++i) out += (i ? ", " : "") + print(c.values[i]);
  return out + ")";
}

std::string print(const QueryGroup& g) {
  if (g.kind == QueryBool::none) return "not (" + print(g.parts.at(0)) + ")";
  std::string out;
  for (const auto& part : g.parts) {
    if (!out.empty()) out += g.kind == QueryBool::all ? " and " : " or ";
    const auto* inner = std::get_if<QueryGroup>(&part.node);
    const bool brackets = inner && inner->kind != QueryBool::none;
    out += brackets ? "(" + print(part) + ")" : print(part);
  }
  return out;
}

std::string print(const QueryExpr& e) {
  if (const auto* c = std::get_if<QueryCompare>(&e.node)) return print(*c);
  if (const auto* g = std::get_if<QueryGroup>(&e.node)) return print(*g);
  const auto& s = std::get<QuerySubselect>(e.node);
  return fmt::format("{} {} (select {} {})", print(s.attribute), s.negated ? "not in" : "in", print(s.selected),
                     print_from(s.where, &s.selected));
}

}  // namespace

std::string print_wql(const Query& query) { return "select * " + print_from(query.where, nullptr); }

}  // namespace fp::collection
