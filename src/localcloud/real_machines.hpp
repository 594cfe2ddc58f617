// RealMachines: the MachineDriver of a running cloud: volumes on btrfs, guests under their supervisors, ports on the
// router. Thread-safe; calls block. Owned by CloudService.
#pragma once
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "localcloud/machine_driver.hpp"
#include "localcloud/machines/guest_driver.hpp"
#include "localcloud/machines/identity.hpp"
#include "localcloud/machines/lxcfs.hpp"
#include "localcloud/machines/router_network.hpp"
#include "localcloud/machines/volume_store.hpp"

namespace slipway::localcloud {

class RealMachines final : public MachineDriver {
 public:
  /// Opens volumes and network; both are adopted if a killed process left them. `supervisor`: argv that leads to
  /// supervise(). Unsupported with what this machine lacks.
  static Result<std::unique_ptr<RealMachines>> open(Identity identity, std::vector<std::string> supervisor,
                                                    const Clock& clock);

  void set_on_exit(OnExit on_exit) override;
  Result<void> create_volume(const std::string& volume_id, const std::string& snapshot_id,
                             std::int64_t limit_bytes) override;
  Result<void> create_snapshot(const std::string& volume_id, const std::string& snapshot_id) override;
  Result<void> remove_disk(const std::string& name) override;
  Result<std::vector<std::string>> list_disks() override;
  Result<void> build_base(const std::string& suite, const std::string& snapshot_id,
                          const std::function<void(const std::string&)>& progress,
                          const std::function<bool()>& cancelled) override;
  Result<void> start(const MachineSpec& spec) override;
  Result<bool> adopt(const std::string& instance_id) override;
  Result<ExitRecord> last_exit(const std::string& instance_id) override;
  Result<void> request_stop(const std::string& instance_id, Duration deadline) override;
  Result<void> reboot(const std::string& instance_id) override;
  Result<void> unplug(const std::string& instance_id) override;
  Result<void> forget(const std::string& instance_id) override;
  [[nodiscard]] std::string console(const std::string& instance_id) const override;
  Result<void> create_file_system(const std::string& file_system_id) override;
  [[nodiscard]] Result<std::int64_t> file_system_bytes(const std::string& file_system_id) const override;
  Result<void> mount_file_system(const FileSystemMount& mount) override;
  Result<void> detach_file_system(const std::string& file_system_id, const std::vector<MountedBy>& guests) override;
  void publish_security(SecurityPolicy policy) override;
  Result<void> apply_security() override;

  [[nodiscard]] const Identity& identity() const { return identity_; }
  [[nodiscard]] Ipv4 outside_address() const { return network_->outside_address(); }
  /// The listening socket of the metadata service, inside the router.
  [[nodiscard]] Result<runtime::Fd> listen_metadata() const { return network_->listen_inside(kMetadataAddress, 80); }
  /// See RouterNetwork::repair(); also starts an lxcfs that died again, for guests that are started from now on.
  Result<void> repair();
  [[nodiscard]] Result<VolumeSpace> space() const { return volumes_->space(); }
  /// Takes network and mounts away; only where no guest runs. Data stays.
  Result<void> close();

 private:
  explicit RealMachines(Identity identity) : identity_(std::move(identity)), lxcfs_(identity_), mounts_(identity_) {}
  Result<void> open_parts(std::vector<std::string> supervisor, const Clock& clock);
  void ended(const std::string& instance_id, const ExitRecord& record);

  const Identity identity_;
  std::unique_ptr<VolumeStore> volumes_;
  std::unique_ptr<RouterNetwork> network_;
  Lxcfs lxcfs_;
  GuestMounts mounts_;
  std::mutex exit_mutex_;
  OnExit on_exit_;  ///< guarded by exit_mutex_
  std::mutex policy_mutex_;
  std::optional<SecurityPolicy> published_;  ///< not applied yet; guarded by policy_mutex_
  std::mutex apply_mutex_;                   ///< one application at a time, so that the newest one is the last
  std::unique_ptr<GuestDriver> guests_;      ///< last: its thread calls ended()
};

}  // namespace slipway::localcloud
