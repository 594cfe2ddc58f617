// Lifecycle's periodic part: retries, old rows and disks that nothing refers to.
#include "base/log.hpp"
#include "localcloud/lifecycle/lifecycle.hpp"

namespace slipway::localcloud {

void Lifecycle::tick() {
  std::vector<std::string> ids;
  for (const auto& [id, work] : works_) {
    if (!work.busy && work.retry_at <= parts_.clock.now().steady) ids.push_back(id);
  }
  for (const auto& id : ids) reconcile(id);
  forget_old();
}

void Lifecycle::forget_old() {
  Changes changes{.command = "Forget", .put = {}, .remove = {}};
  for (const auto& [id, instance] : parts_.inventory.instances()) {
    const bool old = !instance.live() && instance.changed_at + kTerminatedVisible < now();
    if (old) changes.remove.emplace_back(Instance::kTable, id);
  }
  for (const auto& [token, row] : parts_.inventory.launch_tokens()) {
    const bool used =
        std::ranges::any_of(row.instance_ids, [&](const auto& id) { return parts_.inventory.instance(id); });
    if (!used && row.used_at + kLaunchTokenKept < now()) changes.remove.emplace_back(LaunchToken::kTable, token);
  }
  if (!changes.empty()) commit(std::move(changes));
}

void Lifecycle::sweep_disks() {
  if (std::exchange(sweeping_, true)) {
    sweep_again_ = true;
    return;
  }
  // Listed first and compared afterwards: a row always stands before its disk, so a disk made meanwhile is not in the
  // list, and one in the list without a row has none coming.
  const auto disks = std::make_shared<Result<std::vector<std::string>>>(std::vector<std::string>());
  const auto list = [this, disks] { *disks = parts_.machines.list_disks(); };
  parts_.offload(list, [this, disks] {
    if (!*disks) log::warn("disks could not be listed: {}", disks->error().text());
    const auto orphans = std::make_shared<std::vector<std::string>>(*disks ? **disks : std::vector<std::string>());
    std::set<std::string> wanted;
    for (const auto& [id, volume] : parts_.inventory.volumes()) wanted.insert(id);
    for (const auto& [id, image] : parts_.inventory.images()) wanted.insert(image.snapshot_id);
    for (const auto& [id, system] : parts_.inventory.file_systems()) wanted.insert(id);
    std::erase_if(*orphans, [&](const std::string& name) {
      const bool ours = name.starts_with("vol-") || name.starts_with("snap-") || name.starts_with("fs-");
      return wanted.contains(name) || !ours;
    });
    const auto remove = [this, orphans] {
      for (const auto& name : *orphans) {
        const auto removed = parts_.machines.remove_disk(name);
        if (!removed) log::warn("disk {} could not be removed: {}", name, removed.error().text());
      }
    };
    parts_.offload(remove, [this] {
      sweeping_ = false;
      if (std::exchange(sweep_again_, false)) sweep_disks();
    });
  });
}

}  // namespace slipway::localcloud
