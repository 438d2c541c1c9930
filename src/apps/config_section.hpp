// One table of the configuration file. Internal to the reading of it (config.cpp); one thread. Never: a default for a key that is
// misspelt.
#pragma once
#include <toml++/toml.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"

namespace fp::apps {

// Reads one table and remembers which keys were asked for, so that a misspelt one is a mistake and not a default.
class Section {
 public:
  Section(const toml::table& table, std::string prefix, std::vector<std::string>& mistakes, const std::string& file)
      : table_(table), prefix_(std::move(prefix)), mistakes_(mistakes), file_(file) {}

  // A table inside this one.
  [[nodiscard]] Section below(const toml::table& table, std::string_view name) const { return {table, fmt::format("{}{}.", prefix_, name), mistakes_, file_}; }

  // Without a node the line is that of the section, and of a section that is not there the file's first.
  void mistake(const toml::node* node, std::string_view key, std::string_view what) {
    const auto line = std::max<toml::source_index>(1, node ? node->source().begin.line : table_.source().begin.line);
    mistakes_.push_back(fmt::format("{}:{}: {}{}: {}", file_, line, prefix_, key, what));
  }
  const toml::node* get(std::string_view key) {
    known_.insert(std::string(key));
    return table_.get(key);
  }
  void text(std::string_view key, std::string& out) {
    if (const auto* node = get(key)) {
      if (const auto* s = node->as_string()) out = s->get();
      else mistake(node, key, "must be a text in quotes");
    }
  }
  void path(std::string_view key, Path& out) {
    std::string s = out.native();
    text(key, s);
    out = s;
  }
  void flag(std::string_view key, bool& out) {
    if (const auto* node = get(key)) {
      if (const auto* b = node->as_boolean()) out = b->get();
      else mistake(node, key, "must be true or false");
    }
  }
  void number(std::string_view key, int& out, std::int64_t least, std::int64_t most) {
    if (const auto* node = get(key)) {
      const auto* n = node->as_integer();
      if (!n || n->get() < least || n->get() > most)
        mistake(node, key, fmt::format("must be a whole number from {} to {}", least, most));
      else
        out = static_cast<int>(n->get());
    }
  }
  template <class T>
  void word(std::string_view key, T& out, std::initializer_list<std::pair<std::string_view, T>> words) {
    const auto* node = get(key);
    if (!node) return;
    const auto* s = node->as_string();
    std::string choices;
    for (const auto& [name, value] : words) {
      if (s && s->get() == name) {
        out = value;
        return;
      }
      choices += (choices.empty() ? "" : ", ") + std::string(name);
    }
    mistake(node, key, "must be one of: " + choices);
  }
  template <class T>
  void list(std::string_view key, std::vector<T>& out) {
    const auto* node = get(key);
    if (!node) return;
    const auto* array = node->as_array();
    if (!array) return mistake(node, key, "must be a list of texts, such as [\"one\", \"two\"]");
    out.clear();
    for (const auto& item : *array) {
      if (const auto* s = item.as_string()) out.emplace_back(s->get());
      else mistake(&item, key, "every item must be a text in quotes");
    }
  }
  void refuse_unknown() {
    for (const auto& [key, node] : table_)
      if (!known_.contains(std::string(key.str()))) mistake(&node, key.str(), "no such setting");
  }

 private:
  const toml::table& table_;
  std::string prefix_;
  std::vector<std::string>& mistakes_;
  const std::string& file_;
  std::set<std::string> known_;
};

}  // namespace fp::apps
