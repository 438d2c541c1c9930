#include "roles/dp/tree.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/ids.hpp"
#include "base/text.hpp"
#include "crypto/hash.hpp"
#include "wire/ini.hpp"
#include "wire/manifest.hpp"

namespace fp::dp {
namespace {

using content::Content;
using content::Library;
using content::Node;

constexpr std::string_view kIni = ".INI";
constexpr std::string_view kManifest = ".manifest";
constexpr std::size_t kFileLibDigits = 4;

std::unexpected<Error> absent() { return fail(Code::not_found, "not here"); }

std::string strong_tag(std::string_view tag) { return "\"" + std::string(tag) + "\""; }

bool has_suffix(std::string_view text, std::string_view suffix) {
  return text.size() > suffix.size() && iequals(text.substr(text.size() - suffix.size()), suffix);
}
std::string_view without(std::string_view text, std::string_view suffix) { return text.substr(0, text.size() - suffix.size()); }

Item folder_item(std::string name, Instant modified) { return {std::move(name), true, 0, modified, {}}; }

Item file_item(const Node& node) {
  return {node.name(), false, node.file->size, node.file->modified, strong_tag(node.file->sha256)};
}

Resource text_resource(std::string name, std::string text, Instant modified, std::string_view content_type) {
  Resource out;
  out.self = {std::move(name), false, static_cast<std::int64_t>(text.size()), modified,
              strong_tag(hex_lower(crypto::sha256(text)))};
  out.text = std::move(text);
  out.content_type = content_type;
  return out;
}

std::string file_ini(const ManifestFile& file) {
  return wire::encode_file_ini({.modified = file.modified, .size_bytes = file.size, .sha256 = file.sha256});
}

Instant newest(const Library& library) {
  Instant out;
  for (const auto& id : library.contents())
    if (const auto content = library.find(id)) out = std::max(out, (*content)->modified());
  return out;
}

std::vector<Item> content_folders(const Library& library, bool with_ini) {
  std::vector<Item> out;
  for (const auto& id : library.contents()) {
    const auto content = library.find(id);
    if (!content) continue;
    out.push_back(folder_item(id, (*content)->modified()));
    if (!with_ini) continue;
    const auto size = static_cast<std::int64_t>(wire::encode_package_ini({split_content_id(id).id}).size());
    out.push_back({id + std::string(kIni), false, size, (*content)->modified(), {}});
  }
  return out;
}

Resource root(const Library& library, Children children) {
  Resource out;
  const Instant at = newest(library);
  out.self = folder_item("SMS_DP_SMSPKG$", at);
  if (children == Children::none) return out;
  out.children = content_folders(library, false);
  for (const char* name : {"Datalib", "FileLib", "PkgLib"}) out.children.push_back(folder_item(name, at));
  return out;
}

Resource datalib_root(const Library& library, Children children) {
  Resource out;
  out.self = folder_item("Datalib", newest(library));
  if (children != Children::none) out.children = content_folders(library, true);
  return out;
}

Resource datalib_folder(const Content& content, const Node& node, Children children) {
  Resource out;
  out.self = folder_item(node.path.empty() ? content.manifest().content_id : node.name(), content.modified());
  if (children == Children::none) return out;
  for (const auto& child : content.list(node.path)) {
    if (child.folder()) {
      out.children.push_back(folder_item(child.name(), content.modified()));
    } else {
      const auto size = static_cast<std::int64_t>(file_ini(*child.file).size());
      out.children.push_back({child.name() + std::string(kIni), false, size, child.file->modified, {}});
    }
  }
  return out;
}

Result<Resource> datalib(const Library& library, std::string_view rest, Children children) {
  if (rest.empty()) return datalib_root(library, children);
  const auto slash = rest.find('/');
  const std::string_view first = rest.substr(0, slash);
  const std::string_view path = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  if (path.empty() && has_suffix(first, kIni)) {
    FP_TRY(id, parse_content_id(without(first, kIni)));
    FP_TRY(content, library.find(id));
    const std::string& exact = content->manifest().content_id;
    return text_resource(exact + std::string(kIni), wire::encode_package_ini({split_content_id(exact).id}), content->modified(),
                         "text/plain");
  }
  FP_TRY(id, parse_content_id(first));
  FP_TRY(content, library.find(id));
  if (path.empty() && children == Children::listing) return datalib_root(library, children);
  if (const auto node = content->find(path); node && node->folder()) return datalib_folder(*content, *node, children);
  if (!has_suffix(path, kIni)) return absent();
  const auto node = content->find(without(path, kIni));
  if (!node || node->folder()) return absent();
  return text_resource(node->name() + std::string(kIni), file_ini(*node->file), node->file->modified, "text/plain");
}

// Size and time of a library file, from the first content that uses it.
Result<ManifestFile> file_of(const Library& library, const std::string& hash) {
  for (const auto& id : library.users_of(hash)) {
    const auto content = library.find(id);
    if (!content) continue;
    for (const auto& file : (*content)->manifest().files)
      if (file.sha256 == hash) return file;
  }
  return absent();
}

Resource filelib_folder(const Library& library, std::string_view digits, Children children) {
  Resource out;
  out.self = folder_item(digits.empty() ? "FileLib" : upper(digits), newest(library));
  if (children == Children::none) return out;
  std::set<std::string> folders;
  for (const auto& hash : library.hashes()) {
    const std::string name = upper(hash);
    if (digits.empty()) {
      folders.insert(name.substr(0, kFileLibDigits));
    } else if (iequals(name.substr(0, kFileLibDigits), digits)) {
      const auto file = file_of(library, hash);
      if (!file) continue;
      out.children.push_back({name, false, file->size, file->modified, strong_tag(hash)});
      const auto size = static_cast<std::int64_t>(wire::encode_users_ini(library.users_of(hash)).size());
      out.children.push_back({name + std::string(kIni), false, size, file->modified, {}});
    }
  }
  for (const auto& name : folders) out.children.push_back(folder_item(name, out.self.modified));
  return out;
}

Result<Resource> filelib(const Library& library, std::string_view rest, Children children) {
  const auto slash = rest.find('/');
  const std::string_view digits = rest.substr(0, slash);
  if (slash == std::string_view::npos) {
    Resource out = filelib_folder(library, digits, digits.empty() ? children : Children::listing);
    if (!digits.empty() && out.children.empty()) return absent();
    return out;
  }
  std::string_view name = rest.substr(slash + 1);
  const bool ini = has_suffix(name, kIni);
  if (ini) name = without(name, kIni);
  const std::string hash = lower(name);
  if (hash.size() != 64 || !iequals(hash.substr(0, kFileLibDigits), digits)) return absent();
  FP_TRY(file, file_of(library, hash));
  if (ini)
    return text_resource(upper(hash) + std::string(kIni), wire::encode_users_ini(library.users_of(hash)), file.modified,
                         "text/plain");
  Resource out;
  out.self = {upper(hash), false, file.size, file.modified, strong_tag(hash)};
  out.sha256 = hash;
  out.content_type = "application/octet-stream";
  return out;
}

Result<Resource> pkglib(const Library& library, std::string_view rest, Children children) {
  std::map<std::string, std::vector<std::string>> packages;
  for (const auto& id : library.contents()) packages[split_content_id(id).id].push_back(id);
  const Instant at = newest(library);
  if (rest.empty()) {
    Resource out;
    out.self = folder_item("PkgLib", at);
    if (children != Children::none)
      for (const auto& [id, contents] : packages)
        out.children.push_back(
            {id + std::string(kIni), false, static_cast<std::int64_t>(wire::encode_package_ini(contents).size()), at, {}});
    return out;
  }
  if (!has_suffix(rest, kIni)) return absent();
  FP_TRY(id, parse_content_id(without(rest, kIni)));
  const auto found = packages.find(id);
  if (found == packages.end()) return absent();
  return text_resource(id + std::string(kIni), wire::encode_package_ini(found->second), at, "text/plain");
}

Result<Resource> content_tree(const Library& library, std::string_view rest, Children children) {
  const auto slash = rest.find('/');
  const std::string_view first = rest.substr(0, slash);
  if (slash == std::string_view::npos && has_suffix(first, kManifest)) {
    FP_TRY(id, parse_content_id(without(first, kManifest)));
    FP_TRY(content, library.find(id));
    return text_resource(content->manifest().content_id + std::string(kManifest), wire::encode_manifest(content->manifest()),
                         content->modified(), "application/json");
  }
  FP_TRY(id, parse_content_id(first));
  FP_TRY(content, library.find(id));
  const auto node = content->find(slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1));
  if (!node) return absent();
  Resource out;
  if (!node->folder()) {
    out.self = file_item(*node);
    out.sha256 = node->file->sha256;
    out.content_type = "application/octet-stream";
    return out;
  }
  out.self = folder_item(node->path.empty() ? std::string(first) : node->name(), content->modified());
  if (children == Children::none) return out;
  for (const auto& child : content->list(node->path))
    out.children.push_back(child.folder() ? folder_item(child.name(), content->modified()) : file_item(child));
  return out;
}

}  // namespace

std::optional<Resource> find_file(const Library& library, std::string_view rest) {
  const auto slash = rest.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto id = parse_content_id(rest.substr(0, slash));
  if (!id) return std::nullopt;
  auto found = content_tree(library, rest, Children::none);
  if (!found || found->sha256.empty()) return std::nullopt;
  return std::move(*found);
}

Result<Resource> find_resource(const Library& library, std::string_view rest, Children children) {
  if (rest.empty()) return root(library, children);
  const auto slash = rest.find('/');
  const std::string_view first = rest.substr(0, slash);
  const std::string_view below = slash == std::string_view::npos ? std::string_view{} : rest.substr(slash + 1);
  Result<Resource> found = absent();
  if (iequals(first, "Datalib")) found = datalib(library, below, children);
  else if (iequals(first, "FileLib")) found = filelib(library, below, children);
  else if (iequals(first, "PkgLib")) found = pkglib(library, below, children);
  else found = content_tree(library, rest, children);
  if (!found) return absent();
  return found;
}

}  // namespace fp::dp
