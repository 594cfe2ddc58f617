#include "base/random.hpp"

#include <sys/random.h>

#include <cstdlib>

namespace slipway {

std::string SystemRandom::bytes(std::size_t count) {
  std::string out(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = getrandom(out.data() + done, count - done, 0);
    if (got < 0) std::abort();  // the kernel cannot refuse after boot; going on without randomness would be worse
    done += static_cast<std::size_t>(got);
  }
  return out;
}

std::string SeededRandom::bytes(std::size_t count) {
  std::string out(count, '\0');
  for (char& byte : out) {
    // SplitMix64 (Steele, Lea, Flood 2014).
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    byte = static_cast<char>((z ^ (z >> 31)) & 0xff);
  }
  return out;
}

}  // namespace slipway
