// MachineDriver: what the EC2 side needs of real machines, in one small interface: disks, guests and the firewall.
// Implementations: RealMachines (machines/) and FakeMachines (tests). Thread-safe; calls block. Owned by the assembly.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "localcloud/machines/guest.hpp"
#include "localcloud/machines/guest_mounts.hpp"
#include "localcloud/machines/security.hpp"
#include "localcloud/machines/shared_directory.hpp"

namespace slipway::localcloud {

struct MachineSpec {
  std::string instance_id;
  std::string volume_id;
  Ipv4 address;
  std::string mac;
  std::string hostname;
  int cpus = 1;
  std::int64_t memory_bytes = 0;
  bool first_boot = false;
};

/// A directory of a file system, to be mounted in a running guest as its root asked.
struct FileSystemMount {
  std::string file_system_id;
  SharedDirectory directory;
  GuestMount guest;
};

/// Where a file system may be mounted.
struct MountedBy {
  std::string instance_id;
  Ipv4 address;
};

class MachineDriver {
 public:
  /// Once for each guest that ended, on any thread; must not call the driver.
  using OnExit = std::function<void(const std::string& instance_id, const ExitRecord& record)>;
  virtual ~MachineDriver() = default;
  /// Before the first guest.
  virtual void set_on_exit(OnExit on_exit) = 0;

  /// A volume with the snapshot's content. One of that name is taken as it is: a repetition after a crash. NotFound,
  /// Exhausted.
  virtual Result<void> create_volume(const std::string& volume_id, const std::string& snapshot_id,
                                     std::int64_t limit_bytes) = 0;
  /// The volume as it is now. One of that name is taken as it is.
  virtual Result<void> create_snapshot(const std::string& volume_id, const std::string& snapshot_id) = 0;
  /// Volume or snapshot; nothing of that name is fine.
  virtual Result<void> remove_disk(const std::string& name) = 0;
  /// Names of all volumes and snapshots, sorted.
  virtual Result<std::vector<std::string>> list_disks() = 0;
  /// Makes a base system (minutes at most) as a snapshot. Both functions are called on this
  /// thread.
  virtual Result<void> build_base(const std::string& suite, const std::string& snapshot_id,
                                  const std::function<void(const std::string&)>& progress,
                                  const std::function<bool()>& cancelled) = 0;

  /// Gives the guest its port, applies the published security policy and boots it. Conflict if it runs.
  virtual Result<void> start(const MachineSpec& spec) = 0;
  /// Finds the guest of an earlier run of ours. False if it runs no more, and then nothing of it is left running.
  virtual Result<bool> adopt(const std::string& instance_id) = 0;
  /// Why the last run of the guest ended; NotFound if that is not known.
  virtual Result<ExitRecord> last_exit(const std::string& instance_id) = 0;
  /// Powers off, and kills after `deadline`. The end comes by on_exit. NotFound if it does not run.
  virtual Result<void> request_stop(const std::string& instance_id, Duration deadline) = 0;
  virtual Result<void> reboot(const std::string& instance_id) = 0;
  /// The guest has ended: takes its port away. Repeatable.
  virtual Result<void> unplug(const std::string& instance_id) = 0;
  /// The guest is terminated: takes port, console log and records away. Repeatable.
  virtual Result<void> forget(const std::string& instance_id) = 0;
  [[nodiscard]] virtual std::string console(const std::string& instance_id) const = 0;

  /// An empty file system. One of that name is taken as it is: a repetition after a crash. remove_disk() removes it.
  virtual Result<void> create_file_system(const std::string& file_system_id) = 0;
  /// Bytes that its files hold. NotFound.
  [[nodiscard]] virtual Result<std::int64_t> file_system_bytes(const std::string& file_system_id) const = 0;
  /// See open_shared_directory() and GuestMounts::mount().
  virtual Result<void> mount_file_system(const FileSystemMount& mount) = 0;
  /// Takes it out of these guests; one that does not run or has it not is fine. Repeatable.
  virtual Result<void> detach_file_system(const std::string& file_system_id, const std::vector<MountedBy>& guests) = 0;

  /// The policy from now on; does not block. apply_security() makes it hold; a newer one is never replaced by an older.
  virtual void publish_security(SecurityPolicy policy) = 0;
  virtual Result<void> apply_security() = 0;
};

}  // namespace slipway::localcloud
