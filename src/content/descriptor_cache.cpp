#include "content/descriptor_cache.hpp"

namespace fp::content {

DescriptorCache::Entry DescriptorCache::find(const std::string& hash) {
  std::lock_guard lock(mutex_);
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return {};
  order_.splice(order_.begin(), order_, found->second);
  return found->second->second;
}

void DescriptorCache::put(const std::string& hash, Entry entry) {
  std::lock_guard lock(mutex_);
  if (entries_max_ == 0 || by_hash_.contains(hash)) return;
  order_.emplace_front(hash, std::move(entry));
  by_hash_[hash] = order_.begin();
  if (order_.size() > entries_max_) {
    by_hash_.erase(order_.back().first);
    order_.pop_back();
  }
}

void DescriptorCache::drop(const std::string& hash) {
  std::lock_guard lock(mutex_);
  const auto found = by_hash_.find(hash);
  if (found == by_hash_.end()) return;
  order_.erase(found->second);
  by_hash_.erase(found);
}

}  // namespace fp::content
