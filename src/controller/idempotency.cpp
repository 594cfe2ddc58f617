#include "controller/idempotency.hpp"

#include "base/digest.hpp"

namespace slipway::controller {

RequestKey::RequestKey(const PrincipalId& who, const std::string& key, const std::string& request)
    : record(key.empty() ? "" : sha256_hex(who.text() + "\n" + key)), request_sha256(sha256_hex(request)) {}

Result<std::optional<JobId>> earlier_job(const Step& step, const RequestKey& key) {
  const auto* record = key.record.empty() ? nullptr : step.tables.idempotency.find(key.record);
  if (record == nullptr) return std::optional<JobId>{};
  if (record->request_sha256 != key.request_sha256)
    return fail(Error{.code = Code::Conflict,
                      .message = "this Idempotency-Key was used for another request: job " + record->job.text(),
                      .fix = "use a new key for a new request",
                      .context = {}});
  return std::optional<JobId>{record->job};
}

void remember(Step& step, const RequestKey& key, const JobId& job) {
  if (key.record.empty()) return;
  step.put(IdempotencyRecord{.id = key.record, .meta = {}, .job = job, .request_sha256 = key.request_sha256});
}

}  // namespace slipway::controller
