// CPU time of a container, from the control group that holds it: version 1, 2 or both side by side. Blocking, but reads
// only /proc and /sys. Any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/services/mounts.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::agent {

/// Files that tell the CPU time of a process's group, in the order in which to ask them. `groups`: text of
/// /proc/<pid>/cgroup. Pure.
std::vector<std::string> cpu_usage_files(std::string_view groups, const std::vector<Mount>& mounts);

/// Microseconds in the text of a cpuacct.usage (nanoseconds) or a cpu.stat (usage_usec). Pure.
std::optional<std::int64_t> parse_cpu_usage(std::string_view text);

/// Measures one container from its first process on.
class CpuMeter {
 public:
  CpuMeter() = default;
  /// Unsupported if no group of the process can be read.
  static Result<CpuMeter> of_process(int pid);
  /// Mean use since the last call in thousandths of a core; nothing at the first call, and once the group is gone.
  std::optional<std::int64_t> cpu_millis(SteadyTime now);

 private:
  std::string file_;
  std::optional<std::int64_t> last_micros_;
  SteadyTime last_at_;
};

}  // namespace slipway::agent
