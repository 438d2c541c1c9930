#include "store/sqlite/query.hpp"

#include <map>

#include "base/clock.hpp"
#include "base/text.hpp"
#include "domain/collection/wql.hpp"

namespace fp::store::sqlite {
namespace {

enum class Kind { text, number, time, property, client };

struct Column {
  std::string_view attribute;  // lower case
  std::string_view sql;        // behind the alias of devices; empty: a constant below
  Kind kind;
};
constexpr Column kColumns[] = {
    {"resourceid", "client", Kind::client},
    {"clientid", "client", Kind::client},
    {"smsuniqueidentifier", "client", Kind::client},
    {"name", "name", Kind::text},
    {"netbiosname", "name", Kind::text},
    {"fqdn", "fqdn", Kind::text},
    {"resourcenames", "fqdn", Kind::text},
    {"client", "", Kind::number},
    {"approved", "approval IN (2, 3)", Kind::number},
    {"approval", "approval", Kind::number},
    {"blocked", "blocked", Kind::number},
    {"pki", "pki", Kind::number},
    {"conflict", "conflict", Kind::number},
    {"agentversion", "agent_version", Kind::text},
    {"clientversion", "agent_version", Kind::text},
    {"ipaddresses", "last_address", Kind::text},
    {"lastmanagementpoint", "last_management_point", Kind::text},
    {"creationdate", "registered_at", Kind::time},
    {"lastheartbeat", "last_heartbeat_at", Kind::time},
    {"lastpolicyrequest", "last_policy_at", Kind::time},
    {"lasthardwarescan", "last_hardware_at", Kind::time},
    {"lastsoftwarescan", "last_software_at", Kind::time},
    {"laststatemessage", "last_state_at", Kind::time},
};
constexpr std::string_view kConnectionWords =
    "CASE {}connection WHEN 1 THEN 'always_internet' WHEN 2 THEN 'currently_internet' WHEN 3 THEN 'currently_intranet' "
    "ELSE 'unknown' END";

struct Expression {
  std::string sql;
  std::vector<std::string> bound;  // values of its own parameters, before those of the comparison
  Kind kind = Kind::text;
};

// The tables of one SELECT: devices, and one row of each class that its conditions name.
struct Scope {
  std::string device;                         // alias with its dot
  std::map<std::string, std::string> classes; // class key -> alias with its dot
};

class Compiler {
 public:
  [[nodiscard]] CompiledQuery take() { return std::move(out_); }
  void add(std::string_view sql) { out_.sql += sql; }
  void value(std::variant<std::string, std::int64_t, double> v) { out_.values.push_back(std::move(v)); }

  // "devices d1 JOIN inventory i1 ON ...", its parameters bound.
  Scope from(const std::vector<QueryExpr>& where, const QueryAttribute* selected) {
    Scope scope;
    scope.device = fmt::format("d{}.", ++aliases_);
    add(fmt::format("FROM devices d{}", aliases_));
    if (selected) need(scope, *selected);
    for (const auto& e : where) gather(scope, e);
    for (const auto& [key, alias] : scope.classes) {
      add(fmt::format(" JOIN inventory {0} ON {1}class_key = ? AND {1}client = {2}client", alias.substr(0, alias.size() - 1),
                      alias, scope.device));
      value(key);
    }
    return scope;
  }

  Status condition(const Scope& scope, const QueryExpr& e) {
    if (const auto* compare = std::get_if<QueryCompare>(&e.node)) return this->compare(scope, *compare);
    if (const auto* subselect = std::get_if<QuerySubselect>(&e.node)) return this->subselect(scope, *subselect);
    const auto& group = std::get<QueryGroup>(e.node);
    if (group.parts.empty()) return fail(Code::invalid, "a query with an empty group");
    if (group.kind == QueryBool::none) add("NOT ");
    return parts(scope, group, 0, group.parts.size());
  }

