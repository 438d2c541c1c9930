// The catalogue as a scan sees it: categories and detectoids, then updates, each with its number and what must be installed before it
// is delivered (MS-WUSP, protocols.md §3.2). Immutable once made; any thread. Making it costs a pass over the updates; a page
// costs a pass over their numbers. Never: an update before its prerequisites, an expired one.
#pragma once
#include <map>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "model/update.hpp"

namespace fp::sup {

// Well-known ids of classifications, as WSUS has them.
inline constexpr std::string_view kSecurityUpdates = "0FA1201D-4330-4FA8-8AE9-B877473B6441",
                                  kUpdates = "CD5FFD1E-E932-4E3A-BF74-18BF0B1BBD83";

struct CatalogueItem {
  std::int64_t number = 0;
  UpdateMetadata metadata;
  bool leaf = true;
  std::string title;
  SoftwareUpdate update;               // kind software
};

struct CataloguePage {
  std::vector<const CatalogueItem*> items;
  std::vector<std::int64_t> out_of_scope;
  bool truncated = false;
};

class Catalogue {
 public:
  // Numbers of categories follow from their ids, below kFirstUpdateNumber; those of updates from the site's, above it.
  static constexpr std::int64_t kFirstUpdateNumber = std::int64_t{1} << 29;
  explicit Catalogue(const std::vector<SoftwareUpdate>& updates);

  // What a client that holds these revisions gets next: `installed` are non-leaf revisions that hold on it, `cached` the others it has.
  [[nodiscard]] CataloguePage page(const std::vector<std::int64_t>& installed, const std::vector<std::int64_t>& cached, std::size_t most) const;
  [[nodiscard]] const CatalogueItem* find(std::int64_t number) const;
  [[nodiscard]] const CatalogueItem* find(std::string_view update_id) const;
  [[nodiscard]] const CatalogueItem* find_file(std::string_view sha256) const;  // lower-case hex
  [[nodiscard]] std::size_t size() const { return items_.size(); }

 private:
  void add_category(UpdateMetadata metadata, std::string title);
  std::vector<CatalogueItem> items_;   // by number
  std::unordered_map<std::int64_t, std::size_t> by_number_;
  std::unordered_map<std::string, std::size_t> by_id_, by_file_;
};

[[nodiscard]] std::string architecture_id(std::string_view architecture);  // of its detectoid
[[nodiscard]] std::string product_id(std::string_view product);            // of its category

}  // namespace fp::sup
