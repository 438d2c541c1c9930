#include "domain/collection/wql.hpp"

#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "base/text.hpp"
#include "domain/collection/wql_lexer.hpp"

namespace fp::collection {
namespace {

constexpr int kDepthMax = 32;
constexpr std::size_t kConditionsMax = 1000, kLiteralsMax = 5000, kJoinsMax = 8, kNameBytesMax = 128;
constexpr std::string_view kInventoryPrefix = "SMS_G_System_";
constexpr std::string_view kReserved[] = {"select", "distinct", "from",  "as",   "inner", "join", "on",   "where",
                                          "and",    "or",       "not",   "in",   "like",  "is",   "null", "true",
                                          "false",  "left",     "right", "full", "order", "by"};

// The classes of one SELECT: what an alias or a class name stands for.
struct Names {
  std::map<std::string, std::string> classes;  // lower case alias or class -> canonical class
  std::string primary;                         // of unqualified properties
  std::vector<std::pair<std::string, std::size_t>> joined;  // class, column
};

class Parser {
 public:
  explicit Parser(std::vector<WqlToken> tokens) : tokens_(std::move(tokens)) {}

  Result<Query> query(std::string_view text) {
    Query out;
    out.text = text;
    FP_TRY(picked, select_list());
    Names names;
    FP_CHECK(from(names));
    if (names.primary != kSystemClass)
      return wrong(*from_, fmt::format("expected {} behind FROM, found {}", kSystemClass, names.primary));
    for (const auto& column : picked) FP_CHECK(attribute_of(names, column));
    FP_CHECK(where(names, out.where));
    if (peek().kind != WqlToken::end) return expected("the end of the query, AND or OR");
    out.classes.assign(classes_.begin(), classes_.end());
    return out;
  }

 private:
  struct Column {
    std::string qualifier, property;
    const WqlToken* token;
  };

  const WqlToken& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool is_word(std::string_view w, std::size_t ahead = 0) const {
    return peek(ahead).kind == WqlToken::word && iequals(peek(ahead).value, w);
  }
  bool is_sign(std::string_view s, std::size_t ahead = 0) const {
    return peek(ahead).kind == WqlToken::sign && peek(ahead).value == s;
  }
  bool take_word(std::string_view w) { return is_word(w) ? (++at_, true) : false; }
  bool take_sign(std::string_view s) { return is_sign(s) ? (++at_, true) : false; }
  static bool reserved(const WqlToken& t) {
    for (const auto w : kReserved)
      if (iequals(t.value, w)) return true;
    return false;
  }
  static std::unexpected<Error> wrong(const WqlToken& at, std::string_view text) {
    return fail(Code::invalid, "WQL column {}: {}", at.column, text);
  }
  std::unexpected<Error> expected(std::string_view what) const {
    const auto& t = peek();
    if (t.kind == WqlToken::end) return wrong(t, fmt::format("expected {}, found the end", what));
    return wrong(t, fmt::format("expected {}, found {:.40}", what, t.value));
  }
  Status word(std::string_view w, std::string_view what) {
    if (take_word(w)) return {};
    return expected(what);
  }
  Status sign(std::string_view s, std::string_view what) {
    if (take_sign(s)) return {};
    return expected(what);
  }

  Result<const WqlToken*> name(std::string_view what) {
    const auto& t = peek();
    if (t.kind != WqlToken::word || reserved(t)) return expected(what);
    if (t.value.size() > kNameBytesMax) return wrong(t, fmt::format("a name of more than {} characters", kNameBytesMax));
    ++at_;
    return &t;
  }

  // SELECT [DISTINCT] * | property, alias.property, alias.*
  Result<std::vector<Column>> select_list() {
    std::vector<Column> out;
    FP_CHECK(word("select", "SELECT"));
    take_word("distinct");
    if (take_sign("*")) return out;
    do {
      if (peek(1).kind == WqlToken::sign && is_sign(".", 1) && is_sign("*", 2)) {
        at_ += 3;
        continue;
      }
      FP_TRY(column, this->column("a property or *"));
      out.push_back(std::move(column));
    } while (take_sign(","));
    return out;
  }

  Result<Column> column(std::string_view what) {
    FP_TRY(first, name(what));
    Column out{"", first->value, first};
    if (take_sign(".")) {
      FP_TRY(second, name("a property behind the dot"));
      out.qualifier = std::exchange(out.property, second->value);
    }
    return out;
  }

