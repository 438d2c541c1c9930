// Nouns that are stored whole, as JSON of wire/model_json, beside the columns that are searched. Private to this room.
#pragma once
#include "store/sqlite/database.hpp"
#include "wire/model_json_value.hpp"

namespace fp::store::sqlite {

template <class X, class... A>
[[nodiscard]] Result<X> find_document(Database& db, std::string_view what, const char* sql, const A&... values) {
  FP_TRY(text, db.one(what, sql, [](Row& r) { return r.text(); }, values...));
  return wire::from_text<X>(text, wire::Strictness::trusted);
}

template <class X, class... A>
[[nodiscard]] Result<std::vector<X>> list_documents(Database& db, const char* sql, const A&... values) {
  FP_TRY(texts, db.all(sql, [](Row& r) { return r.text(); }, values...));
  std::vector<X> out;
  out.reserve(texts.size());
  for (const auto& text : texts) {
    FP_TRY(x, wire::from_text<X>(text, wire::Strictness::trusted));
    out.push_back(std::move(x));
  }
  return out;
}

template <class... A>
[[nodiscard]] Status remove_one(Database& db, std::string_view what, const char* sql, const A&... values) {
  FP_CHECK(db.run(sql, values...));
  if (db.changes() == 0) return fail(Code::not_found, "no such {}", what);
  return {};
}

}  // namespace fp::store::sqlite
