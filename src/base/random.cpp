#include "base/random.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace fp {
namespace {

class SystemRandom final : public Random {
 public:
  std::string bytes(std::size_t count) override {
    std::string out(count, '\0');
    std::size_t done = 0;
    while (done < count) {
      const ssize_t n = getrandom(out.data() + done, count - done, 0);
      if (n < 0) std::abort();  // a kernel without randomness cannot hold keys
      done += static_cast<std::size_t>(n);
    }
    return out;
  }
};

}  // namespace

std::uint64_t Random::u64() {
  const std::string b = bytes(8);
  std::uint64_t v = 0;
  std::memcpy(&v, b.data(), 8);
  return v;
}

std::uint64_t Random::below(std::uint64_t bound) {
  const std::uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  std::uint64_t v = u64();
  while (v >= limit) v = u64();
  return v % bound;
}

Random& system_random() {
  static SystemRandom random;
  return random;
}

std::string SeededRandom::bytes(std::size_t count) {
  std::string out(count, '\0');
  for (char& c : out) c = static_cast<char>(engine_());
  return out;
}

std::int64_t Backoff::delay_ms(int attempt, Random& random) const {
  std::int64_t most = first_ms;
  for (int i = 0; i < attempt && most < cap_ms; ++i) most *= 2;
  most = std::min(most, cap_ms);
  return static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most) + 1));
}

}  // namespace fp
