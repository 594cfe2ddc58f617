#include "controller/commands.hpp"
#include "controller/idempotency.hpp"

namespace slipway::controller {

Result<JobId> submit_job(Step& step, const model::Principal& who, const wire::SubmitJobRequest& request,
                         const std::string& idempotency_key) {
  const RequestKey key(who.id, idempotency_key, wire::encode(request));
  SLIPWAY_ASSIGN(const auto earlier, earlier_job(step, key));
  if (earlier) return *earlier;
  if (!request.name.empty()) SLIPWAY_TRY(wire::check_name(request.name, "job"));
  SLIPWAY_TRY(require_pool(step.tables, request.spec.pool));

  model::Job job{.id = JobId::make(step.random)};
  job.meta.owner = who.id;
  if (!step.tables.projects.order().empty()) job.meta.project = step.tables.projects.order().begin()->second;
  job.name = request.name.empty() ? job.id.text() : request.name;
  job.spec = request.spec;
  job.reason = "waits to be placed";
  step.begin("SubmitJob", who.id, {job.id.text()}, {{"name", job.name}});
  step.put(job);
  remember(step, key, job.id);
  step.known.placement_due = true;
  return job.id;
}

}  // namespace slipway::controller
