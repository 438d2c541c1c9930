#include "store/sqlite/functions.hpp"

#include <sqlite3.h>

#include <charconv>
#include <vector>

#include "base/text.hpp"

namespace fp::store::sqlite {
namespace {

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// One element of a pattern: a set, any one character, any text, or a literal byte.
struct Token {
  enum Kind { literal, one, many, set, not_set } kind = literal;
  std::string_view text;  // of a set: what stands between the brackets; of a literal: the byte
};

std::vector<Token> tokens_of(std::string_view pattern) {
  std::vector<Token> out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '%') {
      if (out.empty() || out.back().kind != Token::many) out.push_back({Token::many, {}});
    } else if (c == '_') {
      out.push_back({Token::one, {}});
    } else if (c == '[') {
      const auto end = pattern.find(']', i + 2);  // []] holds a bracket
      if (end == std::string_view::npos) {
        out.push_back({Token::literal, pattern.substr(i, 1)});
        continue;
      }
      const bool negated = pattern[i + 1] == '^' && end > i + 2;
      out.push_back({negated ? Token::not_set : Token::set, pattern.substr(i + (negated ? 2 : 1), end - i - (negated ? 2 : 1))});
      i = end;
    } else {
      out.push_back({Token::literal, pattern.substr(i, 1)});
    }
  }
  return out;
}

bool in_set(std::string_view set, char c) {
  for (std::size_t i = 0; i < set.size(); ++i) {
    if (i + 2 < set.size() && set[i + 1] == '-') {
      if (fold(set[i]) <= c && c <= fold(set[i + 2])) return true;
      i += 2;
    } else if (fold(set[i]) == c) {
      return true;
    }
  }
  return false;
}

std::size_t character_bytes(std::string_view v, std::size_t at) {
  std::size_t n = 1;
  while (at + n < v.size() && (static_cast<unsigned char>(v[at + n]) & 0xC0) == 0x80) ++n;
  return n;
}

// Bytes that the token takes at `at`, 0 if it does not match.
std::size_t taken(const Token& token, std::string_view v, std::size_t at) {
  const std::size_t whole = character_bytes(v, at);
  const char c = fold(v[at]);
  switch (token.kind) {
    case Token::one: return whole;
    case Token::set: return in_set(token.text, c) ? whole : 0;
    case Token::not_set: return in_set(token.text, c) ? 0 : whole;
    case Token::literal: return fold(token.text[0]) == c ? 1 : 0;
    default: return 0;
  }
}

std::string_view value_text(sqlite3_value* value) {
  const auto* data = reinterpret_cast<const char*>(sqlite3_value_text(value));
  return data ? std::string_view(data, static_cast<std::size_t>(sqlite3_value_bytes(value))) : std::string_view();
}

void like_function(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL)
    return sqlite3_result_null(context);
  sqlite3_result_int(context, wql_like(value_text(values[0]), value_text(values[1])) ? 1 : 0);
}

void number_function(sqlite3_context* context, int, sqlite3_value** values) {
  switch (sqlite3_value_type(values[0])) {
    case SQLITE_INTEGER: return sqlite3_result_int64(context, sqlite3_value_int64(values[0]));
    case SQLITE_FLOAT: return sqlite3_result_double(context, sqlite3_value_double(values[0]));
    case SQLITE_TEXT: break;
    default: return sqlite3_result_null(context);
  }
  const auto text = trim(value_text(values[0]));
  std::int64_t whole = 0;
  double real = 0;
  const char* end = text.data() + text.size();
  if (const auto r = std::from_chars(text.data(), end, whole); !text.empty() && r.ec == std::errc() && r.ptr == end)
    return sqlite3_result_int64(context, whole);
  if (const auto r = std::from_chars(text.data(), end, real); !text.empty() && r.ec == std::errc() && r.ptr == end)
    return sqlite3_result_double(context, real);
  sqlite3_result_null(context);
}

void client_function(sqlite3_context* context, int, sqlite3_value** values) {
  if (sqlite3_value_type(values[0]) != SQLITE_BLOB) return sqlite3_result_value(context, values[0]);
  const auto* data = static_cast<const char*>(sqlite3_value_blob(values[0]));
  const auto text = unpack_client({data, static_cast<std::size_t>(sqlite3_value_bytes(values[0]))});
  sqlite3_result_text64(context, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
}

}  // namespace

bool wql_like(std::string_view value, std::string_view pattern) {
  const auto tokens = tokens_of(pattern);
  std::size_t at = 0, token = 0;
  std::size_t retry_token = std::string_view::npos, retry_at = 0;  // behind the last %, and where it began to take
  while (at < value.size()) {
    if (token < tokens.size() && tokens[token].kind == Token::many) {
      retry_token = ++token;
      retry_at = at;
      continue;
    }
    const std::size_t n = token < tokens.size() ? taken(tokens[token], value, at) : 0;
    if (n) {
      at += n;
      ++token;
    } else if (retry_token != std::string_view::npos) {
      retry_at += character_bytes(value, retry_at);
      at = retry_at;
      token = retry_token;
    } else {
      return false;
    }
  }
  while (token < tokens.size() && tokens[token].kind == Token::many) ++token;
  return token == tokens.size();
}

bool register_functions(sqlite3* db) {
  constexpr int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  const auto add = [&](const char* name, int count, void (*function)(sqlite3_context*, int, sqlite3_value**)) {
    return sqlite3_create_function_v2(db, name, count, flags, nullptr, function, nullptr, nullptr, nullptr) == SQLITE_OK;
  };
  return add("fp_like", 2, like_function) && add("fp_number", 1, number_function) && add("fp_client", 1, client_function);
}

}  // namespace fp::store::sqlite