  static Result<std::string> canonical_class(const WqlToken& t) {
    if (iequals(t.value, kSystemClass)) return std::string(kSystemClass);
    if (istarts_with(t.value, kInventoryPrefix) && t.value.size() > kInventoryPrefix.size())
      return std::string(kInventoryPrefix) + upper(std::string_view(t.value).substr(kInventoryPrefix.size()));
    return wrong(t, fmt::format("expected SMS_R_System or SMS_G_System_<class>, found {:.60}", t.value));
  }

  // One class behind FROM or JOIN, with its alias.
  Result<std::string> named_class(Names& names) {
    FP_TRY(token, name("a class"));
    FP_TRY(canonical, canonical_class(*token));
    std::string alias = token->value;
    const bool as = take_word("as");
    if (as || (peek().kind == WqlToken::word && !reserved(peek()))) {
      FP_TRY(alias_token, name("an alias behind AS"));
      alias = alias_token->value;
    }
    for (const auto& [other, name_of] : names.classes)
      if (name_of == canonical) return wrong(*token, fmt::format("{} stands here twice", canonical));
    if (!names.classes.emplace(lower(alias), canonical).second)
      return wrong(*token, fmt::format("the alias {} stands here twice", alias));
    if (canonical != kSystemClass) classes_.insert(canonical);
    return canonical;
  }

  // FROM class [AS alias] { INNER JOIN class [AS alias] ON a.ResourceId = b.ResourceId }
  Status from(Names& names) {
    FP_CHECK(word("from", "FROM"));
    from_ = &peek();
    FP_TRY(primary, named_class(names));
    names.primary = primary;
    while (is_word("inner") || is_word("join") || is_word("left") || is_word("right") || is_word("full")) {
      if (!is_word("inner") && !is_word("join")) return expected("INNER JOIN (no other join is known)");
      const bool inner = take_word("inner");
      FP_CHECK(word("join", inner ? "JOIN behind INNER" : "JOIN"));
      const auto column = peek().column;
      FP_TRY(joined, named_class(names));
      if (names.joined.size() == kJoinsMax) return expected(fmt::format("at most {} joins", kJoinsMax));
      names.joined.emplace_back(joined, column);
      FP_CHECK(join_condition(names, joined));
    }
    return {};
  }
  Status join_condition(const Names& names, const std::string& joined) {
    FP_CHECK(word("on", "ON behind the joined class"));
    bool concerns = false;
    for (int side = 0; side < 2; ++side) {
      FP_TRY(column, this->column("<class>.ResourceId"));
      FP_TRY(attribute, attribute_of(names, column));
      if (!iequals(attribute.property, "ResourceId"))
        return wrong(*column.token, "expected ResourceId: classes are joined by nothing else");
      concerns = concerns || attribute.class_name == joined;
      if (side == 0) FP_CHECK(sign("=", "= between the two ResourceId"));
    }
    if (!concerns) return expected(fmt::format("a condition that names {}", joined));
    return {};
  }

  Status where(const Names& names, std::vector<QueryExpr>& out) {
    std::vector<QueryExpr> parts;
    if (take_word("where")) {
      FP_TRY(expression, any(names));
      parts.push_back(std::move(expression));
    }
    // A class that is joined and never asked for still says: devices that have it.
    for (const auto& [name_of, column] : names.joined)
      if (!used_.contains(name_of)) parts.push_back({QueryCompare{{name_of, "ResourceId"}, QueryOp::not_null, {}}});
    if (parts.size() == 1) out = std::move(parts);
    else if (parts.size() > 1) out.push_back({QueryGroup{QueryBool::all, std::move(parts)}});
    return {};
  }

  Result<QueryAttribute> attribute_of(const Names& names, const Column& column) {
    QueryAttribute out{names.primary, column.property};
    if (!column.qualifier.empty()) {
      const auto found = names.classes.find(lower(column.qualifier));
      if (found == names.classes.end())
        return wrong(*column.token,
                     fmt::format("{:.60} is neither a class behind FROM or JOIN nor an alias of one", column.qualifier));
      out.class_name = found->second;
    }
    return out;
  }

