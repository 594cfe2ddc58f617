#include "controller/commands.hpp"

namespace slipway::controller {

void record_result(Step& step, const wire::AllocationReport& report, std::string artifacts_note) {
  auto allocation = step.tables.allocations.at(report.allocation);
  auto job = step.tables.jobs.at(allocation.job);
  allocation.state = report.state;
  allocation.reason = report.reason;
  allocation.exit_code = report.exit_code;
  if (report.started_at != WallTime{}) allocation.started_at = report.started_at;
  allocation.finished_at = report.finished_at != WallTime{} ? report.finished_at : step.now.wall;
  allocation.stdout_bytes = std::max<std::int64_t>(report.stdout_bytes, 0);
  allocation.stderr_bytes = std::max<std::int64_t>(report.stderr_bytes, 0);
  allocation.artifacts = report.artifacts;
  allocation.artifacts_note = std::move(artifacts_note);
  job.state = model::job_state_of(report.state);
  job.reason = report.reason;
  job.exit_code = report.exit_code;
  job.finished_at = step.now.wall;
  const auto host = allocation.host;
  step.begin("RecordResult", {}, {allocation.id.text(), job.id.text()},
             {{"state", model::allocation_state_name(report.state)}});
  const auto job_id = job.id;
  step.put(std::move(allocation));
  step.put(std::move(job));
  step.known.allocations.erase(report.allocation);
  step.known.placement_due = true;
  step.tell(host, wire::ForgetAllocation{.allocation = report.allocation, .epoch = report.epoch});
  step.act(JobChanged{job_id});
}

}  // namespace slipway::controller
