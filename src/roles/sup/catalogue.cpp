#include "roles/sup/catalogue.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "crypto/hash.hpp"

namespace fp::sup {
namespace {

std::string derived_guid(std::string_view kind, std::string_view name) {
  std::string h = hex(crypto::sha256(fmt::format("farpoint-{}\n{}", kind, name))).substr(0, 32);
  h[12] = '8';  // RFC 9562: a version of one's own making
  h[16] = 'A';
  return fmt::format("{}-{}-{}-{}-{}", h.substr(0, 8), h.substr(8, 4), h.substr(12, 4), h.substr(16, 4), h.substr(20));
}

std::string_view class_id(UpdateClass c) { return c == UpdateClass::security ? kSecurityUpdates : kUpdates; }

UpdateRule on_package(const SoftwareUpdate& u, const char* comparison) {
  UpdateRule rule;
  rule.op = RuleOp::package;
  rule.name = u.package;
  rule.architecture = u.architecture;
  rule.comparison = comparison;
  rule.version = u.version;
  return rule;
}

UpdateRule always() {
  UpdateRule rule;
  rule.op = RuleOp::always;
  return rule;
}

UpdateMetadata detectoid_of(const std::string& architecture) {
  UpdateMetadata m;
  m.id = architecture_id(architecture);
  m.kind = UpdateKind::detectoid;
  m.is_installed.op = RuleOp::architecture;
  m.is_installed.architecture = architecture;
  return m;
}

UpdateMetadata category_of(std::string id, const std::set<std::string>& architectures) {
  UpdateMetadata m;
  m.id = std::move(id);
  m.kind = UpdateKind::category;
  m.is_installed = always();
  std::vector<std::string> clause;
  for (const auto& a : architectures) clause.push_back(architecture_id(a));
  if (!clause.empty()) m.prerequisites.push_back(std::move(clause));
  return m;
}

}  // namespace

std::string architecture_id(std::string_view architecture) { return derived_guid("architecture", architecture); }
std::string product_id(std::string_view product) { return derived_guid("product", product); }

// A category keeps its number from one catalogue to the next, so it follows from the id; the next free one where two collide.
void Catalogue::add_category(UpdateMetadata metadata, std::string title) {
  const auto hash = unhex(std::string_view(metadata.id).substr(0, 8)).value_or("");
  std::int64_t number = 0;
  for (const char c : hash) number = number << 8 | static_cast<unsigned char>(c);
  number = number % (kFirstUpdateNumber - 1) + 1;
  while (by_number_.contains(number)) number = number % (kFirstUpdateNumber - 1) + 1;
  by_number_.emplace(number, 0);
  items_.push_back({number, std::move(metadata), false, std::move(title), {}});
}

Catalogue::Catalogue(const std::vector<SoftwareUpdate>& updates) {
  std::set<std::string> architectures;
  std::set<UpdateClass> classes;
  std::map<std::string, std::set<std::string>> products;
  for (const auto& u : updates) {
    if (u.expired) continue;
    architectures.insert(u.architecture);
    classes.insert(u.classification);
    products[u.product].insert(u.architecture);
  }
  for (const auto& a : architectures) add_category(detectoid_of(a), a == "all" ? std::string("any architecture") : a);
  for (const auto c : classes) add_category(category_of(std::string(class_id(c)), {}), name_of(c));
  for (const auto& [product, of] : products) add_category(category_of(product_id(product), of), product);
  std::ranges::sort(items_, {}, &CatalogueItem::number);
  for (const auto& u : updates) {
    if (u.expired) continue;
    UpdateMetadata m;
    m.id = u.id;
    m.revision = u.revision;
    m.prerequisites = {{product_id(u.product)}, {std::string(class_id(u.classification))}, {architecture_id(u.architecture)}};
    m.is_installed = on_package(u, "GreaterThanOrEqualTo");
    m.is_installable = on_package(u, "LessThan");
    items_.push_back({kFirstUpdateNumber + u.number, std::move(m), true, u.title, u});
  }
  for (std::size_t i = 0; i < items_.size(); ++i) {
    by_number_[items_[i].number] = i;
    by_id_[items_[i].metadata.id] = i;
    if (items_[i].leaf) by_file_[items_[i].update.sha256] = i;
  }
}

CataloguePage Catalogue::page(const std::vector<std::int64_t>& installed, const std::vector<std::int64_t>& cached, std::size_t most) const {
  CataloguePage out;
  std::unordered_set<std::int64_t> known(installed.begin(), installed.end());
  known.insert(cached.begin(), cached.end());
  std::unordered_set<std::string_view> holds;
  for (const auto number : installed)
    if (const auto* item = find(number); item && !item->leaf) holds.insert(item->metadata.id);
  for (const auto number : known)
    if (!find(number)) out.out_of_scope.push_back(number);
  std::ranges::sort(out.out_of_scope);
  for (const auto& item : items_) {
    if (known.contains(item.number)) continue;
    const auto clause_holds = [&](const std::vector<std::string>& clause) {
      return std::ranges::any_of(clause, [&](const std::string& id) { return holds.contains(id); });
    };
    if (!std::ranges::all_of(item.metadata.prerequisites, clause_holds)) continue;
    if (out.items.size() == most) {
      out.truncated = true;
      break;
    }
    out.items.push_back(&item);
  }
  return out;
}

const CatalogueItem* Catalogue::find(std::int64_t number) const {
  const auto at = by_number_.find(number);
  return at == by_number_.end() ? nullptr : &items_[at->second];
}
const CatalogueItem* Catalogue::find(std::string_view update_id) const {
  const auto at = by_id_.find(std::string(update_id));
  return at == by_id_.end() ? nullptr : &items_[at->second];
}
const CatalogueItem* Catalogue::find_file(std::string_view sha256) const {
  const auto at = by_file_.find(std::string(sha256));
  return at == by_file_.end() ? nullptr : &items_[at->second];
}

}  // namespace fp::sup
