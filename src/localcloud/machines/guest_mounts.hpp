// GuestMounts: brings a directory of the outer machine into the mount table of a running guest, as its kernel's own NFS
// client would: the guest's owners, no devices, no set-user-id, and its own `umount` takes it away. Paths of the guest
// are resolved inside the guest only. What is mounted ends with the guest. Thread-safe; blocking, each call by
// kGuestPatience at most.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "localcloud/machines/guest_entry.hpp"
#include "localcloud/machines/guest_space.hpp"
#include "localcloud/machines/identity.hpp"
#include "runtime/files.hpp"

namespace slipway::localcloud {

/// A mount is a millisecond; a guest's automount or network file system on the way may take a little.
inline constexpr Duration kGuestPatience = std::chrono::seconds(5);

/// Where in a guest the mount helper lays down what it asks for, below the guest's root. Only the guest's root can
/// write there, so a request that lies there is root's, as mount(8) demands.
inline constexpr std::string_view kMountProofs = "run/mount.efs";

struct GuestMount {
  std::string instance_id;
  Ipv4 address;        ///< of the instance
  std::string target;  ///< absolute path in the guest; a directory
  bool read_only = false;
  bool no_exec = false;
  std::string proof_file;  ///< name of a file in kMountProofs
  std::string proof;       ///< its content, byte for byte
};

class GuestMounts {
 public:
  explicit GuestMounts(Identity identity) : identity_(std::move(identity)) {}

  /// Takes the proof away, which is good for one mount. Before anything else is done for the request. Denied without
  /// the proof, or if it is not root's own; NotFound if the guest does not run; else as GuestEntry::run().
  Result<void> take_proof(const GuestMount& mount);
  /// Mounts `source` in the guest. NotFound if the guest does not run or has no such target; InvalidInput for a target
  /// that is no directory; else as GuestEntry::run().
  Result<void> mount(const runtime::Directory& source, const GuestMount& mount);
  /// Takes every mount of the volume out of the guest, also out of its services' and containers' namespaces. What is
  /// open there stays open. Nothing there, or no guest, is fine.
  Result<void> detach(const std::string& volume, const std::string& instance_id, Ipv4 address);

 private:
  [[nodiscard]] Result<GuestSpace> space_of(const GuestMount& mount) const;

  const Identity identity_;
  GuestEntry entry_;
};

/// Mount points whose mount is the volume or a directory in it, the last one first. Pure.
std::vector<std::string> mount_points_of(std::string_view mountinfo, const std::string& volume);

}  // namespace slipway::localcloud
