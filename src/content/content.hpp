// One content version as a tree, made from its manifest. Immutable: any thread, no locks. Lookups cost a binary search.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/content.hpp"

namespace fp::content {

struct Node {
  std::string path;                    // as the manifest spells it; empty: the root
  const ManifestFile* file = nullptr;  // null: a folder
  [[nodiscard]] bool folder() const { return file == nullptr; }
  [[nodiscard]] std::string name() const { return path.substr(path.rfind('/') + 1); }
};

class Content {
 public:
  explicit Content(Manifest manifest);
  [[nodiscard]] const Manifest& manifest() const { return manifest_; }
  // The exact spelling first, then ASCII case-insensitive, as IIS does. "" is the root. Trailing slashes do not matter.
  [[nodiscard]] std::optional<Node> find(std::string_view path) const;
  // Children of a folder: folders first, then files, each by name.
  [[nodiscard]] std::vector<Node> list(std::string_view folder_path) const;
  [[nodiscard]] Instant modified() const { return modified_; }  // of the newest file

 private:
  [[nodiscard]] std::optional<Node> find_exact(std::string_view path) const;
  Manifest manifest_;
  std::vector<std::string> folders_;  // sorted, without the root
  std::unordered_map<std::string, std::string> folded_;  // lower-case path -> path, files and folders
  Instant modified_;
};

}  // namespace fp::content
