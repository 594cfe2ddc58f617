// Lifecycle: brings machines to what the inventory says. The state of an instance is its intent: pending is booted,
// stopping is powered off, shutting-down is taken apart. For each instance one step runs at a time; when it ends the
// intent is looked at again, so a termination during a boot, a repetition and a restart of the cloud all take the same
// path.
//
// Thread: the cloud's loop; steps run on the machine threads. Owner: CloudService.
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/clock.hpp"
#include "localcloud/commit_queue.hpp"
#include "localcloud/inventory/inventory.hpp"
#include "localcloud/machine_driver.hpp"

namespace slipway::localcloud {

/// How long a guest may take to power off before it is killed. systemd's own limit for a service is 90 s; EC2 kills
/// after a few minutes.
inline constexpr Duration kStopPatience = std::chrono::seconds(30);
/// A terminated guest's disk goes with it, so there is little to wait for.
inline constexpr Duration kTerminatePatience = std::chrono::seconds(2);
/// How long a terminated instance stays visible; EC2: about an hour.
inline constexpr Duration kTerminatedVisible = std::chrono::minutes(10);
/// How long a client token is remembered; EC2: at least while its instances exist.
inline constexpr Duration kLaunchTokenKept = std::chrono::hours(24);

class Lifecycle {
 public:
  struct Parts {
    const Inventory& inventory;
    MachineDriver& machines;
    const Clock& clock;
    Offload offload;  ///< to the machine threads
    /// Applies the changes at once and calls `durable` once they are committed; hold() and committed() come from it.
    std::function<void(Changes, std::function<void()> durable)> commit;
  };
  explicit Lifecycle(Parts parts) : parts_(std::move(parts)) {}

  /// At the start, before anything is served: looks which guests still run. Returns what has to be committed before
  /// the first request; resume() then goes on with what was half done. Blocking.
  Result<Changes> recover();
  void resume();

  /// The instances were changed, but not durably yet: nothing is done to their machines until committed().
  void hold(const std::vector<std::string>& ids);
  /// The change is durable: the machines follow it. Once for each hold().
  void committed(const std::vector<std::string>& ids);
  void reboot(const std::string& instance_id);
  void on_exit(const std::string& instance_id, const ExitRecord& record);
  /// Every second: repeats what failed, forgets what was terminated long ago.
  void tick();
  /// Removes disks that no row refers to; after the removal of an image.
  void sweep_disks();
  /// Stops every instance as EC2's stop does, and remembers to start it with the cloud.
  void stop_all();
  /// Instances that are on their way to a stop.
  [[nodiscard]] std::size_t stopping() const;

 private:
  struct Work {
    bool busy = false;     ///< a step runs
    int held = 0;          ///< changes that are not durable yet
    bool running = false;  ///< the guest
    std::optional<Duration> stop_asked;
    std::optional<ExitRecord> ended;  ///< arrived during a step
    SteadyTime retry_at{};
    WallTime boot_at{};  ///< an end before it is that of an earlier boot
  };
  using Step = std::function<Result<void>()>;
  using Then = std::function<void(const Instance&, Work&, const Result<void>&)>;

  void reconcile(const std::string& id);
  void run(const std::string& id, Step step, Then then);
  void boot(const Instance& instance);
  void booted(const Instance& instance, const Result<void>& outcome);
  void ask_to_stop(const Instance& instance, Work& work, Duration patience);
  void unplug(const Instance& instance);
  void take_apart(const Instance& instance);
  void take_snapshot(const Instance& instance, const Image& image);
  void guest_ended(const Instance& instance, const ExitRecord& record);
  void stop_by_itself(const Instance& instance, std::string_view code, std::string_view message);
  void put(Instance instance);
  void commit(Changes changes);
  void forget_old();
  [[nodiscard]] const Image* pending_image(const Instance& instance) const;
  [[nodiscard]] MachineSpec spec_of(const Instance& instance) const;
  [[nodiscard]] WallTime now() const { return parts_.clock.now().wall; }

  Parts parts_;
  std::map<std::string, Work> works_;
  bool sweeping_ = false;
  bool sweep_again_ = false;
};

}  // namespace slipway::localcloud
