// What stands under /SMS_DP_SMSPKG$/ (wire.md §11.3): contents with their real trees, their manifests, and the views Datalib,
// FileLib and PkgLib that other readers know. Any thread; pure look-ups in the library. Nothing here is stored: every view is
// made from the manifests when somebody asks.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "content/library.hpp"

namespace fp::dp {

struct Item {
  std::string name;
  bool folder = false;
  std::int64_t size_bytes = 0;
  Instant modified;
  std::string etag;  // strong, with quotes; folders: empty
};

struct Resource {
  Item self;
  std::string sha256;        // set: the bytes are this file of the library
  std::string text;          // else, of a view: the bytes
  std::string content_type;
  std::vector<Item> children;
};

enum class Children { none, listing, dav };

// A file of a content; empty for folders and every other view. Costs lookups in memory.
[[nodiscard]] std::optional<Resource> find_file(const content::Library& library, std::string_view rest);

// `rest`: the decoded path behind the virtual directory, without slashes at its ends. Code::not_found for everything that is
// not there, whatever the reason. A listing of Datalib/<content> is that of Datalib, as the readers of it expect.
[[nodiscard]] Result<Resource> find_resource(const content::Library& library, std::string_view rest, Children children);

}  // namespace fp::dp
