#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {

void handle_remove_host(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* host, find<model::Host>(step.tables, call->principal, auth::Action::Delete, call->id()));
    const auto id = host->id;
    SLIPWAY_TRY(controller::remove_host(step, call->principal, id));
    return Answer{.status = 202, .body = wire::api_json(step.tables.hosts.at(id))};
  });
}

void handle_create_join_token(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::JoinToken, {}}); !may)
    return call->refuse(may.error());
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto token, controller::create_join_token(step, call->principal));
    return Answer{.status = 201,
                  .body = boost::json::object{{"host", token.host.text()},
                                              {"controller", call->context.agent_advertise},
                                              {"fingerprint", call->context.fingerprint},
                                              {"join_token", token.secret},
                                              {"expires_at", format_time(token.expires_at)}}};
  });
}

}  // namespace slipway::api
