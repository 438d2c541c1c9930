#include "content/content.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"

namespace fp::content {

Content::Content(Manifest manifest) : manifest_(std::move(manifest)) {
  std::set<std::string> folders;
  for (const auto& file : manifest_.files) {
    for (auto slash = file.path.find('/'); slash != std::string::npos; slash = file.path.find('/', slash + 1))
      folders.insert(file.path.substr(0, slash));
    folded_.emplace(lower(file.path), file.path);
    modified_ = std::max(modified_, file.modified);
  }
  folders_.assign(folders.begin(), folders.end());
  for (const auto& folder : folders_) folded_.emplace(lower(folder), folder);
}

std::optional<Node> Content::find_exact(std::string_view path) const {
  if (path.empty()) return Node{};
  const auto file = std::ranges::lower_bound(manifest_.files, path, {}, &ManifestFile::path);
  if (file != manifest_.files.end() && file->path == path) return Node{file->path, &*file};
  if (std::ranges::binary_search(folders_, path)) return Node{std::string(path), nullptr};
  return std::nullopt;
}

std::optional<Node> Content::find(std::string_view path) const {
  while (path.ends_with('/')) path.remove_suffix(1);
  if (auto exact = find_exact(path)) return exact;
  const auto folded = folded_.find(lower(path));
  if (folded == folded_.end()) return std::nullopt;
  return find_exact(folded->second);
}

std::vector<Node> Content::list(std::string_view folder_path) const {
  const std::string prefix = folder_path.empty() ? std::string{} : std::string(folder_path) + "/";
  const auto child = [&](std::string_view path) {
    return path.starts_with(prefix) && path.find('/', prefix.size()) == std::string_view::npos;
  };
  std::vector<Node> out;
  for (auto it = std::ranges::lower_bound(folders_, prefix); it != folders_.end() && it->starts_with(prefix); ++it)
    if (child(*it)) out.push_back({*it, nullptr});
  for (auto it = std::ranges::lower_bound(manifest_.files, prefix, {}, &ManifestFile::path);
       it != manifest_.files.end() && it->path.starts_with(prefix); ++it)
    if (child(it->path)) out.push_back({it->path, &*it});
  return out;
}

}  // namespace fp::content
