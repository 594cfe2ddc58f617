#include "base/digest.hpp"
#include "controller/commands.hpp"

namespace slipway::controller {
namespace {

Result<std::optional<JobId>> earlier_submit(Step& step, const std::string& record_id, const std::string& request) {
  const auto* record = step.tables.idempotency.find(record_id);
  if (record == nullptr) return std::optional<JobId>{};
  if (record->request_sha256 != request)
    return fail(Error{.code = Code::Conflict,
                      .message = "this Idempotency-Key was used for another request: job " + record->job.text(),
                      .fix = "use a new key for a new job",
                      .context = {}});
  return std::optional<JobId>{record->job};
}

/// A pool may be deleted while its jobs wait; one that never was is a slip of the pen, and waiting would not mend it.
Result<void> check_pool(const Tables& tables, const std::string& name) {
  if (name.empty()) return {};
  std::string known;
  for (const auto& [id, pool] : tables.pools.rows()) {
    if (pool.name == name) return {};
    known += (known.empty() ? "" : ", ") + pool.name;
  }
  return fail(Error{.code = Code::NotFound,
                    .message = "no pool named " + name,
                    .fix = known.empty() ? "make one: slipway pool create" : "pools are: " + known,
                    .context = {}});
}

}  // namespace

Result<JobId> submit_job(Step& step, const model::Principal& who, const wire::SubmitJobRequest& request,
                         const std::string& idempotency_key) {
  const auto record_id = sha256_hex(who.id.text() + "\n" + idempotency_key);
  const auto request_digest = sha256_hex(wire::encode(request));
  if (!idempotency_key.empty()) {
    SLIPWAY_ASSIGN(const auto earlier, earlier_submit(step, record_id, request_digest));
    if (earlier) return *earlier;
  }
  if (!request.name.empty()) SLIPWAY_TRY(wire::check_name(request.name, "job"));
  SLIPWAY_TRY(check_pool(step.tables, request.spec.pool));

  model::Job job{.id = JobId::make(step.random)};
  job.meta.owner = who.id;
  if (!step.tables.projects.order().empty()) job.meta.project = step.tables.projects.order().begin()->second;
  job.name = request.name.empty() ? job.id.text() : request.name;
  job.spec = request.spec;
  job.reason = "waits to be placed";
  step.begin("SubmitJob", who.id, {job.id.text()}, {{"name", job.name}});
  step.put(job);
  if (!idempotency_key.empty())
    step.put(IdempotencyRecord{.id = record_id, .meta = {}, .job = job.id, .request_sha256 = request_digest});
  step.known.placement_due = true;
  return job.id;
}

}  // namespace slipway::controller
