// A query tree of model/query.hpp as one SELECT of client ids over devices and inventory (docs/wql.md). Private to this room;
// pure. Literals, property names and classes are bound; the text holds only names of ours. Joined classes share one row, as in
// WQL. Code::invalid: an unknown attribute of SMS_R_System, or a literal that its type cannot be compared with.
#pragma once
#include <string>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "model/query.hpp"

namespace fp::store::sqlite {

struct CompiledQuery {
  std::string sql;
  std::vector<std::variant<std::string, std::int64_t, double>> values;  // in the order of the parameters
};
// `one_device`: a last parameter restricts the result to one client.
[[nodiscard]] Result<CompiledQuery> compile_query(const Query& query, bool one_device);

}  // namespace fp::store::sqlite
