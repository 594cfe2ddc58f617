#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {

void handle_create_pool(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Pool, {}}); !may)
    return call->refuse(may.error());
  if (!call->context.runner.has_cloud())
    return call->refuse(Error{.code = Code::Unsupported,
                              .message = "this controller has no cloud to launch hosts in",
                              .fix = "start it with --cloud-endpoint-file, or let machines join: slipway host join",
                              .context = {}});
  call->body(kSmallBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_create_pool(body);
    if (!request) return call->refuse(request.error());
    call->change([call, request = *request](controller::Step& step) -> Result<Answer> {
      SLIPWAY_ASSIGN(const auto id, controller::create_pool(step, call->principal, request));
      return Answer{.status = 201, .body = wire::api_json(step.tables.pools.at(id))};
    });
  });
}

void handle_delete_pool(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* pool, find<model::Pool>(step.tables, call->principal, auth::Action::Delete, call->id()));
    const auto id = pool->id;
    SLIPWAY_TRY(controller::delete_pool(step, call->principal, id));
    return Answer{.status = 202, .body = wire::api_json(step.tables.pools.at(id))};
  });
}

}  // namespace slipway::api
