#include <cstdint>
#include <cstdlib>

#include "base/random.hpp"
#include "crypto/policy_secret.hpp"

// A secret that can be read is written again and reads the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fp::crypto::deobfuscate({reinterpret_cast<const char*>(data), size});
  if (!text) return 0;
  fp::SeededRandom random(1);
  const auto again = fp::crypto::obfuscate(*text, fp::crypto::SecretAlgorithm::aes256, random);
  if (again && fp::crypto::deobfuscate(*again) != *text) std::abort();
  return 0;
}
