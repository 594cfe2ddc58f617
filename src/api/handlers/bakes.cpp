#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

/// Blocking: reads the recipe and looks for the files; gives the image's name.
Result<std::string> check(controller::Runner& runner, const wire::StartBakeRequest& request) {
  SLIPWAY_ASSIGN(auto name, runner.bakes()->check(request));
  std::vector<std::string> digests;
  for (const auto& entry : request.files) digests.push_back(entry.sha256);
  if (const auto missing = runner.blobs().missing(digests); !missing.empty())
    return fail(Error{
        .code = Code::InvalidInput,
        .message = fmt::format("{} files of this bake are not here, the first is {}", missing.size(), missing.front()),
        .fix = "upload them first: PUT /api/v1/blobs/<sha256>",
        .context = {}});
  return name;
}

void start(const std::shared_ptr<Call>& call, const wire::StartBakeRequest& request, const std::string& name) {
  call->change([call, request, name](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto id, controller::start_bake(step, call->principal, request, name));
    return Answer{.status = 201, .body = wire::api_json(step.tables.bakes.at(id))};
  });
}

}  // namespace

void handle_start_bake(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Bake, {}}); !may)
    return call->refuse(may.error());
  if (call->context.runner.bakes() == nullptr)
    return call->refuse(Error{.code = Code::Unsupported,
                              .message = "this controller has no cloud to bake in",
                              .fix = "start it with --cloud-endpoint-file, or use slipway dev",
                              .context = {}});
  call->body(kManifestBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_start_bake(body);
    if (!request) return call->refuse(request.error());
    call->context.files.offload(
        call->context.edge, [call, request = *request] { return check(call->context.runner, request); },
        [call, request = *request](const Result<std::string>& name) {
          if (!name) return call->refuse(name.error());
          start(call, request, *name);
        });
  });
}

void handle_stop_bake(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* bake, find<model::Bake>(step.tables, call->principal, auth::Action::Change, call->id()));
    const auto id = bake->id;
    SLIPWAY_TRY(controller::stop_bake(step, call->principal, id));
    return Answer{.status = 202, .body = wire::api_json(step.tables.bakes.at(id))};
  });
}

}  // namespace slipway::api
