// SupervisedProcess: one allocation's process as its files and the kernel tell of it. Holds no state of its own: made
// again after the agent's restart it finds the same. Blocking; any thread.
#pragma once
#include <optional>
#include <string>

#include "agent/core/types.hpp"
#include "agent/process/process_group.hpp"
#include "agent/process/supervisor_status.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::agent {

/// Between SIGKILL and the end of a process, at the worst: its memory may be large, its disk slow.
inline constexpr Duration kKillPatience = std::chrono::seconds(20);

class SupervisedProcess {
 public:
  /// `directory`: of supervisor_status.hpp.
  SupervisedProcess(AllocationId allocation, std::string directory);

  [[nodiscard]] const ProcessGroup& group() const { return group_; }
  /// NotFound if it was never made, or removed.
  [[nodiscard]] Result<ContainerState> look() const;
  /// What the supervisor of that directory has noted; nothing before it did.
  static std::optional<SupervisorStatus> status_in(const std::string& directory);
  /// A pidfd of its supervisor; invalid if none runs.
  [[nodiscard]] runtime::Fd supervisor() const;
  /// Starts `program` as its supervisor and waits until the app was started. One that runs already is success; the
  /// error is the supervisor's own words.
  [[nodiscard]] Result<void> start(const std::string& program) const;
  /// One that does not run is success, NotFound as look().
  [[nodiscard]] Result<void> signal(int number) const;
  /// After its supervisor ended: whatever is left of it goes too, and how it ended is told.
  [[nodiscard]] Result<ContainerState> finish() const;
  /// Lets the kernel forget an ended supervisor that is this agent's child.
  static void reap(int pidfd);
  /// Kills it and removes all but its logs and directories. May be repeated.
  [[nodiscard]] Result<void> remove() const;

 private:
  [[nodiscard]] bool exists() const;
  [[nodiscard]] Result<void> await_other_supervisor() const;
  [[nodiscard]] std::string path(const char* name) const { return directory_ + "/" + name; }

  AllocationId allocation_;
  std::string directory_;
  ProcessGroup group_;
};

}  // namespace slipway::agent