  template <class Next>
  Result<QueryExpr> chain(QueryBool kind, std::string_view joiner, Next next) {
    FP_TRY(first, next());
    if (!is_word(joiner)) return first;
    QueryGroup group{kind, {}};
    const auto add = [&](QueryExpr e) {  // (a and b) and c is one group of three
      auto* same = std::get_if<QueryGroup>(&e.node);
      if (!same || same->kind != kind) return group.parts.push_back(std::move(e));
      for (auto& part : same->parts) group.parts.push_back(std::move(part));
    };
    add(std::move(first));
    while (take_word(joiner)) {
      FP_TRY(more, next());
      add(std::move(more));
    }
    return QueryExpr{std::move(group)};
  }
  Result<QueryExpr> any(const Names& names) {
    if (++depth_ > kDepthMax) return wrong(peek(), fmt::format("brackets deeper than {}", kDepthMax));
    auto out = chain(QueryBool::any, "or", [&] { return all(names); });
    --depth_;
    return out;
  }
  Result<QueryExpr> all(const Names& names) {
    return chain(QueryBool::all, "and", [&] { return one(names); });
  }
  Result<QueryExpr> one(const Names& names) {
    if (take_word("not")) {
      if (++depth_ > kDepthMax) return wrong(peek(), fmt::format("NOT deeper than {}", kDepthMax));
      FP_TRY(inner, one(names));
      --depth_;
      QueryGroup group{QueryBool::none, {}};
      group.parts.push_back(std::move(inner));
      return QueryExpr{std::move(group)};
    }
    if (take_sign("(")) {
      FP_TRY(inner, any(names));
      FP_CHECK(sign(")", ") or a further condition"));
      return inner;
    }
    return condition(names);
  }

  Result<QueryExpr> condition(const Names& names) {
    if (++conditions_ > kConditionsMax) return wrong(peek(), fmt::format("more than {} conditions", kConditionsMax));
    if (peek().kind == WqlToken::number || peek().kind == WqlToken::text) return turned(names);
    FP_TRY(column, this->column("a property, NOT or ("));
    FP_TRY(attribute, attribute_of(names, column));
    used_.insert(attribute.class_name);
    if (take_word("is")) {
      const bool negated = take_word("not");
      FP_CHECK(word("null", negated ? "NULL behind IS NOT" : "NULL or NOT NULL behind IS"));
      return QueryExpr{QueryCompare{std::move(attribute), negated ? QueryOp::not_null : QueryOp::is_null, {}}};
    }
    const bool negated = take_word("not");
    if (take_word("like")) {
      if (peek().kind != WqlToken::text) return expected(negated ? "a text behind NOT LIKE" : "a text behind LIKE");
      FP_TRY(value, literal("a value"));
      return QueryExpr{QueryCompare{std::move(attribute), negated ? QueryOp::not_like : QueryOp::like, {std::move(value)}}};
    }
    if (take_word("in")) return in(std::move(attribute), negated);
    if (negated) return expected("LIKE or IN behind NOT");
    FP_TRY(op, comparison());
    if (take_word("null")) {  // WMI's own spelling: = NULL, <> NULL
      if (op != QueryOp::eq && op != QueryOp::ne) return wrong(tokens_[at_ - 1], "NULL is compared by IS, = or <> only");
      return QueryExpr{QueryCompare{std::move(attribute), op == QueryOp::eq ? QueryOp::is_null : QueryOp::not_null, {}}};
    }
    FP_TRY(value, literal(fmt::format("a value behind {}", tokens_[at_ - 1].value)));
    return QueryExpr{QueryCompare{std::move(attribute), op, {std::move(value)}}};
  }

  // 4096 <= System.Memory
  Result<QueryExpr> turned(const Names& names) {
    FP_TRY(value, literal("a value"));
    FP_TRY(op, comparison());
    FP_TRY(column, this->column("a property"));
    FP_TRY(attribute, attribute_of(names, column));
    used_.insert(attribute.class_name);
    static constexpr QueryOp mirrored[] = {QueryOp::eq, QueryOp::ne, QueryOp::gt, QueryOp::ge, QueryOp::lt, QueryOp::le};
    return QueryExpr{QueryCompare{std::move(attribute), mirrored[static_cast<std::size_t>(op)], {std::move(value)}}};
  }

