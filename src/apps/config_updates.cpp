// The repositories that a software update point synchronises with.
#include "apps/config_updates.hpp"
#include "base/ids.hpp"

namespace fp::apps {
namespace {

void check_source(Section& s, const sup::RepositorySource& source, std::set<std::string>& names, bool files_must_exist) {
  const auto words = [&](const char* key, const std::vector<std::string>& list) {
    bool good = !list.empty();
    for (const auto& word : list) good = good && parse_relative_path(word).has_value();
    if (!good) s.mistake(s.get(key), key, std::string_view(key) == "components" ? "must be names, such as [\"main\"]" : "must be names, such as [\"amd64\"]");
  };
  if (!parse_name(source.name, 64) || !names.insert(source.name).second)
    s.mistake(s.get("name"), "name", "is needed, and each source has one of its own");
  if (!source.url.starts_with("http://") && !source.url.starts_with("https://"))
    s.mistake(s.get("url"), "url", "must be http:// or https:// and where the repository is");
  if (!parse_relative_path(source.suite)) s.mistake(s.get("suite"), "suite", "is needed, such as bookworm-security");
  words("components", source.components);
  words("architectures", source.architectures);
  if (source.keyring.empty())
    s.mistake(nullptr, "keyring", "is needed: a binary file of the keys that sign the repository, such as /usr/share/keyrings/debian-archive-keyring.gpg");
  else if (files_must_exist && !file_exists(source.keyring))
    s.mistake(s.get("keyring"), "keyring", fmt::format("there is no file {}", source.keyring.native()));
}

}  // namespace

void read_update_sources(Section& parent, std::vector<sup::RepositorySource>& out, bool files_must_exist) {
  const auto* node = parent.get("source");
  const auto* array = node ? node->as_array() : nullptr;
  if (node && !array) return parent.mistake(node, "source", "must be written as [[software_update_point.source]]");
  std::set<std::string> names;
  for (std::size_t i = 0; array && i < array->size(); ++i) {
    const auto* table = array->get(i)->as_table();
    if (!table) {
      parent.mistake(array->get(i), "source", "must be written as [[software_update_point.source]]");
      continue;
    }
    auto s = parent.below(*table, "source");
    sup::RepositorySource source;
    source.components = {"main"};
    source.architectures = {"amd64"};
    s.text("name", source.name);
    s.text("url", source.url);
    s.text("suite", source.suite);
    s.list("components", source.components);
    s.list("architectures", source.architectures);
    s.path("keyring", source.keyring);
    check_source(s, source, names, files_must_exist);
    s.refuse_unknown();
    out.push_back(std::move(source));
  }
}

}  // namespace fp::apps
