// Storage: brings file systems and their mounts to what the inventory says. The state of a row is its intent: creating
// is made, deleting is taken out of every guest and removed. One step a resource at a time; a failed one is repeated,
// and a restart of the cloud takes the same path.
//
// Thread: the cloud's loop; steps run on the mount threads. Owner: CloudCore.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "localcloud/commit_queue.hpp"
#include "localcloud/inventory/inventory.hpp"
#include "localcloud/machine_driver.hpp"

namespace slipway::localcloud {

class Storage {
 public:
  struct Parts {
    const Inventory& inventory;
    MachineDriver& machines;
    const Clock& clock;
    Offload offload;
    /// Applies the changes at once and calls `durable` once they are committed; hold() and committed() come from it.
    std::function<void(Changes, std::function<void()> durable)> commit;
  };
  explicit Storage(Parts parts) : parts_(std::move(parts)) {}

  /// Goes on with what was half done. Once, when the loop runs.
  void resume();
  /// These were changed, but not durably yet: nothing is done for them until committed(), once for each hold().
  void hold(const std::vector<std::string>& ids);
  void committed(const std::vector<std::string>& ids);
  /// Every second: repeats what failed.
  void tick();
  /// Takes a file system out of one guest: a mount that came about while its mount target was being deleted.
  void detach(const std::string& file_system_id, const std::string& instance_id);

 private:
  struct Work {
    bool busy = false;
    int held = 0;
    SteadyTime retry_at{};
  };
  using Step = std::function<Result<void>()>;

  void reconcile(const std::string& id);
  void make(const FileSystem& system);
  void remove(const FileSystem& system);
  void close(const MountTarget& target);
  /// Runs the step, and on success commits what `then` says.
  void run(const std::string& id, Step step, std::function<Changes()> then);
  [[nodiscard]] std::vector<MountedBy> guests() const;

  Parts parts_;
  std::map<std::string, Work> works_;
};

}  // namespace slipway::localcloud
