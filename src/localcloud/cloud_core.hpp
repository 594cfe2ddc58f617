// CloudCore: the local cloud without its servers: inventory, commits, lifecycle, EC2 and EFS API, metadata and bases,
// put together. Threads, clock, store and machines are passed in, so that tests run it step by step.
//
// Thread: the cloud's loop (open() before it runs). Owner: CloudService, tests.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "localcloud/base_builds.hpp"
#include "localcloud/commit_queue.hpp"
#include "localcloud/ec2/api.hpp"
#include "localcloud/efs/efs_api.hpp"
#include "localcloud/efs/mounts.hpp"
#include "localcloud/efs/storage.hpp"
#include "localcloud/imds/imds.hpp"
#include "localcloud/lifecycle/lifecycle.hpp"

namespace slipway::localcloud {

class CloudCore {
 public:
  struct Parts {
    store::Store& store;
    MachineDriver& machines;
    const Clock& clock;
    RandomSource& random;
    Site site;
    Offload store_thread;                      ///< one thread
    Offload machine_threads;                   ///< several; short work
    Offload mount_threads;                     ///< for what a guest can hold up: mounts inside it
    Offload base_thread;                       ///< for the minutes of a base build
    std::function<void(const Error&)> failed;  ///< a commit failed: the process must end
  };

  /// Loads the store (at the first start picks ids and credentials), finds the guests that still run, and commits what
  /// follows from that. Blocking; afterwards the API may be served.
  static Result<std::unique_ptr<CloudCore>> open(Parts parts);
  /// Goes on with what was half done. Once, when the loop runs.
  void resume();
  /// Every second.
  void tick();

  Ec2Api& api() { return api_; }
  EfsApi& efs() { return efs_; }
  Mounts& mounts() { return mounts_; }
  Lifecycle& lifecycle() { return lifecycle_; }
  BaseBuilds& bases() { return bases_; }
  [[nodiscard]] const Imds& imds() const { return imds_; }
  [[nodiscard]] const Inventory& inventory() const { return inventory_; }

  /// No new machines, and every instance is stopped; the next open() starts them again.
  void stop_all();
  /// Once everything up to now is committed.
  void when_durable(std::function<void()> then) { commits_.submit({}, std::move(then)); }

 private:
  CloudCore(Parts parts, Inventory inventory);
  void commit(Changes changes, std::function<void()> durable);

  Parts parts_;
  Inventory inventory_;
  CommitQueue commits_;
  Lifecycle lifecycle_;
  Storage storage_;
  Ec2Api api_;
  EfsApi efs_;
  Imds imds_;
  Mounts mounts_;
  BaseBuilds bases_;
};

/// What the first start of a cloud picks: account, network ids, credentials, the group "default".
Changes first_start(const Site& site, RandomSource& random);

}  // namespace slipway::localcloud
