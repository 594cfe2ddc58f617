// Where randomness comes from: passed in, so that cores stay deterministic under test.
#pragma once
#include <cstdint>
#include <string>

namespace slipway {

class RandomSource {
 public:
  virtual ~RandomSource() = default;
  /// `count` random bytes.
  virtual std::string bytes(std::size_t count) = 0;
};

/// The operating system's, fit for keys and tokens. Any thread.
class SystemRandom final : public RandomSource {
 public:
  std::string bytes(std::size_t count) override;
};

/// The same bytes for the same seed; tests only. One thread.
class SeededRandom final : public RandomSource {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  std::string bytes(std::size_t count) override;

 private:
  std::uint64_t state_;
};

}  // namespace slipway
