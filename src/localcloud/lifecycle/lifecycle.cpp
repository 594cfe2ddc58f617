#include "localcloud/lifecycle/lifecycle.hpp"

#include "base/log.hpp"
#include "base/units.hpp"
#include "localcloud/actions/common.hpp"
#include "localcloud/instance_types.hpp"

namespace slipway::localcloud {
namespace {

// Between attempts of a step that failed: long enough not to spin, short against a person's patience.
constexpr Duration kRetryDelay = std::chrono::seconds(2);

}  // namespace

const Image* Lifecycle::pending_image(const Instance& instance) const {
  for (const auto& [id, image] : parts_.inventory.images()) {
    if (image.state == "pending" && image.source_instance_id == instance.id) return &image;
  }
  return nullptr;
}

void Lifecycle::commit(Changes changes) {
  parts_.commit(std::move(changes), [] {});
}

void Lifecycle::put(Instance instance) {
  Changes changes{.command = fmt::format("Instance:{}", state_name(instance.state)), .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(instance));
  commit(std::move(changes));
}

void Lifecycle::hold(const std::vector<std::string>& ids) {
  for (const auto& id : ids) ++works_[id].held;
}

void Lifecycle::committed(const std::vector<std::string>& ids) {
  for (const auto& id : ids) {
    auto& work = works_[id];
    --work.held;
    const auto* instance = parts_.inventory.instance(id);
    const bool gone = instance == nullptr || !instance->live();
    if (gone && work.held == 0 && !work.busy) works_.erase(id);
    reconcile(id);
  }
}

void Lifecycle::run(const std::string& id, Step step, Then then) {
  works_[id].busy = true;
  const auto outcome = std::make_shared<Result<void>>();
  parts_.offload([outcome, step = std::move(step)] { *outcome = step(); },
                 [this, id, outcome, then = std::move(then)] {
                   auto& work = works_[id];
                   work.busy = false;
                   const auto* instance = parts_.inventory.instance(id);
                   if (instance == nullptr) return;
                   if (!*outcome) work.retry_at = parts_.clock.now().steady + kRetryDelay;
                   then(*instance, work, *outcome);
                   const auto ended = std::exchange(works_[id].ended, std::nullopt);
                   if (ended) on_exit(id, *ended);
                   reconcile(id);
                 });
}

void Lifecycle::reconcile(const std::string& id) {
  const auto* instance = parts_.inventory.instance(id);
  if (instance == nullptr || !instance->live()) return;
  auto& work = works_[id];
  if (work.busy || work.held > 0 || parts_.clock.now().steady < work.retry_at) return;
  const auto* image = pending_image(*instance);
  switch (instance->state) {
    case InstanceState::Pending:
      return work.running ? booted(*instance, {}) : boot(*instance);
    case InstanceState::Running:
      if (image != nullptr && (image->no_reboot || !work.running)) return take_snapshot(*instance, *image);
      if (image != nullptr) return ask_to_stop(*instance, work, kStopPatience);
      return work.running ? void() : boot(*instance);
    case InstanceState::Stopping:
      return work.running ? ask_to_stop(*instance, work, kStopPatience) : unplug(*instance);
    case InstanceState::ShuttingDown:
      return work.running ? ask_to_stop(*instance, work, kTerminatePatience) : take_apart(*instance);
    case InstanceState::Stopped:
      return image != nullptr ? take_snapshot(*instance, *image) : void();
    case InstanceState::Terminated:
      return;
  }
}

MachineSpec Lifecycle::spec_of(const Instance& instance) const {
  const auto* type = find_instance_type(instance.instance_type);
  std::string hostname = "ip-" + instance.private_ip;
  std::ranges::replace(hostname, '.', '-');
  return MachineSpec{.instance_id = instance.id,
                     .volume_id = instance.volume_id,
                     .address = Ipv4::parse(instance.private_ip).value_or(Ipv4{}),
                     .mac = instance.mac,
                     .hostname = std::move(hostname),
                     .cpus = type == nullptr ? 1 : type->cpus,
                     .memory_bytes = type == nullptr ? kGiB : type->memory_bytes,
                     .first_boot = instance.boots == 0};
}

void Lifecycle::boot(const Instance& instance) {
  const auto& volume = parts_.inventory.volumes().at(instance.volume_id);
  auto step = [&machines = parts_.machines, spec = spec_of(instance), snapshot = volume.snapshot_id,
               limit = volume.size_gib * kGiB]() -> Result<void> {
    if (spec.first_boot) SLIPWAY_TRY(machines.create_volume(spec.volume_id, snapshot, limit));
    return machines.start(spec);
  };
  works_[instance.id].stop_asked.reset();
  works_[instance.id].boot_at = now();
  run(instance.id, std::move(step),
      [this](const Instance& after, Work&, const Result<void>& outcome) { booted(after, outcome); });
}

void Lifecycle::booted(const Instance& after, const Result<void>& outcome) {
  works_[after.id].running = outcome.has_value();
  if (!outcome) {
    log::warn("instance {} did not start: {}", after.id, outcome.error().text());
    const bool alive = after.state == InstanceState::Pending || after.state == InstanceState::Running;
    if (!alive) return;
    works_[after.id].retry_at = {};
    Instance failed = after;
    // As EC2: a launch that fails ends terminated, a start that fails ends stopped.
    const auto state = failed.boots == 0 ? InstanceState::ShuttingDown : InstanceState::Stopping;
    const bool full = outcome.error().code == Code::Exhausted;
    move_to(failed, state, full ? "Server.InsufficientInstanceCapacity" : "Server.InternalError",
            outcome.error().text(), now());
    return put(std::move(failed));
  }
  if (after.state != InstanceState::Pending) return;
  Instance running = after;
  move_to(running, InstanceState::Running, "", "", now());
  ++running.boots;
  put(std::move(running));
}

void Lifecycle::ask_to_stop(const Instance& instance, Work& work, Duration patience) {
  if (work.stop_asked && *work.stop_asked <= patience) return;  // its end arrives by on_exit
  work.stop_asked = patience;
  run(
      instance.id,
      [&machines = parts_.machines, id = instance.id, patience] { return machines.request_stop(id, patience); },
      [](const Instance& after, Work& current, const Result<void>& outcome) {
        if (outcome) return;
        current.stop_asked.reset();
        if (outcome.error().code != Code::NotFound) {
          return log::warn("instance {} could not be asked to stop: {}", after.id, outcome.error().text());
        }
        current.running = false;
        current.retry_at = {};
      });
}

void Lifecycle::unplug(const Instance& instance) {
  run(
      instance.id, [&machines = parts_.machines, id = instance.id] { return machines.unplug(id); },
      [this](const Instance& after, Work&, const Result<void>& outcome) {
        if (!outcome) return log::warn("the port of {} could not be removed: {}", after.id, outcome.error().text());
        if (after.state != InstanceState::Stopping) return;
        Instance stopped = after;
        stopped.state = InstanceState::Stopped;
        stopped.changed_at = now();
        put(std::move(stopped));
      });
}

void Lifecycle::take_apart(const Instance& instance) {
  auto step = [&machines = parts_.machines, id = instance.id,
               volume = instance.delete_volume ? instance.volume_id : std::string()]() -> Result<void> {
    SLIPWAY_TRY(machines.forget(id));
    return volume.empty() ? Result<void>() : machines.remove_disk(volume);
  };
  run(instance.id, std::move(step), [this](const Instance& after, Work&, const Result<void>& outcome) {
    if (!outcome) return log::warn("instance {} could not be taken apart: {}", after.id, outcome.error().text());
    Instance terminated = after;
    terminated.state = InstanceState::Terminated;
    terminated.changed_at = now();
    Changes changes{.command = "Instance:terminated", .put = {}, .remove = {}};
    if (after.delete_volume) changes.remove.emplace_back(Volume::kTable, after.volume_id);
    if (const auto* image = pending_image(after)) {
      Image failed = *image;
      failed.state = "failed";
      failed.reason_message = "The instance was terminated before its image was made";
      changes.put.emplace_back(std::move(failed));
    }
    changes.put.emplace_back(std::move(terminated));
    commit(std::move(changes));
  });
}

void Lifecycle::take_snapshot(const Instance& instance, const Image& image) {
  auto step = [&machines = parts_.machines, volume = instance.volume_id, snapshot = image.snapshot_id] {
    return machines.create_snapshot(volume, snapshot);
  };
  run(instance.id, std::move(step), [this, id = image.id](const Instance&, Work& work, const Result<void>& outcome) {
    const auto* found = parts_.inventory.image(id);
    if (found == nullptr) return;
    Image made = *found;
    made.state = outcome ? "available" : "failed";
    if (!outcome) made.reason_message = outcome.error().text();
    if (!outcome) log::warn("image {} could not be made: {}", id, outcome.error().text());
    work.retry_at = {};
    Changes changes{.command = fmt::format("Image:{}", made.state), .put = {}, .remove = {}};
    changes.put.emplace_back(std::move(made));
    commit(std::move(changes));
  });
}

void Lifecycle::on_exit(const std::string& instance_id, const ExitRecord& record) {
  const auto* instance = parts_.inventory.instance(instance_id);
  if (instance == nullptr || !instance->live()) return;
  auto& work = works_[instance_id];
  if (record.ended < work.boot_at) return;
  if (work.busy) {
    work.ended = record;  // the step that runs may still report its start
    return;
  }
  work.running = false;
  work.stop_asked.reset();
  guest_ended(*instance, record);
  reconcile(instance_id);
}

void Lifecycle::guest_ended(const Instance& instance, const ExitRecord& record) {
  const bool alive = instance.state == InstanceState::Running || instance.state == InstanceState::Pending;
  if (!alive || pending_image(instance) != nullptr) return;
  if (record.reason == ExitReason::PoweredOff) {
    return stop_by_itself(instance, "Client.InstanceInitiatedShutdown", "Instance initiated shutdown");
  }
  const auto detail = record.detail.empty() ? fmt::format("exit status {}", record.exit_status) : record.detail;
  stop_by_itself(instance, "Server.InternalError", "The guest ended without being asked to: " + detail);
}

void Lifecycle::stop_by_itself(const Instance& instance, std::string_view code, std::string_view message) {
  Instance ended = instance;
  const bool terminate = ended.terminate_on_shutdown && code.starts_with("Client.");
  move_to(ended, terminate ? InstanceState::ShuttingDown : InstanceState::Stopping, code, message, now());
  put(std::move(ended));
}

void Lifecycle::reboot(const std::string& instance_id) {
  // No step of the instance's own: nothing waits for it, and it changes no state.
  parts_.offload(
      [&machines = parts_.machines, instance_id] {
        const auto outcome = machines.reboot(instance_id);
        if (!outcome) log::warn("instance {} could not be rebooted: {}", instance_id, outcome.error().text());
      },
      [] {});
}

void Lifecycle::stop_all() {
  Changes changes{.command = "StopAll", .put = {}, .remove = {}};
  for (const auto& [id, found] : parts_.inventory.instances()) {
    const bool alive = found.state == InstanceState::Running || found.state == InstanceState::Pending;
    if (!alive) continue;
    Instance instance = found;
    move_to(instance, InstanceState::Stopping, "Server.ScheduledStop", "The cloud is being stopped", now());
    instance.start_with_cloud = true;
    changes.put.emplace_back(std::move(instance));
  }
  if (!changes.empty()) commit(std::move(changes));
}

std::size_t Lifecycle::stopping() const {
  return static_cast<std::size_t>(std::ranges::count_if(parts_.inventory.instances(), [](const auto& entry) {
    return entry.second.state == InstanceState::Stopping || entry.second.state == InstanceState::ShuttingDown;
  }));
}

}  // namespace slipway::localcloud
