// GuestDriver: starts, finds, stops and watches guests. Each guest runs under a supervisor process of its own that
// outlives us; a guest whose supervisor died is made to die whole, and is noticed. Thread-safe; calls block for
// milliseconds (start: until the launcher runs, ~50 ms). Owned by the cloud's assembly.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "localcloud/machines/guest.hpp"

namespace slipway::localcloud {

class GuestDriver {
 public:
  struct Options {
    /// argv that leads to supervise(): {"/usr/bin/slipway", "internal-supervisor"}.
    std::vector<std::string> supervisor;
    /// Called once for each started or adopted guest when all of it has ended, within 200 ms, on the driver's own
    /// thread. Must not call the driver; post to a loop.
    std::function<void(const std::string& instance_id, const ExitRecord& record)> on_exit;
  };

  /// `clock` must outlive the driver.
  static Result<std::unique_ptr<GuestDriver>> open(Options options, const Clock& clock);
  /// Stops watching; guests run on.
  virtual ~GuestDriver() = default;

  /// Writes the specification, starts the supervisor, returns when the guest's init is being booted. Conflict if the
  /// instance runs already; Io with what the launcher said. On failure nothing of it is left.
  virtual Result<GuestProcess> start(const GuestSpec& spec) = 0;
  /// After a restart of the cloud: finds the instance's supervisor by what it left in `directory` (pid and start time)
  /// and watches it. Nothing if it does not run (never started, or ended: exit_record()); remains of it are killed and
  /// removed before this returns.
  virtual Result<std::optional<GuestProcess>> adopt(const std::string& instance_id, const std::string& directory) = 0;
  [[nodiscard]] virtual bool is_running(const std::string& instance_id) const = 0;

  /// Asks the guest's init to power off, as EC2's stop; after `deadline` it is killed. The end arrives by on_exit.
  /// NotFound if it does not run. Repeatable: the earliest deadline counts.
  virtual Result<void> request_stop(const std::string& instance_id, Duration deadline) = 0;
  /// Ends it at once. The end arrives by on_exit. NotFound if it does not run.
  virtual Result<void> kill(const std::string& instance_id) = 0;
  /// Asks the guest's init to reboot; it keeps its disk, address and supervisor. NotFound if it does not run.
  virtual Result<void> reboot(const std::string& instance_id) = 0;
};

/// Of the last run; NotFound if it never ended.
Result<ExitRecord> read_exit_record(const std::string& directory);
/// The last 64 KiB (as EC2's GetConsoleOutput) that the guest wrote to its console since its last start; empty if none.
std::string read_console(const std::string& directory);
/// Instances whose supervisor runs now, by looking at the directories below; sorted. Works without a cloud.
std::vector<std::string> running_instances(const std::string& instances_directory);

}  // namespace slipway::localcloud
