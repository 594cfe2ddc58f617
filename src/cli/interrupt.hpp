// InterruptWatch: while one lives, Ctrl-C (SIGINT) is counted instead of ending the program. One at a time, main
// thread.
#pragma once
#include <csignal>

namespace slipway::cli {

class InterruptWatch {
 public:
  InterruptWatch();
  InterruptWatch(const InterruptWatch&) = delete;
  InterruptWatch& operator=(const InterruptWatch&) = delete;
  /// Puts back what was there before.
  ~InterruptWatch();
  /// Ctrl-C came since the start or the last clear().
  [[nodiscard]] static bool pending();
  static void clear();

 private:
  struct sigaction before_{};
};

}  // namespace slipway::cli
