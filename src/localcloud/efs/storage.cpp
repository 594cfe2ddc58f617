#include "localcloud/efs/storage.hpp"

#include "base/log.hpp"

namespace slipway::localcloud {
namespace {

// As for machines: long enough not to spin, short against a person's patience.
constexpr Duration kStorageRetry = std::chrono::seconds(2);

Changes removal(std::string_view command, std::string_view table, const std::string& id) {
  Changes changes{.command = std::string(command), .put = {}, .remove = {}};
  changes.remove.emplace_back(table, id);
  return changes;
}

}  // namespace

void Storage::resume() {
  for (const auto& [id, system] : parts_.inventory.file_systems()) reconcile(id);
  for (const auto& [id, target] : parts_.inventory.mount_targets()) reconcile(id);
}

void Storage::hold(const std::vector<std::string>& ids) {
  for (const auto& id : ids) ++works_[id].held;
}

void Storage::committed(const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    --works_[id].held;
    reconcile(id);
  }
}

void Storage::tick() {
  std::vector<std::string> ids;
  ids.reserve(works_.size());
  for (const auto& [id, work] : works_) ids.push_back(id);
  for (const auto& id : ids) reconcile(id);
}

void Storage::reconcile(const std::string& id) {
  const auto* system = parts_.inventory.file_system(id);
  const auto* target = parts_.inventory.mount_target(id);
  const auto& work = works_[id];
  if (work.busy || work.held > 0) return;
  if (system == nullptr && target == nullptr) {
    works_.erase(id);
    return;
  }
  if (parts_.clock.now().steady < work.retry_at) return;
  if (system != nullptr && system->state == "creating") return make(*system);
  if (system != nullptr && system->state == "deleting") return remove(*system);
  if (target != nullptr && target->state == "deleting") return close(*target);
}

void Storage::run(const std::string& id, Step step, std::function<Changes()> then) {
  works_[id].busy = true;
  const auto outcome = std::make_shared<Result<void>>();
  parts_.offload([outcome, step = std::move(step)] { *outcome = step(); },
                 [this, id, outcome, then = std::move(then)] {
                   auto& work = works_[id];
                   work.busy = false;
                   if (!*outcome) {
                     log::warn("{} is not what it should be yet: {}", id, outcome->error().text());
                     work.retry_at = parts_.clock.now().steady + kStorageRetry;
                     return;
                   }
                   auto changes = then();
                   if (!changes.empty()) parts_.commit(std::move(changes), [] {});
                   reconcile(id);
                 });
}

void Storage::make(const FileSystem& system) {
  run(
      system.id, [&machines = parts_.machines, id = system.id] { return machines.create_file_system(id); },
      [this, id = system.id] {
        Changes changes{.command = "FileSystem:available", .put = {}, .remove = {}};
        const auto* found = parts_.inventory.file_system(id);
        if (found == nullptr || found->state != "creating") return changes;
        FileSystem made = *found;
        made.state = "available";
        changes.put.emplace_back(std::move(made));
        return changes;
      });
}

void Storage::remove(const FileSystem& system) {
  auto step = [&machines = parts_.machines, id = system.id, mounted = guests()]() -> Result<void> {
    // Its mount targets went before, and with them every mount that the machines found.
    const auto detached = machines.detach_file_system(id, mounted);
    if (!detached) log::warn("{} is removed under a mount: {}", id, detached.error().text());
    return machines.remove_disk(id);
  };
  run(system.id, std::move(step), [id = system.id] { return removal("FileSystem:deleted", FileSystem::kTable, id); });
}

void Storage::close(const MountTarget& target) {
  // Until it is out of every guest the row says so; a guest whose paths hang keeps it there, and must be ended.
  auto step = [&machines = parts_.machines, id = target.file_system_id, mounted = guests()] {
    return machines.detach_file_system(id, mounted);
  };
  run(target.id, std::move(step), [id = target.id] { return removal("MountTarget:deleted", MountTarget::kTable, id); });
}

void Storage::detach(const std::string& file_system_id, const std::string& instance_id) {
  std::vector<MountedBy> one = guests();
  std::erase_if(one, [&](const MountedBy& guest) { return guest.instance_id != instance_id; });
  parts_.offload(
      [&machines = parts_.machines, file_system_id, one = std::move(one)] {
        const auto detached = machines.detach_file_system(file_system_id, one);
        if (!detached) log::warn("{} stays mounted in a guest: {}", file_system_id, detached.error().text());
      },
      [] {});
}

std::vector<MountedBy> Storage::guests() const {
  std::vector<MountedBy> found;
  for (const auto& [id, instance] : parts_.inventory.instances()) {
    const auto address = Ipv4::parse(instance.private_ip);
    if (instance.live() && address) found.push_back({.instance_id = id, .address = *address});
  }
  return found;
}

}  // namespace slipway::localcloud
