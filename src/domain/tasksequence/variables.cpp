#include "domain/tasksequence/variables.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace fp::tasksequence {
namespace {

constexpr std::size_t kNameBytesMax = 128;
constexpr std::size_t kTextBytesMax = 1U << 20;  // of a text with its variables in place

}  // namespace

const Variable* find(const Variables& variables, std::string_view name) {
  const auto it = variables.find(upper(name));
  return it == variables.end() ? nullptr : &it->second;
}

void set(Variables& variables, std::string_view name, std::string value, bool secret) {
  variables[upper(name)] = {std::move(value), secret};
}

void set(Variables& variables, const std::vector<SequenceVariable>& list) {
  for (const auto& v : list) {
    bool secret = v.secret;
    // What is made of a secret is one.
    for (const auto& [name, held] : variables) secret |= held.secret && icontains(v.value, "%" + name + "%");
    set(variables, v.name, substitute(v.value, variables), secret);
  }
}

std::string substitute(std::string_view text, const Variables& variables) {
  std::string out;
  while (!text.empty()) {
    const auto percent = text.find('%');
    out += text.substr(0, percent);
    if (percent == std::string_view::npos || out.size() > kTextBytesMax) break;
    text.remove_prefix(percent + 1);
    const auto close = text.find('%');
    if (close == 0) {
      out += '%';
      text.remove_prefix(1);
      continue;
    }
    const Variable* found = close == std::string_view::npos || close > kNameBytesMax ? nullptr : find(variables, text.substr(0, close));
    if (found == nullptr) {
      out += '%';
      continue;
    }
    out += found->value;
    text.remove_prefix(close + 1);
  }
  return out;
}

std::string mask(std::string text, const Variables& variables) {
  std::vector<std::string_view> secrets;
  for (const auto& [name, v] : variables)
    if (v.secret && !v.value.empty()) secrets.emplace_back(v.value);
  std::ranges::sort(secrets, [](auto a, auto b) { return a.size() > b.size(); });  // one may be part of another
  for (const auto secret : secrets) {
    for (std::size_t at = 0; (at = text.find(secret, at)) != std::string::npos; at += 6) text.replace(at, secret.size(), "******");
  }
  return text;
}

std::map<std::string, std::string> environment(const Variables& variables) {
  std::map<std::string, std::string> out;
  for (const auto& [name, v] : variables) {
    std::string key = "FPTS_" + name;
    std::ranges::replace_if(key, [](char c) { return !((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'); }, '_');
    out.emplace(std::move(key), v.value);
  }
  return out;
}

}  // namespace fp::tasksequence
