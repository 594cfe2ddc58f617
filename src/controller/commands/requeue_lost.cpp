#include "controller/commands.hpp"

namespace slipway::controller {
namespace {

/// Attempts that began to run; one that a host refused did no harm and does not count.
int attempts_begun(const Step& step, const model::Job& job) {
  return static_cast<int>(std::ranges::count_if(job.allocations, [&](const AllocationId& id) {
    return step.tables.allocations.at(id).started_at != WallTime{};
  }));
}

model::JobState next_state(const Step& step, const model::Job& job, std::string& reason) {
  if (job.stop_requested) {
    reason = "stopped on request; " + reason;
    return model::JobState::Stopped;
  }
  if (const int begun = attempts_begun(step, job); begun >= step.options.max_attempts) {
    reason = fmt::format("{}; that was attempt {} of {}", reason, begun, step.options.max_attempts);
    return model::JobState::Failed;
  }
  reason += "; queued again";
  return model::JobState::Queued;
}

}  // namespace

void requeue_lost(Step& step, const AllocationId& id, const std::string& reason) {
  auto allocation = step.tables.allocations.at(id);
  auto job = step.tables.jobs.at(allocation.job);
  allocation.state = model::AllocationState::Lost;
  allocation.reason = reason;
  allocation.finished_at = step.now.wall;
  allocation.artifacts_note = "not recovered: " + reason;
  job.reason = reason;
  job.state = next_state(step, job, job.reason);
  if (model::is_terminal(job.state)) job.finished_at = step.now.wall;
  step.begin("RequeueLost", {}, {job.id.text(), id.text()}, {{"reason", reason}});
  const auto job_id = job.id;
  step.put(std::move(job));
  step.put(std::move(allocation));
  step.known.allocations.erase(id);
  step.known.placement_due = true;
  step.act(JobChanged{job_id});
}

}  // namespace slipway::controller