  Result<Expression> expression(const Scope& scope, const QueryAttribute& a) const {
    const std::string property = lower(a.property);
    if (!is_system(a)) {
      const auto found = scope.classes.find(collection::class_key(a.class_name));
      if (found == scope.classes.end()) return fail(Code::internal, "a class that is not joined: {}", a.class_name);
      if (property == "resourceid") return Expression{found->second + "client", {}, Kind::client};
      return Expression{
          fmt::format("json_extract({}properties, ?)", found->second), {fmt::format("$.\"{}\"[1]", property)}, Kind::property};
    }
    if (property == "connectiontype")
      return Expression{fmt::format(fmt::runtime(kConnectionWords), scope.device), {}, Kind::property};
    for (const auto& column : kColumns)
      if (column.attribute == property)
        return Expression{column.sql.empty() ? "1" : fmt::format("({}{})", scope.device, column.sql), {}, column.kind};
    return fail(Code::invalid, "SMS_R_System has no attribute {}", a.property);
  }
  void put(const Expression& e, std::string_view sql) {
    add(sql);
    for (const auto& b : e.bound) value(b);
  }

 private:
  static bool is_system(const QueryAttribute& a) { return iequals(a.class_name, collection::kSystemClass); }
  void need(Scope& scope, const QueryAttribute& a) {
    if (is_system(a)) return;
    auto& alias = scope.classes[collection::class_key(a.class_name)];
    if (alias.empty()) alias = fmt::format("i{}.", ++aliases_);
  }
  void gather(Scope& scope, const QueryExpr& e) {
    if (const auto* c = std::get_if<QueryCompare>(&e.node)) need(scope, c->attribute);
    else if (const auto* s = std::get_if<QuerySubselect>(&e.node)) need(scope, s->attribute);
    else
      for (const auto& part : std::get<QueryGroup>(e.node).parts) gather(scope, part);
  }

  // Halves, so that a thousand conditions stay a shallow tree.
  Status parts(const Scope& scope, const QueryGroup& group, std::size_t from, std::size_t to) {
    add("(");
    if (to - from == 1) {
      FP_CHECK(condition(scope, group.parts[from]));
    } else {
      const std::size_t middle = from + (to - from) / 2;
      FP_CHECK(parts(scope, group, from, middle));
      add(group.kind == QueryBool::any ? " OR " : " AND ");
      FP_CHECK(parts(scope, group, middle, to));
    }
    add(")");
    return {};
  }

  // What stands for the attribute where it may be unknown: an empty text or a time that never was is NULL.
  static std::string nullable(const Expression& e) {
    switch (e.kind) {
      case Kind::text: return fmt::format("nullif({}, '')", e.sql);
      case Kind::time: return fmt::format("nullif({}, 0)", e.sql);
      case Kind::client: return fmt::format("fp_client({})", e.sql);
      default: return e.sql;
    }
  }

  // The literal as the attribute's type wants it.
  static Result<QueryLiteral> literal(const Expression& e, const QueryAttribute& a, const QueryLiteral& l) {
    const auto* text = std::get_if<std::string>(&l);
    if (e.kind == Kind::time) {
      if (!text) return fail(Code::invalid, "{} is a time: compare it with a text such as '2026-11-22'", a.property);
      const bool date_only = text->size() == 10 && text->find(':') == std::string::npos;
      const auto at = parse_time(date_only ? *text + "T00:00:00" : *text);
      if (!at) return fail(Code::invalid, "{} is a time, and '{:.60}' is none", a.property, *text);
      return QueryLiteral(at->ms);
    }
    if (e.kind == Kind::number && text) {
      const auto number = parse_int(trim(*text));
      if (!number) return fail(Code::invalid, "{} is a number, and '{:.60}' is none", a.property, *text);
      return QueryLiteral(*number);
    }
    if (e.kind == Kind::client && text) {
      if (const auto folded = upper(*text); folded.starts_with("GUID:")) return QueryLiteral(folded);
    }
    return l;
  }

