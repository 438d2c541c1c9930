#include <cstdint>

#include "crypto/cms.hpp"
#include "pki/pki_test_support.hpp"

// Odd first byte: the input lies over a real envelope, so that the damage is found behind the outer structure too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fp::pki;
  static const Certificate mine = testing::a_certificate(Profile::client, "pc1");
  static const std::string envelope = fp::crypto::seal("the quick brown fox", mine.der()).value();
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size > 2 && (data[0] & 1) != 0) {
    const std::size_t at = data[1] * 3U;
    std::string damaged = envelope;
    for (std::size_t i = 2; i < size && at + i - 2 < damaged.size(); ++i) damaged[at + i - 2] = bytes[i];
    bytes = std::move(damaged);
  }
  static_cast<void>(fp::crypto::open(bytes, testing::a_key(), mine.der()));
  return 0;
}
