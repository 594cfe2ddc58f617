// The kernel's table of mounts, as /proc/<pid>/mountinfo states it. Pure parsing and one read.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace slipway::localcloud {

struct MountEntry {
  std::string root;  ///< what of the file system is mounted: "/" or a path inside it
  std::string mount_point;
  std::string type;           ///< "btrfs", "cgroup", "cgroup2", …
  std::string source;         ///< "/dev/loop0", "none", …
  std::string super_options;  ///< comma-separated
};

/// Lines that are no mountinfo lines are left out.
std::vector<MountEntry> parse_mounts(std::string_view mountinfo);
/// This process's mounts, in the order in which they were made.
std::vector<MountEntry> read_mounts();
/// True if `option` is one of the comma-separated ones.
bool has_option(const MountEntry& mount, std::string_view option);

}  // namespace slipway::localcloud
