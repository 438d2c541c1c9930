// Open descriptors of library files by hash, the least recently used closed first. Any thread; one lock per call.
// A response that still sends from a descriptor keeps it open beyond its place here.
#pragma once
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/file.hpp"

namespace fp::content {

class DescriptorCache {
 public:
  explicit DescriptorCache(std::size_t entries_max) : entries_max_(entries_max) {}
  struct Entry {
    std::shared_ptr<Fd> file;
    std::int64_t size_bytes = 0;
  };
  [[nodiscard]] Entry find(const std::string& hash);  // file null: not here
  void put(const std::string& hash, Entry entry);
  void drop(const std::string& hash);

 private:
  using Order = std::list<std::pair<std::string, Entry>>;
  std::size_t entries_max_;
  std::mutex mutex_;
  Order order_;  // newest first
  std::unordered_map<std::string, Order::iterator> by_hash_;
};

}  // namespace fp::content
