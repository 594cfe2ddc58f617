#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {

void handle_register_app(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::App, {}}); !may)
    return call->refuse(may.error());
  call->body(kSmallBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_register_app(body);
    if (!request) return call->refuse(request.error());
    call->change([call, request = *request](controller::Step& step) -> Result<Answer> {
      SLIPWAY_ASSIGN(const auto id, controller::register_app(step, call->principal, request));
      const auto& app = step.tables.apps.at(id);
      return Answer{.status = 201, .body = wire::api_json(app), .version = app.meta.version};
    });
  });
}

void handle_list_apps(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) {
    const auto& tables = core.tables();
    const bool all = call->flag("all");
    return page<model::App>(
        tables, *call, [&](const model::App& app) { return all || tables.newest_app(app.name)->id == app.id; },
        [](const model::App& app) { return wire::api_json(app); });
  });
}

void handle_show_app(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* app, find<model::App>(core.tables(), call->principal, auth::Action::Read, call->id()));
    return Answer{.body = wire::api_json(*app), .version = app->meta.version};
  });
}

}  // namespace slipway::api
