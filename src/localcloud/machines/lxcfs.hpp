// Lxcfs: the file system that shows each guest its own memory and CPUs in /proc instead of the machine's. One daemon a
// cloud, which outlives us as the guests do. Blocking; one thread at a time.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.hpp"
#include "localcloud/machines/guest.hpp"
#include "localcloud/machines/identity.hpp"

namespace slipway::localcloud {

class Lxcfs {
 public:
  explicit Lxcfs(const Identity& identity);

  /// Starts it unless it answers. Guests that run keep the files of a daemon that died (they then get errors from them
  /// until they are started again), new ones get the new daemon's.
  Result<void> ensure_running();
  /// What a guest gets bound over its own /proc, read-only.
  [[nodiscard]] std::vector<GuestBind> binds() const;
  /// Unmounts it, which ends the daemon. Repeatable.
  Result<void> stop();

 private:
  [[nodiscard]] bool answers() const;
  /// 0 if it does not run.
  [[nodiscard]] pid_t pid() const;

  const std::string directory_;
};

}  // namespace slipway::localcloud
