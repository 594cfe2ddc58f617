#include "controller/commands.hpp"

namespace slipway::controller {

void record_progress(Step& step, const wire::AllocationReport& report) {
  auto allocation = step.tables.allocations.at(report.allocation);
  auto job = step.tables.jobs.at(allocation.job);
  allocation.state = report.state;
  allocation.reason = report.reason;
  allocation.artifacts_note.clear();  // a lost attempt that turned out alive may bring its artifacts yet
  if (report.started_at != WallTime{}) allocation.started_at = report.started_at;
  job.state = job.stop_requested ? model::JobState::Stopping : model::job_state_of(report.state);
  job.reason = report.reason;
  step.begin("RecordProgress", {}, {allocation.id.text(), job.id.text()},
             {{"state", model::allocation_state_name(report.state)}});
  step.put(std::move(allocation));
  const auto& stored = step.put(std::move(job));
  step.act(JobChanged{stored.id});
}

}  // namespace slipway::controller
