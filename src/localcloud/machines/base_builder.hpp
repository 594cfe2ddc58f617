// BaseBuilder: makes a bootable Debian tree by mmdebstrap from this machine's own Debian apt sources: systemd, dbus,
// sshd, cloud-init, sudo; user `admin` with sudo and the instance's key pair, as Debian's EC2 images have. Blocking (30
// to 60 s); any thread.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::localcloud {

struct BaseOptions {
  std::string suite = "bookworm";
  std::string target;      ///< an empty directory, e.g. of a volume
  bool cloud_init = true;  ///< false: keys and host name only; smaller, for tests
  std::vector<std::string> more_packages;
  Duration timeout = std::chrono::minutes(10);
  std::function<void(const std::string& phase)> on_progress;  ///< "downloading packages", …; for people
  std::function<bool()> cancelled;
};

/// InvalidInput if target is not an empty directory; Unsupported if mmdebstrap is missing; Io with the end of its
/// output. On failure the target may hold half a tree, which the caller removes with its volume.
Result<void> build_base(const BaseOptions& options);

}  // namespace slipway::localcloud
