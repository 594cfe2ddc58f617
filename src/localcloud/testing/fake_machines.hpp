// FakeMachines: machines that are a table. Tests only. One thread. What a test may set: which calls fail, whether
// guests obey a stop. on_exit is called by settle(), never inside a call, as the real driver's thread would.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "localcloud/machine_driver.hpp"

namespace slipway::localcloud {

class FakeMachines final : public MachineDriver {
 public:
  explicit FakeMachines(const Clock& clock) : clock_(clock) {}

  std::map<std::string, std::string> disks;  ///< name → what it was made from
  std::set<std::string> running;
  std::set<std::string> plugged;
  std::map<std::string, Error> fail_start;  ///< by instance
  std::map<std::string, int> starts;
  std::vector<std::string> reboots;
  std::map<std::string, ExitRecord> exits;
  std::map<std::string, std::string> consoles;
  SecurityPolicy policy;
  bool obey_stops = true;
  std::optional<Error> fail_disks;
  std::optional<Error> fail_mount;
  std::map<std::string, std::int64_t> held_bytes;  ///< by file system; 0 for others
  std::vector<FileSystemMount> mounts;
  std::optional<Error> fail_base;

  /// The guest ends; on_exit comes with the next settle().
  void end_guest(const std::string& instance_id, ExitReason reason, bool requested = false) {
    if (running.erase(instance_id) == 0) return;
    exits[instance_id] = ExitRecord{
        .reason = reason, .requested = requested, .exit_status = 0, .ended = clock_.now().wall, .detail = "gone"};
    ended_.push_back(instance_id);
  }
  /// Delivers what ended. True if there was something.
  bool settle() {
    const auto ended = std::exchange(ended_, {});
    for (const auto& id : ended) {
      if (on_exit_) on_exit_(id, exits.at(id));
    }
    return !ended.empty();
  }

  void set_on_exit(OnExit on_exit) override { on_exit_ = std::move(on_exit); }
  Result<void> create_volume(const std::string& volume, const std::string& snapshot, std::int64_t) override {
    if (fail_disks) return fail(*fail_disks);
    if (!disks.contains(snapshot)) return fail(Code::NotFound, "no snapshot {}", snapshot);
    disks.emplace(volume, snapshot);
    return {};
  }
  Result<void> create_snapshot(const std::string& volume, const std::string& snapshot) override {
    if (fail_disks) return fail(*fail_disks);
    if (!disks.contains(volume)) return fail(Code::NotFound, "no volume {}", volume);
    disks.emplace(snapshot, volume);
    return {};
  }
  Result<void> remove_disk(const std::string& name) override {
    if (fail_disks) return fail(*fail_disks);
    disks.erase(name);
    return {};
  }
  Result<std::vector<std::string>> list_disks() override {
    std::vector<std::string> names;
    for (const auto& [name, origin] : disks) names.push_back(name);
    return names;
  }
  Result<void> build_base(const std::string& suite, const std::string& snapshot,
                          const std::function<void(const std::string&)>& progress,
                          const std::function<bool()>&) override {
    progress("building " + suite);
    if (fail_base) return fail(*fail_base);
    disks.emplace(snapshot, suite);
    return {};
  }
  Result<void> start(const MachineSpec& spec) override {
    if (const auto failure = fail_start.find(spec.instance_id); failure != fail_start.end())
      return fail(failure->second);
    if (!disks.contains(spec.volume_id)) return fail(Code::NotFound, "no volume {}", spec.volume_id);
    if (!running.insert(spec.instance_id).second) return fail(Code::Conflict, "{} runs", spec.instance_id);
    plugged.insert(spec.instance_id);
    ++starts[spec.instance_id];
    return {};
  }
  Result<bool> adopt(const std::string& instance_id) override { return running.contains(instance_id); }
  Result<ExitRecord> last_exit(const std::string& instance_id) override {
    const auto found = exits.find(instance_id);
    if (found == exits.end()) return fail(Code::NotFound, "{} never ended", instance_id);
    return found->second;
  }
  Result<void> request_stop(const std::string& instance_id, Duration) override {
    if (!running.contains(instance_id)) return fail(Code::NotFound, "{} does not run", instance_id);
    if (obey_stops) end_guest(instance_id, ExitReason::PoweredOff, true);
    return {};
  }
  Result<void> reboot(const std::string& instance_id) override {
    reboots.push_back(instance_id);
    return {};
  }
  Result<void> unplug(const std::string& instance_id) override {
    plugged.erase(instance_id);
    return {};
  }
  Result<void> forget(const std::string& instance_id) override {
    plugged.erase(instance_id);
    consoles.erase(instance_id);
    return {};
  }
  [[nodiscard]] std::string console(const std::string& instance_id) const override {
    const auto found = consoles.find(instance_id);
    return found == consoles.end() ? std::string() : found->second;
  }
  Result<void> create_file_system(const std::string& file_system_id) override {
    if (fail_disks) return fail(*fail_disks);
    disks.emplace(file_system_id, "file system");
    return {};
  }
  [[nodiscard]] Result<std::int64_t> file_system_bytes(const std::string& file_system_id) const override {
    if (!disks.contains(file_system_id)) return fail(Code::NotFound, "no file system {}", file_system_id);
    const auto found = held_bytes.find(file_system_id);
    return found == held_bytes.end() ? 0 : found->second;
  }
  Result<void> mount_file_system(const FileSystemMount& mount) override {
    if (fail_mount) return fail(*fail_mount);
    if (!disks.contains(mount.file_system_id)) return fail(Code::NotFound, "no file system {}", mount.file_system_id);
    mounts.push_back(mount);
    return {};
  }
  Result<void> detach_file_system(const std::string& file_system_id, const std::vector<MountedBy>& guests) override {
    if (fail_mount) return fail(*fail_mount);
    std::erase_if(mounts, [&](const FileSystemMount& mount) {
      const bool named = std::ranges::find(guests, mount.guest.instance_id, &MountedBy::instance_id) != guests.end();
      return named && mount.file_system_id == file_system_id;
    });
    return {};
  }
  void publish_security(SecurityPolicy published) override { published_ = std::move(published); }
  Result<void> apply_security() override {
    policy = published_;
    return {};
  }

 private:
  const Clock& clock_;
  OnExit on_exit_;
  std::vector<std::string> ended_;
  SecurityPolicy published_;
};

}  // namespace slipway::localcloud
