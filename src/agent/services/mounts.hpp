// The kernel's table of mounts, as far as services need it. Pure parsing and one read.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace slipway::agent {

struct Mount {
  std::string root;  ///< what of the file system is mounted
  std::string point;
  bool shared = false;  ///< mounts made below it later are seen where it was bound as a slave
  std::string type;
  std::string options;  ///< of the file system: "rw,cpu,cpuacct"
};

/// Text of /proc/self/mountinfo; lines that are none of its lines are left out.
std::vector<Mount> parse_mounts(std::string_view mountinfo);
/// Empty where /proc cannot be read.
std::vector<Mount> read_mounts();
/// True if "rw,cpu" holds "cpu".
bool has_option(const Mount& mount, std::string_view option);
/// The mount that holds `path` (absolute, no links); nullptr if the table holds none.
const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path);

}  // namespace slipway::agent