  Result<QueryOp> comparison() {
    static constexpr std::pair<std::string_view, QueryOp> signs[] = {{"=", QueryOp::eq}, {"<>", QueryOp::ne}, {"!=", QueryOp::ne},
                                                                     {"<", QueryOp::lt}, {"<=", QueryOp::le}, {">", QueryOp::gt},
                                                                     {">=", QueryOp::ge}};
    for (const auto& [text, op] : signs)
      if (take_sign(text)) return op;
    return expected("a comparison (=, <>, <, <=, >, >=, LIKE, IN, IS)");
  }

  Result<QueryLiteral> literal(std::string_view what) {
    const auto& t = peek();
    if (t.kind == WqlToken::word && (iequals(t.value, "true") || iequals(t.value, "false"))) {
      ++at_;
      return QueryLiteral(std::int64_t{iequals(t.value, "true") ? 1 : 0});
    }
    if (t.kind != WqlToken::text && t.kind != WqlToken::number) return expected(what);
    if (++literals_ > kLiteralsMax) return wrong(t, fmt::format("more than {} values", kLiteralsMax));
    ++at_;
    if (t.kind == WqlToken::text) return QueryLiteral(t.value);
    if (const auto whole = parse_int(t.value)) return QueryLiteral(*whole);
    double real = 0;
    const char* end = t.value.data() + t.value.size();
    const auto parsed = std::from_chars(t.value.data(), end, real);
    if (parsed.ec != std::errc() || parsed.ptr != end || !std::isfinite(real))
      return wrong(t, fmt::format("{:.40} is no number", t.value));
    return QueryLiteral(real);
  }

  Result<QueryExpr> in(QueryAttribute attribute, bool negated) {
    FP_CHECK(sign("(", "( behind IN"));
    if (is_word("select")) return subselect(std::move(attribute), negated);
    QueryCompare out{std::move(attribute), negated ? QueryOp::not_in : QueryOp::in, {}};
    do {
      FP_TRY(value, literal("a value or SELECT behind ("));
      out.values.push_back(std::move(value));
    } while (take_sign(","));
    FP_CHECK(sign(")", "a comma or the ) of IN"));
    return QueryExpr{std::move(out)};
  }

  Result<QueryExpr> subselect(QueryAttribute attribute, bool negated) {
    if (++depth_ > kDepthMax) return wrong(peek(), fmt::format("queries inside queries deeper than {}", kDepthMax));
    const auto& start = peek();
    FP_TRY(columns, select_list());
    if (columns.size() != 1) return wrong(start, "expected one property behind the SELECT inside IN");
    QuerySubselect out{std::move(attribute), negated, {}, {}};
    Names names;
    auto outer_used = std::exchange(used_, {});
    const auto* outer_from = from_;
    FP_CHECK(from(names));
    from_ = outer_from;
    FP_TRY(selected, attribute_of(names, columns[0]));
    out.selected = std::move(selected);
    used_.insert(out.selected.class_name);
    FP_CHECK(where(names, out.where));
    if (names.primary != kSystemClass && !used_.contains(names.primary))
      out.where = {{with_primary(names.primary, std::move(out.where))}};
    used_ = std::move(outer_used);
    FP_CHECK(sign(")", "the ) behind the inner query"));
    --depth_;
    return QueryExpr{std::move(out)};
  }
  static QueryGroup with_primary(const std::string& primary, std::vector<QueryExpr> where) {
    QueryGroup group{QueryBool::all, std::move(where)};
    group.parts.push_back({QueryCompare{{primary, "ResourceId"}, QueryOp::not_null, {}}});
    return group;
  }

  std::vector<WqlToken> tokens_;
  std::size_t at_ = 0, conditions_ = 0, literals_ = 0;
  int depth_ = 0;
  const WqlToken* from_ = nullptr;
  std::set<std::string> classes_;  // inventory classes of the whole query
  std::set<std::string> used_;     // classes that conditions of the present SELECT name
};

}  // namespace

Result<Query> parse_wql(std::string_view text) {
  FP_TRY(tokens, lex_wql(text));
  return Parser(std::move(tokens)).query(text);
}

std::string class_key(std::string_view class_name) {
  for (const std::string_view prefix : {"SMS_G_System_", "Win32_", "SMS_", "CCM_"})
    if (istarts_with(class_name, prefix) && class_name.size() > prefix.size()) {
      class_name.remove_prefix(prefix.size());
      break;
    }
  std::string out = upper(class_name);
  std::erase(out, '_');
  return out;
}

}  // namespace fp::collection
