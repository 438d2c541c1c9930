// Sends what is too large for a message by BITS_POST (wire.md §10, docs/protocol/uploads.md): asks for a destination, sends
// fragments, goes on at the byte that the management point has when it was interrupted, by a restart of either side too.
// One thread; blocks for the whole transfer; one small synced write a fragment. Never: a part of the body in a message, a
// second management point for one upload (they do not share them).
#pragma once
#include <string>
#include <string_view>

#include "agent/core/mp_client.hpp"
#include "wire/upload.hpp"

namespace fp::agent {

inline constexpr std::size_t kUploadAboveBytes = 64U << 10;  // compressed; below, the message carries it

class Uploader {
 public:
  Uploader(memory::Memory& memory, MpClient& mp) : memory_(memory), mp_(mp) {}

  // `purpose` names the upload in memory: the same purpose, management point and bytes go on where they stopped. Returns what
  // the signed message says. Code::unavailable and the like: not all of it is there; call again. Code::forbidden,
  // Code::not_found: this management point takes no uploads.
  [[nodiscard]] Result<wire::UploadedBody> send(const std::string& base, std::string_view purpose, std::string_view bytes,
                                                bool internet);
  // The message was taken.
  [[nodiscard]] Status forget(std::string_view purpose);

 private:
  struct Progress;
  [[nodiscard]] Result<Progress> load(std::string_view purpose);
  [[nodiscard]] Status save(std::string_view purpose, const Progress& progress);
  [[nodiscard]] Result<Progress> begin(const std::string& base, std::string_view bytes, const std::string& sha256, bool internet);
  [[nodiscard]] Status create(Progress& progress);
  [[nodiscard]] Status fragment(Progress& progress, std::string_view bytes, std::size_t& fragment_bytes);

  memory::Memory& memory_;
  MpClient& mp_;
};

}  // namespace fp::agent
