#include "domain/collection/wql_lexer.hpp"

#include "base/text.hpp"

namespace fp::collection {
namespace {

constexpr std::size_t kTextBytesMax = 16U << 10, kTokensMax = 12'000;

bool is_letter(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<WqlToken> next() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    WqlToken token;
    token.column = at_ + 1;
    if (at_ == text_.size()) return token;
    const char c = text_[at_];
    if (c == '"' || c == '\'') return quoted(std::move(token));
    if (is_letter(c)) return run(std::move(token), WqlToken::word, [](char x) { return is_letter(x) || is_digit(x); });
    if (is_digit(c) || (c == '-' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])))
      return run(std::move(token), WqlToken::number, [](char x) { return is_letter(x) || is_digit(x) || x == '.'; });
    for (const std::string_view sign : {"<=", ">=", "<>", "!=", "=", "<", ">", "(", ")", ",", ".", "*"})
      if (text_.substr(at_).starts_with(sign)) {
        at_ += sign.size();
        token.kind = WqlToken::sign;
        token.value = sign;
        return token;
      }
    return fail(Code::invalid, "WQL column {}: a character that does not belong here", token.column);
  }

 private:
  template <class F>
  WqlToken run(WqlToken token, WqlToken::Kind kind, F belongs) {
    const std::size_t from = at_++;
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    token.kind = kind;
    token.value = text_.substr(from, at_ - from);
    return token;
  }

  // Inside the quotes a backslash takes the next quote or backslash, and a doubled quote is one.
  Result<WqlToken> quoted(WqlToken token) {
    const char quote = text_[at_++];
    token.kind = WqlToken::text;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      const char following = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      const bool escape = c == '\\' && (following == '\\' || following == '"' || following == '\'');
      if (escape || (c == quote && following == quote)) {
        token.value += following;
        ++at_;
      } else if (c == quote) {
        ++at_;
        return token;
      } else {
        token.value += c;
      }
    }
    return fail(Code::invalid, "WQL column {}: a text without its closing {}", token.column, quote);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<std::vector<WqlToken>> lex_wql(std::string_view text) {
  if (text.size() > kTextBytesMax) return fail(Code::invalid, "WQL of {} bytes, {} at most", text.size(), kTextBytesMax);
  if (!is_utf8(text) || text.find('\0') != std::string_view::npos) return fail(Code::invalid, "WQL that is not UTF-8 text");
  Lexer lexer(text);
  std::vector<WqlToken> out;
  do {
    FP_TRY(token, lexer.next());
    out.push_back(std::move(token));
    if (out.size() > kTokensMax) return fail(Code::invalid, "WQL of more than {} words", kTokensMax);
  } while (out.back().kind != WqlToken::end);
  return out;
}

}  // namespace fp::collection
