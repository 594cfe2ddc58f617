// GuestSpace: the namespaces of a running guest, opened once, so that they stay the ones that were looked at. Blocking;
// any thread.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

struct GuestSpace {
  runtime::Fd mounts;  ///< of its init
  runtime::Fd users;
};

/// Those of the guest of this instance directory. It is told apart by its range of uids, which is the instance's alone.
/// NotFound if it does not run, or has only begun to.
Result<GuestSpace> open_guest_space(const std::string& instance_directory, std::uint32_t uid_base);

/// One mount namespace with somebody of the guest in it.
struct GuestMountSpace {
  pid_t pid = 0;  ///< one that lives there
  runtime::Fd mounts;
};

/// Every mount namespace of the guest: its own, and those of services and containers inside. At most
/// kMostMountSpaces; what ends meanwhile is left out.
std::vector<GuestMountSpace> open_mount_spaces(std::uint32_t uid_base);
/// More than a host of 40 containers has; a guest that makes more keeps what is mounted there until it ends.
inline constexpr std::size_t kMostMountSpaces = 1024;

}  // namespace slipway::localcloud
