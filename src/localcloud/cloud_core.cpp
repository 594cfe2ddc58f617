#include "localcloud/cloud_core.hpp"

#include "base/log.hpp"
#include "localcloud/security_policy.hpp"

namespace slipway::localcloud {
namespace {

/// True if the firewall has to change: a group, or who is in one.
bool touches_security(const Inventory& inventory, const Changes& changes) {
  const auto changed = [&](const Resource& resource) {
    if (std::holds_alternative<Group>(resource)) return true;
    const auto* instance = std::get_if<Instance>(&resource);
    if (instance == nullptr) return false;
    const auto* before = inventory.instance(instance->id);
    return before == nullptr || before->live() != instance->live() || before->group_ids != instance->group_ids;
  };
  return std::ranges::any_of(changes.put, changed) ||
         std::ranges::any_of(changes.remove, [](const auto& gone) { return gone.first == Group::kTable; });
}

/// The instances that a change set concerns: those in it, and those that its images are made of.
std::vector<std::string> concerned(const Changes& changes) {
  std::vector<std::string> ids;
  for (const auto& resource : changes.put) {
    if (const auto* instance = std::get_if<Instance>(&resource)) ids.push_back(instance->id);
    const auto* image = std::get_if<Image>(&resource);
    if (image != nullptr && !image->source_instance_id.empty()) ids.push_back(image->source_instance_id);
  }
  return ids;
}

/// The file systems and mount targets in a change set.
std::vector<std::string> concerned_storage(const Changes& changes) {
  std::vector<std::string> ids;
  for (const auto& resource : changes.put) {
    if (const auto* system = std::get_if<FileSystem>(&resource)) ids.push_back(system->id);
    if (const auto* target = std::get_if<MountTarget>(&resource)) ids.push_back(target->id);
  }
  return ids;
}

Result<void> commit_now(store::Store& store, Inventory& inventory, Changes changes, WallTime now) {
  if (changes.empty()) return {};
  return store.commit({inventory.apply(std::move(changes), now)});
}

}  // namespace

Result<std::unique_ptr<CloudCore>> CloudCore::open(Parts parts) {
  SLIPWAY_ASSIGN(const auto rows, parts.store.load_all());
  SLIPWAY_ASSIGN(Inventory inventory, Inventory::load(rows));
  const auto now = parts.clock.now().wall;
  if (inventory.settings() == nullptr) {
    SLIPWAY_TRY(commit_now(parts.store, inventory, first_start(parts.site, parts.random), now));
  }
  std::unique_ptr<CloudCore> core(new CloudCore(std::move(parts), std::move(inventory)));
  core->parts_.machines.publish_security(security_policy(core->inventory_));
  SLIPWAY_TRY(core->parts_.machines.apply_security());
  SLIPWAY_ASSIGN(Changes changes, core->lifecycle_.recover());
  SLIPWAY_TRY(commit_now(core->parts_.store, core->inventory_, std::move(changes), now));
  return core;
}

CloudCore::CloudCore(Parts parts, Inventory inventory)
    : parts_(std::move(parts)),
      inventory_(std::move(inventory)),
      commits_(parts_.store, parts_.store_thread, parts_.failed),
      lifecycle_({.inventory = inventory_,
                  .machines = parts_.machines,
                  .clock = parts_.clock,
                  .offload = parts_.machine_threads,
                  .commit = [this](Changes changes, auto durable) { commit(std::move(changes), std::move(durable)); }}),
      storage_({.inventory = inventory_,
                .machines = parts_.machines,
                .clock = parts_.clock,
                .offload = parts_.mount_threads,
                .commit = [this](Changes changes, auto durable) { commit(std::move(changes), std::move(durable)); }}),
      api_({.inventory = inventory_,
            .site = parts_.site,
            .machines = parts_.machines,
            .clock = parts_.clock,
            .random = parts_.random,
            .offload = parts_.machine_threads,
            .commit = [this](Changes changes, auto durable) { commit(std::move(changes), std::move(durable)); },
            .reboot = [this](const std::string& id) { lifecycle_.reboot(id); }}),
      efs_({.inventory = inventory_,
            .site = parts_.site,
            .machines = parts_.machines,
            .clock = parts_.clock,
            .random = parts_.random,
            .offload = parts_.machine_threads,
            .commit = [this](Changes changes, auto durable) { commit(std::move(changes), std::move(durable)); }}),
      imds_(inventory_, parts_.site, inventory_.settings()->metadata_key, parts_.clock),
      mounts_({.inventory = inventory_,
               .imds = imds_,
               .machines = parts_.machines,
               .storage = storage_,
               .offload = parts_.mount_threads}),
      bases_({.inventory = inventory_,
              .machines = parts_.machines,
              .clock = parts_.clock,
              .random = parts_.random,
              .offload = parts_.base_thread,
              .commit = [this](Changes changes, auto durable) { commit(std::move(changes), std::move(durable)); }}) {}

void CloudCore::commit(Changes changes, std::function<void()> durable) {
  const bool security = touches_security(inventory_, changes);
  const bool image_gone =
      std::ranges::any_of(changes.remove, [](const auto& gone) { return gone.first == Image::kTable; });
  auto ids = concerned(changes);
  auto stored = concerned_storage(changes);
  lifecycle_.hold(ids);
  storage_.hold(stored);
  auto set = inventory_.apply(std::move(changes), parts_.clock.now().wall);
  if (security) parts_.machines.publish_security(security_policy(inventory_));
  commits_.submit(std::move(set), [this, security, image_gone, ids = std::move(ids), stored = std::move(stored),
                                   durable = std::move(durable)] {
    durable();
    lifecycle_.committed(ids);
    storage_.committed(stored);
    if (image_gone) lifecycle_.sweep_disks();
    if (!security) return;
    const auto apply = [this] {
      const auto applied = parts_.machines.apply_security();
      if (!applied) log::warn("the firewall could not be brought up to date: {}", applied.error().text());
    };
    parts_.machine_threads(apply, [] {});
  });
}

void CloudCore::resume() {
  lifecycle_.resume();
  storage_.resume();
}

void CloudCore::tick() {
  lifecycle_.tick();
  storage_.tick();
}

void CloudCore::stop_all() {
  api_.refuse_launches();
  lifecycle_.stop_all();
}

}  // namespace slipway::localcloud
