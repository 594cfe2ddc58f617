// GuestEntry: runs a few system calls inside a guest's mount namespace, in a forked process of its own. A guest may
// answer a path with a file system of its own that never answers, so the process has a deadline, and one that cannot
// even be killed is left to end with its guest. Thread-safe; blocks until the deadline at most.
#pragma once
#include <sys/types.h>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

/// What the work came to: 0, or a number of the work's own and the errno that it met.
struct EntryReport {
  int step = 0;
  int error = 0;
};

class GuestEntry {
 public:
  /// Only system calls on memory that was prepared before: no allocation, no lock, since other threads may have held
  /// them when the process was forked.
  using Work = std::function<EntryReport()>;

  GuestEntry() = default;
  GuestEntry(const GuestEntry&) = delete;
  GuestEntry& operator=(const GuestEntry&) = delete;

  /// Enters the mount namespace and does the work there, after another entry of this guest that is under way.
  /// Unavailable if that one hangs, or takes longer than `deadline`; Timeout if this one does; Io if the namespace
  /// cannot be entered; Internal if the process died. What the work reports is a result.
  Result<EntryReport> run(const std::string& instance_id, const runtime::Fd& mounts, Duration deadline,
                          const Work& work);

 private:
  Result<void> begin(const std::string& instance_id, Duration deadline);
  void end(const std::string& instance_id, pid_t hanging);

  std::mutex mutex_;
  std::condition_variable ended_;
  std::map<std::string, pid_t> inside_;  ///< guarded; 0: a thread of ours waits for it, else a process that hangs
};

}  // namespace slipway::localcloud
