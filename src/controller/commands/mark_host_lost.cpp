#include "controller/commands.hpp"
#include "controller/home_tasks.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {
namespace {

void lose_allocation(Step& step, const model::Host& host, const AllocationId& id) {
  auto allocation = step.tables.allocations.at(id);
  auto job = step.tables.jobs.at(allocation.job);
  allocation.state = model::AllocationState::Lost;
  allocation.reason = fmt::format("host {} is lost", label_of(host));
  allocation.artifacts_note = "not recovered: the host was lost";
  job.state = model::JobState::Lost;
  job.reason = model::joined_by_hand(host)
                   ? fmt::format("host {} is lost; waits until it returns", label_of(host))
                   : fmt::format("host {} is lost; waits until its instance is terminated", label_of(host));
  step.put(std::move(allocation));
  const auto& stored = step.put(std::move(job));
  step.act(JobChanged{stored.id});
}

}  // namespace

void mark_host_lost(Step& step, const HostId& id, const std::string& reason) {
  auto host = step.tables.hosts.at(id);
  const std::vector<AllocationId> open(step.tables.open_on(id).begin(), step.tables.open_on(id).end());
  host.state = model::HostState::Lost;
  host.reason = reason;
  host.lost_at = step.now.wall;
  step.begin("MarkHostLost", {}, {id.text()}, {{"reason", reason}});
  const auto stored = step.put(std::move(host));
  for (const auto& allocation : open) lose_allocation(step, stored, allocation);
  requeue_home_tasks(step, id, fmt::format("host {} is lost", label_of(stored)));
  auto& known = step.known.hosts[id];
  if (known.connection) step.act(CloseAgent{*known.connection, "the host was silent for too long"});
  step.known.placement_due = true;
  if (model::joined_by_hand(stored)) {
    for (const auto& allocation : open)
      if (step.tables.jobs.at(step.tables.allocations.at(allocation).job).spec.rerun_harmless)
        requeue_lost(step, allocation, fmt::format("host {} is lost; running twice is harmless", label_of(stored)));
    return;
  }
  known.changed_at = step.now.steady;
  if (stored.instance_id.empty()) return;
  known.terminate_under_way = true;
  step.act(TerminateInstance{id, stored.instance_id});
}

}  // namespace slipway::controller
