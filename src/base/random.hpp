// Randomness as a seam (rule 2). SystemRandom is safe for keys and any thread; SeededRandom repeats, for tests, one thread.
#pragma once
#include <cstdint>
#include <random>
#include <string>

namespace fp {

class Random {
 public:
  virtual ~Random() = default;
  [[nodiscard]] virtual std::string bytes(std::size_t count) = 0;
  [[nodiscard]] std::uint64_t u64();
  [[nodiscard]] std::uint64_t below(std::uint64_t bound);  // uniform in [0, bound); bound > 0
};

[[nodiscard]] Random& system_random();

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : engine_(seed) {}
  std::string bytes(std::size_t count) override;

 private:
  std::mt19937_64 engine_;
};

// Exponential back-off with full jitter applied after the cap (rule 8): the one back-off of the house.
// Try 0 draws from [0, first_ms], try n from [0, min(cap_ms, first_ms * 2^n)].
struct Backoff {
  std::int64_t first_ms = 1000;
  std::int64_t cap_ms = 15 * 60 * 1000;
  [[nodiscard]] std::int64_t delay_ms(int attempt, Random& random) const;
};

}  // namespace fp
