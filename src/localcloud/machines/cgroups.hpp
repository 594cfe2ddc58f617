// Cgroups of guests on every layout: version 1 (each controller a hierarchy), hybrid (version 1 and an empty version 2
// beside it), and pure version 2. Blocking; any thread.
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "localcloud/machines/mount_table.hpp"

namespace slipway::localcloud {

struct CgroupHierarchy {
  std::string mount_point;
  std::vector<std::string> controllers;  ///< of version 1: "cpu", "memory", "name=systemd"; empty for version 2
  [[nodiscard]] bool has(std::string_view controller) const;
};

struct CgroupLayout {
  std::vector<CgroupHierarchy> hierarchies;
  /// Version 2 alone: limits are set there. Else version 1 holds the controllers.
  [[nodiscard]] bool is_pure_v2() const;
};

/// Pure.
CgroupLayout parse_cgroup_layout(const std::vector<MountEntry>& mounts);

struct CgroupLimits {
  std::string cpus;   ///< list for cpuset: "0-1"
  int cpu_count = 1;  ///< so many CPUs' time
  std::int64_t memory_bytes = 0;
  int pids = 0;
};

/// The cgroup `path` (e.g. "slipway-abcde/i-1"), below the root of every hierarchy. Holds no state of its own: made
/// again from its name it is the same.
class GuestCgroup {
 public:
  GuestCgroup(CgroupLayout layout, std::string path);

  /// Makes it and its parents with the limits; on version 1 hands it to `owner`, so that the guest's root can divide
  /// it. Unsupported with the missing controller. Repeatable.
  Result<void> create(const CgroupLimits& limits, uid_t owner) const;
  /// Files to which a process writes its pid ("0" for itself) to enter; usable between fork and exec.
  [[nodiscard]] std::vector<std::string> entrances() const;
  /// Kills everything in it and below; waits until it is empty. Timeout after 10 s.
  Result<void> kill_all() const;
  /// Removes it bottom-up; its parent as well, if it is empty then. Nothing there is fine. Conflict while it is in use.
  Result<void> remove() const;

 private:
  [[nodiscard]] std::string directory(const CgroupHierarchy& hierarchy) const;
  [[nodiscard]] Result<void> limit(const CgroupHierarchy& hierarchy, const CgroupLimits& limits) const;
  [[nodiscard]] std::vector<pid_t> members() const;

  CgroupLayout layout_;
  std::string path_;
};

/// Removes the cgroup `path` ("slipway-<id>") from each hierarchy in which it holds no other.
void remove_empty_cgroup(const CgroupLayout& layout, const std::string& path);

/// A list for cpuset: `count` of the `available` CPUs, other guests (by `seed`) getting other ones. Pure.
std::string choose_cpus(int count, const std::vector<int>& available, std::uint32_t seed);

}  // namespace slipway::localcloud
