// Capacity: what this machine has for jobs. Blocking, but reads only /proc and /sys.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "model/resources.hpp"

namespace slipway::agent {

/// The smaller of what /proc says and of what the control groups that hold this process allow, version 1 and 2. `root`:
/// prefix of /proc and /sys, for tests.
Result<model::Resources> measure_capacity(const std::string& root = "");

/// The id that the kernel made for this boot.
Result<std::string> read_boot_id();
std::string read_hostname();

/// Path of the process's group for a controller ("memory"), or of version 2 (""), in the text of /proc/self/cgroup.
std::optional<std::string> group_path(std::string_view proc_self_cgroup, std::string_view controller);

}  // namespace slipway::agent
