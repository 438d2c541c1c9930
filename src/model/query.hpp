// A parsed WQL query (the subset of docs/wql.md) as a tree. Made by domain/collection, compiled to prepared SQL in store/.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace fp {

// "SMS_R_System.Name" or, through an alias, "os.Caption": class canonical, property as the inventory spells it.
struct QueryAttribute {
  std::string class_name;
  std::string property;
};

using QueryLiteral = std::variant<std::string, std::int64_t, double>;

enum class QueryOp { eq, ne, lt, le, gt, ge, like, not_like, in, not_in, is_null, not_null };

struct QueryExpr;
struct QueryCompare {
  QueryAttribute attribute;
  QueryOp op = QueryOp::eq;
  std::vector<QueryLiteral> values;     // one for comparisons, any number for in / not in
};
// attribute [not] in (select OtherClass.property from ... where ...): device-level set membership
struct QuerySubselect {
  QueryAttribute attribute;
  bool negated = false;
  QueryAttribute selected;
  std::vector<QueryExpr> where;         // empty or one
};
enum class QueryBool { all, any, none };  // and, or, not
struct QueryGroup {
  QueryBool kind = QueryBool::all;
  std::vector<QueryExpr> parts;
};
struct QueryExpr {
  std::variant<QueryCompare, QuerySubselect, QueryGroup> node;
};

struct Query {
  std::string text;                     // as the administrator wrote it
  std::vector<QueryExpr> where;         // empty: every device; else one
  std::vector<std::string> classes;     // every inventory class it reads (for incremental evaluation)
};

}  // namespace fp
