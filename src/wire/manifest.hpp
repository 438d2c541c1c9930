// The manifest of a content version as JSON, and its root hash (docs/protocol/manifest.md). Any thread; pure.
// Costs one JSON parse or one SHA-256 over the canonical text. Never lets a manifest through that contradicts itself:
// decode_manifest() checks order, paths, sizes, counts of chunks, and the root hash.
#pragma once
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/content.hpp"

namespace fp::wire {

[[nodiscard]] std::string encode_manifest(const Manifest& manifest);
// Code::invalid: not a manifest; Code::too_large: over limits::kManifest*; Code::corrupt: the root hash is another.
[[nodiscard]] Result<Manifest> decode_manifest(std::string_view json);

// The bytes that the root hash covers: everything but times. Lower-case hex.
[[nodiscard]] std::string canonical_manifest(const Manifest& manifest);
[[nodiscard]] std::string manifest_root_hash(const Manifest& manifest);

// The rules of decode_manifest() on a value: Code::invalid naming the file, or Code::corrupt for the root hash.
[[nodiscard]] Status check_manifest(const Manifest& manifest);

}  // namespace fp::wire
