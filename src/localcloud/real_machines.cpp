#include "localcloud/real_machines.hpp"

#include "localcloud/machines/base_builder.hpp"
#include "localcloud/machines/cgroups.hpp"
#include "localcloud/machines/leftovers.hpp"
#include "localcloud/machines/mount_table.hpp"
#include "runtime/files.hpp"

namespace slipway::localcloud {
namespace {

/// A repetition after a crash finds what it was about to make.
Result<void> unless_there(Result<void> outcome) {
  if (!outcome && outcome.error().code == Code::Conflict) return {};
  return outcome;
}

}  // namespace

Result<std::unique_ptr<RealMachines>> RealMachines::open(Identity identity, std::vector<std::string> supervisor,
                                                         const Clock& clock) {
  std::unique_ptr<RealMachines> machines(new RealMachines(std::move(identity)));
  auto opened = machines->open_parts(std::move(supervisor), clock);
  if (opened) return machines;
  if (look_in_use(machines->identity_).instances.empty()) (void)machines->close();
  return fail(std::move(opened).error());
}

Result<void> RealMachines::open_parts(std::vector<std::string> supervisor, const Clock& clock) {
  SLIPWAY_ASSIGN(volumes_, open_btrfs_volumes(identity_));
  SLIPWAY_ASSIGN(network_, open_router_network(identity_));
  SLIPWAY_TRY(lxcfs_.ensure_running());
  GuestDriver::Options options;
  options.supervisor = std::move(supervisor);
  options.on_exit = [this](const std::string& id, const ExitRecord& record) { ended(id, record); };
  SLIPWAY_ASSIGN(guests_, GuestDriver::open(std::move(options), clock));
  return {};
}

void RealMachines::set_on_exit(OnExit on_exit) {
  const std::scoped_lock lock(exit_mutex_);
  on_exit_ = std::move(on_exit);
}

void RealMachines::ended(const std::string& instance_id, const ExitRecord& record) {
  const std::scoped_lock lock(exit_mutex_);
  if (on_exit_) on_exit_(instance_id, record);
}

Result<void> RealMachines::create_volume(const std::string& volume_id, const std::string& snapshot_id,
                                         std::int64_t limit_bytes) {
  return unless_there(volumes_->clone(snapshot_id, volume_id, limit_bytes));
}

Result<void> RealMachines::create_snapshot(const std::string& volume_id, const std::string& snapshot_id) {
  return unless_there(volumes_->snapshot(volume_id, snapshot_id));
}

Result<void> RealMachines::remove_disk(const std::string& name) { return volumes_->remove(name); }

Result<std::vector<std::string>> RealMachines::list_disks() {
  SLIPWAY_ASSIGN(const auto infos, volumes_->list());
  std::vector<std::string> names;
  for (const auto& info : infos) names.push_back(info.name);
  return names;
}

Result<void> RealMachines::build_base(const std::string& suite, const std::string& snapshot_id,
                                      const std::function<void(const std::string&)>& progress,
                                      const std::function<bool()>& cancelled) {
  // Named after the snapshot, and outside the names that the disk sweep looks at.
  const std::string volume = "base-" + snapshot_id;
  SLIPWAY_TRY(volumes_->remove(volume));
  SLIPWAY_TRY(volumes_->create(volume, 0));
  const auto build = [&]() -> Result<void> {
    BaseOptions options;
    options.suite = suite;
    SLIPWAY_ASSIGN(options.target, volumes_->path(volume));
    options.on_progress = progress;
    options.cancelled = cancelled;
    SLIPWAY_TRY(slipway::localcloud::build_base(options));
    return volumes_->snapshot(volume, snapshot_id);
  };
  const auto built = build();
  const auto removed = volumes_->remove(volume);
  return built ? removed : built;
}

Result<void> RealMachines::start(const MachineSpec& spec) {
  GuestSpec guest;
  guest.cloud = identity_.id;
  guest.instance_id = spec.instance_id;
  guest.directory = identity_.instance_directory(spec.instance_id);
  guest.hostname = spec.hostname;
  guest.uid_base = identity_.uid_base(spec.address);
  guest.cpus = spec.cpus;
  guest.memory_bytes = spec.memory_bytes;
  guest.first_boot = spec.first_boot;
  guest.binds = lxcfs_.binds();
  SLIPWAY_TRY(volumes_->check_room());
  SLIPWAY_ASSIGN(guest.root, volumes_->path(spec.volume_id));
  SLIPWAY_ASSIGN(
      guest.network_namespace,
      network_->add_guest(
          {.instance_id = spec.instance_id, .address = spec.address, .mac = spec.mac, .hostname = spec.hostname}));
  // Before the first packet: the address may have been another guest's with other groups.
  SLIPWAY_TRY(apply_security());
  const auto started = guests_->start(guest);
  if (!started && started.error().code != Code::Conflict) return fail(started.error());
  return {};
}

Result<bool> RealMachines::adopt(const std::string& instance_id) {
  SLIPWAY_ASSIGN(const auto process, guests_->adopt(instance_id, identity_.instance_directory(instance_id)));
  return process.has_value();
}

Result<ExitRecord> RealMachines::last_exit(const std::string& instance_id) {
  return read_exit_record(identity_.instance_directory(instance_id));
}

Result<void> RealMachines::request_stop(const std::string& instance_id, Duration deadline) {
  return guests_->request_stop(instance_id, deadline);
}

Result<void> RealMachines::reboot(const std::string& instance_id) { return guests_->reboot(instance_id); }

Result<void> RealMachines::unplug(const std::string& instance_id) { return network_->remove_guest(instance_id); }

Result<void> RealMachines::forget(const std::string& instance_id) {
  SLIPWAY_TRY(network_->remove_guest(instance_id));
  return runtime::remove_tree(identity_.instance_directory(instance_id));
}

std::string RealMachines::console(const std::string& instance_id) const {
  return read_console(identity_.instance_directory(instance_id));
}

Result<void> RealMachines::create_file_system(const std::string& file_system_id) {
  return unless_there(volumes_->create(file_system_id, 0));
}

Result<std::int64_t> RealMachines::file_system_bytes(const std::string& file_system_id) const {
  return volumes_->held_bytes(file_system_id);
}

Result<void> RealMachines::mount_file_system(const FileSystemMount& mount) {
  SLIPWAY_TRY(mounts_.take_proof(mount.guest));
  SLIPWAY_ASSIGN(const std::string path, volumes_->path(mount.file_system_id));
  SLIPWAY_ASSIGN(const auto root, runtime::Directory::open(path));
  SLIPWAY_ASSIGN(const auto directory, open_shared_directory(root, mount.directory));
  return mounts_.mount(directory, mount.guest);
}

Result<void> RealMachines::detach_file_system(const std::string& file_system_id, const std::vector<MountedBy>& guests) {
  Result<void> outcome;
  for (const auto& guest : guests) {
    auto detached = mounts_.detach(file_system_id, guest.instance_id, guest.address);
    if (!detached && outcome) outcome = std::move(detached);  // the others are detached all the same
  }
  return outcome;
}

void RealMachines::publish_security(SecurityPolicy policy) {
  const std::scoped_lock lock(policy_mutex_);
  published_ = std::move(policy);
}

Result<void> RealMachines::apply_security() {
  const std::scoped_lock applying(apply_mutex_);
  std::optional<SecurityPolicy> policy;
  {
    const std::scoped_lock lock(policy_mutex_);
    policy = std::exchange(published_, std::nullopt);
  }
  if (!policy) return {};
  auto outcome = network_->set_security(*policy);
  if (outcome) return outcome;
  const std::scoped_lock lock(policy_mutex_);
  if (!published_) published_ = std::move(policy);  // the next attempt tries it again
  return outcome;
}

Result<void> RealMachines::repair() {
  SLIPWAY_TRY(network_->repair());
  return lxcfs_.ensure_running();
}

Result<void> RealMachines::close() {
  guests_.reset();
  // Each part is taken away whatever became of the others; the first failure is told.
  auto outcome = lxcfs_.stop();
  const auto also = [&](Result<void> next) {
    if (outcome) outcome = std::move(next);
  };
  if (network_) also(network_->close());
  remove_empty_cgroup(parse_cgroup_layout(read_mounts()), identity_.name());
  if (volumes_) also(volumes_->close());
  return outcome;
}

}  // namespace slipway::localcloud
