#include "controller/commands.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {

Result<void> place_job(Step& step, const JobId& job_id, const HostId& host_id) {
  const auto* job = step.tables.jobs.find(job_id);
  const auto* host = step.tables.hosts.find(host_id);
  if (job == nullptr || host == nullptr || job->state != model::JobState::Queued)
    return fail(Code::Conflict, "job {} is not queued any more", job_id);
  if (!takes_orders(step, *host) || !model::fits(job->spec.resources, free_on(step, *host)))
    return fail(Code::Conflict, "host {} has no room any more", host_id);

  model::Allocation allocation{.id = AllocationId::make(step.random)};
  allocation.meta.owner = job->meta.owner;
  allocation.meta.project = job->meta.project;
  allocation.job = job_id;
  allocation.host = host_id;
  allocation.epoch = static_cast<std::int64_t>(job->allocations.size()) + 1;
  allocation.resources = job->spec.resources;
  allocation.warm = job->spec.service && job->spec.service->warm;
  auto placed = *job;
  placed.state = model::JobState::Placed;
  placed.reason = "placed on " + (host->name.empty() ? host_id.text() : host->name);
  placed.allocations.push_back(allocation.id);

  step.begin("PlaceJob", {}, {job_id.text(), allocation.id.text(), host_id.text()}, {{"epoch", allocation.epoch}});
  step.put(allocation);
  const auto& stored = step.put(std::move(placed));
  step.tell(host_id, start_order(stored, allocation));
  step.act(JobChanged{job_id});
  return {};
}

}  // namespace slipway::controller
