// Hashes, HMAC and comparison in constant length. Any thread (one Sha256 object: one thread at a time); pure.
// Costs one pass over the bytes. Never allocates per byte, never fails: the library's only errors here are out of memory.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace fp::crypto {

enum class Hash { sha256, sha1 };

// Incremental SHA-256 for content that does not fit into memory.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();
  Sha256& update(std::string_view bytes);
  [[nodiscard]] std::string finish();  // 32 raw bytes; the object starts again empty

 private:
  struct State;
  std::unique_ptr<State> state_;
};

[[nodiscard]] std::string sha256(std::string_view bytes);  // 32 raw bytes
[[nodiscard]] std::string sha1(std::string_view bytes);    // 20 raw bytes; only where the wire asks for it (wire.md §4)
[[nodiscard]] std::string digest(Hash hash, std::string_view bytes);
[[nodiscard]] std::string hmac_sha256(std::string_view key, std::string_view bytes);  // 32 raw bytes

// Time depends on the lengths only. Different lengths are different.
[[nodiscard]] bool equal_constant_time(std::string_view a, std::string_view b);

}  // namespace fp::crypto
