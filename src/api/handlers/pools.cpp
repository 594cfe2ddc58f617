#include "api/fleet_json.hpp"
#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

/// What no waiting mends. A cloud that is away or full for now is no reason: the pool waits for it.
bool will_never_launch(const Error& error) {
  return error.code == Code::InvalidInput || error.code == Code::NotFound || error.code == Code::Unsupported;
}

void create(const std::shared_ptr<Call>& call, const wire::CreatePoolRequest& request) {
  call->change([call, request](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto id, controller::create_pool(step, call->principal, request));
    return Answer{.status = 201, .body = pool_with_ready(step.tables, step.tables.pools.at(id))};
  });
}

void check_and_create(const std::shared_ptr<Call>& call, const wire::CreatePoolRequest& request,
                      const std::string& image_id) {
  call->context.runner.check_launch(image_id, request.instance_type, [call, request](const Result<void>& checked) {
    call->context.edge.post([call, request, checked] {
      if (checked || !will_never_launch(checked.error())) return create(call, request);
      Error error = checked.error();
      call->refuse(std::move(error).with_context("checking what pool " + request.name + " would launch"));
    });
  });
}

}  // namespace

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
    call->look<std::string>(
        [image = request->image](const controller::Core& core) {
          return controller::resolve_image(core.tables(), image);
        },
        [call, request = *request](const std::string& image_id) { check_and_create(call, request, image_id); });
  });
}

void handle_set_warm(std::shared_ptr<Call> call) {
  call->body(kSmallBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_set_warm(body);
    if (!request) return call->refuse(request.error());
    call->change([call, request = *request](controller::Step& step) -> Result<Answer> {
      SLIPWAY_ASSIGN(const auto* pool,
                     find<model::Pool>(step.tables, call->principal, auth::Action::Change, call->id()));
      const auto id = pool->id;
      SLIPWAY_TRY(controller::set_warm(step, call->principal, id, request.app, request.count));
      return Answer{.body = pool_with_ready(step.tables, step.tables.pools.at(id))};
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
