#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

Result<void> check_files(controller::Runner& runner, const model::Manifest& manifest) {
  std::vector<std::string> digests;
  for (const auto& entry : manifest) digests.push_back(entry.sha256);
  const auto missing = runner.blobs().missing(digests);
  if (missing.empty()) return {};
  return fail(Error{
      .code = Code::InvalidInput,
      .message = fmt::format("{} files of this request are not here, the first is {}", missing.size(), missing.front()),
      .fix = "upload them first: PUT /api/v1/blobs/<sha256>",
      .context = {}});
}

void submit(const std::shared_ptr<Call>& call, const wire::SubmitJobRequest& request, const std::string& key) {
  call->change([call, request, key](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto id, controller::submit_job(step, call->principal, request, key));
    const auto& job = step.tables.jobs.at(id);
    return Answer{.status = 201, .body = wire::api_json(job), .version = job.meta.version};
  });
}

}  // namespace

void handle_submit_job(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Job, {}}); !may)
    return call->refuse(may.error());
  const auto key = call->idempotency_key();
  if (!key) return call->refuse(key.error());
  call->body(kManifestBodyBytes, [call, key = *key](const std::string& body) {
    const auto request = wire::parse_submit_job(body);
    if (!request) return call->refuse(request.error());
    call->context.files.offload(
        call->context.edge,
        [call, manifest = request->spec.source] { return check_files(call->context.runner, manifest); },
        [call, request = *request, key](const Result<void>& here) {
          if (!here) return call->refuse(here.error());
          submit(call, request, key);
        });
  });
}

}  // namespace slipway::api
