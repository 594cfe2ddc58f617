// ProcessGroup: the control groups of one process allocation, on every layout: version 1 (each controller a hierarchy),
// version 1 with an empty version 2 beside it, and version 2 alone. Holds no state: made again from its name it is the
// same. Blocking; any thread.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "agent/services/mounts.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/resources.hpp"

namespace slipway::agent {

/// Below the root of every hierarchy, beside whatever else is there.
inline constexpr const char* kProcessGroups = "slipway-agent";

class ProcessGroup {
 public:
  /// `mounts`: the machine's. `name`: of the allocation.
  ProcessGroup(std::vector<Mount> mounts, std::string name);

  /// Makes it with its limits. Unsupported with the controller that this machine does not offer. May be repeated.
  [[nodiscard]] Result<void> create(const model::Resources& limits, int pids) const;
  /// Files to which a process writes its pid ("0" for itself) to enter.
  [[nodiscard]] std::vector<std::string> entrances() const;
  /// Lists the processes in it.
  [[nodiscard]] std::string members_file() const;
  /// Limits how many there may be.
  [[nodiscard]] std::string forks_file() const;
  /// Counts those that the kernel killed for memory: a line "oom_kill N".
  [[nodiscard]] std::string oom_file() const;
  /// True if `pid` is one of them.
  [[nodiscard]] bool holds(pid_t pid) const;
  /// Kills all of them and waits until none is left. Timeout when the kernel does not let one go.
  [[nodiscard]] Result<void> kill_all(Duration patience) const;
  /// Nothing there is fine. Conflict while a process is in it.
  [[nodiscard]] Result<void> remove(Duration patience) const;

 private:
  [[nodiscard]] Result<void> check_controllers() const;
  [[nodiscard]] Result<void> make_in(const Mount& mount) const;
  [[nodiscard]] Result<void> limit(const Mount& mount, const model::Resources& limits, int pids) const;
  [[nodiscard]] std::string directory(const Mount& mount) const;
  [[nodiscard]] std::string directory_of(std::string_view controller) const;
  [[nodiscard]] std::vector<pid_t> members() const;

  std::vector<Mount> hierarchies_;
  bool version_2_ = false;  ///< alone
  std::string name_;
};

}  // namespace slipway::agent
