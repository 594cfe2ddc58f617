// Lifecycle at the start of the cloud.
#include "localcloud/actions/common.hpp"
#include "localcloud/lifecycle/lifecycle.hpp"

namespace slipway::localcloud {
namespace {

/// What the state of an instance becomes for a guest that was found, or was not.
void settle(Instance& instance, bool running, bool imaging, const Result<ExitRecord>& last, WallTime now) {
  if (instance.state == InstanceState::Pending && running) {
    move_to(instance, InstanceState::Running, "", "", now);
    ++instance.boots;
  } else if (instance.state == InstanceState::Running && !running && !imaging) {
    const bool orderly = last && last->reason == ExitReason::PoweredOff;
    move_to(instance, InstanceState::Stopping, orderly ? "Client.InstanceInitiatedShutdown" : "Server.InternalError",
            orderly ? "Instance initiated shutdown" : "The guest was gone when the cloud started", now);
  } else if (instance.state == InstanceState::Stopped && instance.start_with_cloud) {
    move_to(instance, InstanceState::Pending, "", "", now);
    instance.start_with_cloud = false;
    instance.launched_at = now;
  }
}

}  // namespace

Result<Changes> Lifecycle::recover() {
  Changes changes{.command = "StartCloud", .put = {}, .remove = {}};
  for (const auto& [id, found] : parts_.inventory.instances()) {
    if (!found.live()) continue;
    SLIPWAY_ASSIGN(const bool running, parts_.machines.adopt(id).context("looking for the guest of " + id));
    works_[id].running = running;
    Instance instance = found;
    settle(instance, running, pending_image(found) != nullptr, parts_.machines.last_exit(id), now());
    if (instance.state != found.state) changes.put.emplace_back(std::move(instance));
  }
  // A base that was being made is made anew on request; the disk sweep takes its half.
  for (const auto& [id, image] : parts_.inventory.images()) {
    if (image.state == "pending" && image.source_instance_id.empty()) changes.remove.emplace_back(Image::kTable, id);
  }
  return changes;
}

void Lifecycle::resume() {
  for (const auto& [id, instance] : parts_.inventory.instances()) reconcile(id);
  sweep_disks();
}

}  // namespace slipway::localcloud
