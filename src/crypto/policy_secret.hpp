// The obfuscation of secret values inside policy bodies (wire.md §4.8). It hides, it does not protect: the key travels with
// the text, so it is written only for clients that expect it, and the body around it is sealed (cms.hpp).
// Any thread; pure. Never used for anything this project designs itself.
#pragma once
#include <string>
#include <string_view>

#include "base/random.hpp"
#include "base/result.hpp"

namespace fp::crypto {

enum class SecretAlgorithm { triple_des, aes256 };

inline constexpr std::size_t kSecretBytesMax = 64U << 10;  // ciphertext; a value longer than that is not a secret
inline constexpr std::size_t kSecretSeedBytes = 40;

// UTF-8 in, upper-case hex out. The plain text goes in as UTF-16LE with a NUL. Code::too_large over the limit.
[[nodiscard]] Result<std::string> obfuscate(std::string_view utf8, SecretAlgorithm algorithm, Random& random);
// Hex in, UTF-8 out; also reads AES-128 and AES-192. Code::invalid: any field that is not as the format says.
[[nodiscard]] Result<std::string> deobfuscate(std::string_view hex_text);

}  // namespace fp::crypto
