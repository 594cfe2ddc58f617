#include "controller/placement.hpp"

#include "controller/commands.hpp"
#include "scheduler/planner.hpp"

namespace slipway::controller {
namespace {

std::string pool_name_of(const Tables& tables, const model::Host& host) {
  const auto* pool = tables.pools.find(host.pool);
  return pool == nullptr ? "" : pool->name;
}

std::vector<HostId> refused_hosts(const Step& step, const JobId& job) {
  std::vector<HostId> hosts;
  for (auto at = step.known.refusals.lower_bound({job, HostId{}});
       at != step.known.refusals.end() && at->first.first == job; ++at)
    if (at->second > step.now.steady) hosts.push_back(at->first.second);
  return hosts;
}

bool runs_services(const model::Host& host) {
  return std::ranges::binary_search(host.features, std::string(wire::kServicesFeature));
}

void add_queued(const Step& step, bool warm, scheduler::Snapshot& snapshot) {
  for (const auto& [created, id] : step.tables.queued()) {
    const auto& job = step.tables.jobs.at(id);
    if ((job.spec.service && job.spec.service->warm) != warm) continue;
    snapshot.jobs.push_back({.id = id,
                             .container_image = job.spec.container_image,
                             .resources = job.spec.resources,
                             .pool = job.spec.pool,
                             .service = job.spec.service.has_value(),
                             .refused_hosts = refused_hosts(step, id)});
  }
}

scheduler::Snapshot snapshot_of(const Step& step) {
  scheduler::Snapshot snapshot;
  for (const auto& [created, id] : step.tables.hosts.order()) {
    const auto& host = step.tables.hosts.at(id);
    if (model::is_gone(host.state)) continue;
    snapshot.hosts.push_back({.id = id,
                              .label = label_of(host),
                              .state = host.state,
                              .connected = takes_orders(step, host),
                              .pool = pool_name_of(step.tables, host),
                              .capacity = host.capacity,
                              .free = free_on(step, host),
                              .container_images = host.container_images,
                              .runs_services = runs_services(host)});
  }
  add_queued(step, false, snapshot);
  add_queued(step, true, snapshot);  // people who wait come before what is kept for people to come
  for (const auto& [id, pool] : step.tables.pools.rows())
    if (!pool.deleting) snapshot.pool_names.push_back(pool.name);
  std::ranges::sort(snapshot.pool_names);
  return snapshot;
}

}  // namespace

std::string label_of(const model::Host& host) {
  if (!host.name.empty()) return host.name;
  return host.instance_id.empty() ? host.id.text() : host.instance_id;
}

bool takes_orders(const Step& step, const model::Host& host) {
  if (host.state != model::HostState::Ready) return false;
  const auto known = step.known.hosts.find(host.id);
  if (known == step.known.hosts.end() || !known->second.connection) return false;
  const auto agent = step.known.connections.find(*known->second.connection);
  return agent != step.known.connections.end() && agent->second.inventory;
}

model::Resources free_on(const Step& step, const model::Host& host) {
  auto free = host.capacity;
  for (const auto& id : step.tables.open_on(host.id)) free = free - step.tables.allocations.at(id).resources;
  if (const auto known = step.known.hosts.find(host.id); known != step.known.hosts.end())
    for (const auto& id : known->second.superseded)
      if (const auto* allocation = step.tables.allocations.find(id)) free = free - allocation->resources;
  return free;
}

wire::StartAllocation start_order(const model::Job& job, const model::Allocation& allocation) {
  return {
      .allocation = allocation.id, .epoch = allocation.epoch, .job = job.id, .job_name = job.name, .spec = job.spec};
}

void place_queued_jobs(Step& step) {
  step.known.placement_due = false;
  if (step.tables.queued().empty()) return;
  const auto plan = scheduler::plan(snapshot_of(step));
  for (const auto& [job, host] : plan.placements) {
    if (!place_job(step, job, host)) step.known.placement_due = true;  // planned on what has just changed
  }
  for (const auto& [job, reason] : plan.waiting) set_waiting_reason(step, job, reason);
}

}  // namespace slipway::controller
