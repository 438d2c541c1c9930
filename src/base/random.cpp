#include "base/random.hpp"

#include <pthread.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>

namespace fp {
namespace {

void fill(char* out, std::size_t count) {
  std::size_t done = 0;
  while (done < count) {
    const ssize_t n = getrandom(out + done, count - done, 0);
    if (n < 0) std::abort();  // a kernel without randomness cannot hold keys
    done += static_cast<std::size_t>(n);
  }
}

// Small draws (ids of messages) come from bytes fetched ahead, a block per thread: a call into the kernel for each would be
// a fiftieth of a poll's cost. Bytes given out are cleared, and a forked child fetches its own.
class SystemRandom final : public Random {
 public:
  std::string bytes(std::size_t count) override {
    std::string out(count, '\0');
    if (count > kSmallBytes) {
      fill(out.data(), count);
      return out;
    }
    thread_local Ahead ahead;
    if (ahead.owner != forks.load(std::memory_order_relaxed) || ahead.used + count > ahead.block.size()) {
      fill(ahead.block.data(), ahead.block.size());
      ahead.used = 0;
      ahead.owner = forks.load(std::memory_order_relaxed);
    }
    char* const from = ahead.block.data() + ahead.used;
    std::memcpy(out.data(), from, count);
    explicit_bzero(from, count);
    ahead.used += count;
    return out;
  }
  SystemRandom() { pthread_atfork(nullptr, nullptr, [] { forks.fetch_add(1, std::memory_order_relaxed); }); }

 private:
  static constexpr std::size_t kSmallBytes = 16;
  struct Ahead {
    std::array<char, 512> block{};
    std::size_t used = block.size();
    unsigned owner = 0;
  };
  static inline std::atomic<unsigned> forks{0};
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