  Status compare(const Scope& scope, const QueryCompare& c) {
    FP_TRY(e, expression(scope, c.attribute));
    if (c.op == QueryOp::is_null || c.op == QueryOp::not_null) {
      put(e, fmt::format("{} IS {}", nullable(e), c.op == QueryOp::is_null ? "NULL" : "NOT NULL"));
      return {};
    }
    if (c.op == QueryOp::in || c.op == QueryOp::not_in) return in_list(e, c);
    if (c.values.size() != 1) return fail(Code::invalid, "a comparison of {} without its one value", c.attribute.property);
    if (c.op == QueryOp::like || c.op == QueryOp::not_like) {
      const auto* pattern = std::get_if<std::string>(&c.values[0]);
      if (!pattern) return fail(Code::invalid, "LIKE wants a text");
      put(e, fmt::format("{}fp_like({}, ?)", c.op == QueryOp::not_like ? "NOT " : "", nullable(e)));
      value(*pattern);
      return {};
    }
    FP_TRY(l, literal(e, c.attribute, c.values[0]));
    static constexpr std::string_view signs[] = {"=", "<>", "<", "<=", ">", ">="};
    const auto sign = signs[static_cast<std::size_t>(c.op)];
    const bool text = std::holds_alternative<std::string>(l);
    if (text && e.kind == Kind::text && c.op == QueryOp::eq && !std::get<std::string>(l).empty())
      put(e, fmt::format("{} = ? COLLATE NOCASE", e.sql));  // bare, so that an index on the column serves
    else if (text)
      put(e, fmt::format("{} {} ? COLLATE NOCASE", nullable(e), sign));
    else if (e.kind == Kind::number || e.kind == Kind::time)
      put(e, fmt::format("{} {} ?", nullable(e), sign));
    else
      put(e, fmt::format("fp_number({}) {} ?", nullable(e), sign));
    value(std::move(l));
    return {};
  }

  Status in_list(const Expression& e, const QueryCompare& c) {
    std::vector<QueryLiteral> texts, numbers;
    for (const auto& raw : c.values) {
      FP_TRY(l, literal(e, c.attribute, raw));
      (std::holds_alternative<std::string>(l) ? texts : numbers).push_back(std::move(l));
    }
    if (texts.empty() && numbers.empty()) return fail(Code::invalid, "an empty list for {}", c.attribute.property);
    const auto list = [&](const std::vector<QueryLiteral>& values, const std::string& left) {
      std::string marks = "?";
      for (std::size_t i = 1; i < values.size(); ++i) marks += ",?";
      put(e, fmt::format("{} IN ({})", left, marks));
      for (const auto& v : values) value(v);
    };
    add(c.op == QueryOp::not_in ? "NOT (" : "(");
    if (!texts.empty()) list(texts, nullable(e) + " COLLATE NOCASE");
    if (!texts.empty() && !numbers.empty()) add(" OR ");
    if (!numbers.empty())
      list(numbers, e.kind == Kind::property || e.kind == Kind::text ? fmt::format("fp_number({})", nullable(e)) : nullable(e));
    add(")");
    return {};
  }

  Status subselect(const Scope& outer, const QuerySubselect& s) {
    FP_TRY(left, expression(outer, s.attribute));
    // The selected column needs the inner scope, whose aliases are numbered when FROM is written: write that part aside.
    std::string sql = std::exchange(out_.sql, {});
    auto values = std::exchange(out_.values, {});
    const Scope inner = from(s.where, &s.selected);
    FP_TRY(column, expression(inner, s.selected));
    const bool clients = left.kind == Kind::client && column.kind == Kind::client;
    const std::string picked = clients ? column.sql : fmt::format("CAST({} AS TEXT)", nullable(column));
    add(" WHERE ");
    put(column, picked + " IS NOT NULL");
    for (const auto& e : s.where) {
      add(" AND ");
      FP_CHECK(condition(inner, e));
    }
    add(")");
    const std::string tail_sql = std::exchange(out_.sql, std::move(sql));
    auto tail_values = std::exchange(out_.values, std::move(values));
    put(left, clients ? left.sql : fmt::format("CAST({} AS TEXT) COLLATE NOCASE", nullable(left)));
    add(s.negated ? " NOT IN (SELECT " : " IN (SELECT ");
    put(column, picked + " ");
    add(tail_sql);
    for (auto& v : tail_values) value(std::move(v));
    return {};
  }

  CompiledQuery out_;
  int aliases_ = 0;
};

}  // namespace

Result<CompiledQuery> compile_query(const Query& query, bool one_device) {
  Compiler compiler;
  compiler.add("SELECT DISTINCT d1.client ");
  const Scope scope = compiler.from(query.where, nullptr);
  compiler.add(" WHERE ");
  if (query.where.empty()) compiler.add("1");
  for (const auto& e : query.where) FP_CHECK(compiler.condition(scope, e));
  compiler.add(one_device ? " AND d1.client = ?" : " ORDER BY d1.client");
  return compiler.take();
}

}  // namespace fp::store::sqlite
