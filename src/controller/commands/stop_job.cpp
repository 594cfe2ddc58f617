#include "controller/commands.hpp"

namespace slipway::controller {
namespace {

void stop_at_once(Step& step, model::Job job, const std::string& reason) {
  job.state = model::JobState::Stopped;
  job.reason = reason;
  job.stop_requested = true;
  job.finished_at = step.now.wall;
  const auto id = job.id;
  step.put(std::move(job));
  step.act(JobChanged{id});
}

void ask_to_stop(Step& step, model::Job job, const model::Allocation& allocation) {
  job.stop_requested = true;
  job.state = model::JobState::Stopping;
  job.reason = "asked to stop";
  const wire::StopAllocation order{.allocation = allocation.id,
                                   .epoch = allocation.epoch,
                                   .grace = job.spec.stop_grace,
                                   .reason = "stopped on request"};
  const auto id = job.id;
  step.put(std::move(job));
  step.tell(allocation.host, order);
  step.act(JobChanged{id});
}

}  // namespace

Result<void> stop_job(Step& step, const model::Principal& who, const JobId& id) {
  const auto* job = step.tables.jobs.find(id);
  if (job == nullptr) return fail(Code::NotFound, "no job {}", id);
  if (model::is_terminal(job->state))
    return fail(Code::Conflict, "job {} has ended already: it is {}", id, model::job_state_name(job->state));
  if (job->stop_requested) return {};
  step.begin("StopJob", who.id, {id.text()});
  const auto* allocation = step.tables.current_of(*job);
  if (job->state == model::JobState::Queued)
    stop_at_once(step, *job, "stopped before it was placed");
  else if (job->state == model::JobState::Lost || allocation == nullptr)
    stop_at_once(step, *job, "stopped while its host was lost");
  else
    ask_to_stop(step, *job, *allocation);
  step.known.placement_due = true;
  return {};
}

}  // namespace slipway::controller
