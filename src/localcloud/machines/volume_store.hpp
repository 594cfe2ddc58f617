// VolumeStore: disks and images as copy-on-write trees. A *volume* is a writable tree with a size limit, a *snapshot*
// is a read-only one; both live in one name space (EC2's vol-… and snap-…). Making one from the other costs
// milliseconds at any size. Every operation is atomic: after a crash the name exists wholly or not at all.
// Thread-safe; blocking. Owned by the cloud's assembly.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "localcloud/machines/identity.hpp"

namespace slipway::localcloud {

struct VolumeInfo {
  std::string name;
  bool read_only = false;             ///< a snapshot
  std::int64_t limit_bytes = 0;       ///< 0: none
  std::int64_t referenced_bytes = 0;  ///< what the tree holds, shared or not
  std::int64_t exclusive_bytes = 0;   ///< what its removal would free
};

struct VolumeSpace {
  std::int64_t outer_free_bytes = 0;  ///< on the file system that holds the data directory
  std::int64_t inner_free_bytes = 0;  ///< in the store
};

class VolumeStore {
 public:
  virtual ~VolumeStore() = default;

  /// An empty volume; `limit_bytes` 0 is none. Conflict if the name exists; InvalidInput for a name that is not
  /// [a-z0-9-]{1,64}; Exhausted as check_room().
  virtual Result<void> create(const std::string& volume, std::int64_t limit_bytes) = 0;
  /// A copy of the directory tree `source` (owners, modes, times, xattrs) as a snapshot. Same errors, NotFound for no
  /// such tree.
  virtual Result<void> import_tree(const std::string& source, const std::string& snapshot) = 0;
  /// A snapshot of the volume as it is now, with all that is nested in it. Same errors; NotFound for no such volume.
  virtual Result<void> snapshot(const std::string& volume, const std::string& snapshot) = 0;
  /// A volume with the snapshot's content. Writes that take it over `limit_bytes` fail with EDQUOT. Same errors;
  /// InvalidInput if the limit is below what the snapshot holds.
  virtual Result<void> clone(const std::string& snapshot, const std::string& volume, std::int64_t limit_bytes) = 0;
  /// Deletes a volume or snapshot. Nothing of that name is fine. What was made from it stays.
  virtual Result<void> remove(const std::string& name) = 0;

  /// Absolute path of the tree; NotFound.
  [[nodiscard]] virtual Result<std::string> path(const std::string& name) const = 0;
  /// Sizes may lag by a commit interval (30 s). NotFound.
  [[nodiscard]] virtual Result<VolumeInfo> info(const std::string& name) const = 0;
  /// What the tree and everything nested in it hold; lags as info() does. NotFound.
  [[nodiscard]] virtual Result<std::int64_t> held_bytes(const std::string& name) const = 0;
  /// Sorted by name.
  [[nodiscard]] virtual Result<std::vector<VolumeInfo>> list() const = 0;
  [[nodiscard]] virtual Result<VolumeSpace> space() const = 0;
  /// Exhausted when the outer file system has less than kLeastOuterFreeBytes: a store that cannot grow would turn
  /// read-only under running guests.
  [[nodiscard]] virtual Result<void> check_room() const = 0;
  /// Unmounts and frees the loop device; Conflict while something uses a volume. Data stays. Repeatable.
  virtual Result<void> close() = 0;
};

inline constexpr std::int64_t kLeastOuterFreeBytes = std::int64_t{4} << 30;

struct BtrfsOptions {
  std::int64_t loop_file_bytes = std::int64_t{200} << 30;  ///< sparse: costs what is used
  std::int64_t least_outer_free_bytes = kLeastOuterFreeBytes;
};

/// Subvolumes in identity.volumes_directory() itself if it lies on btrfs, else in a file system inside the sparse
/// identity.volumes_file(), loop-mounted there. A mount or loop device that a killed process left is adopted; halves of
/// interrupted operations are removed. Unsupported if the kernel has no btrfs or no loop device is to be had.
Result<std::unique_ptr<VolumeStore>> open_btrfs_volumes(const Identity& identity, const BtrfsOptions& options = {});

}  // namespace slipway::localcloud
