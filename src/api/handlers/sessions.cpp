#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "api/session_json.hpp"

namespace slipway::api {
namespace {

Answer answer_about(const controller::Tables& tables, const Call& call, const SessionId& id, int status) {
  const auto& session = tables.sessions.at(id);
  return {
      .status = status, .body = session_json(tables, call.context.sessions, session), .version = session.meta.version};
}

Result<SessionId> session_to_change(const controller::Tables& tables, const Call& call) {
  SLIPWAY_ASSIGN(const auto* session, find<model::Session>(tables, call.principal, auth::Action::Change, call.id()));
  return session->id;
}

}  // namespace

void handle_start_session(std::shared_ptr<Call> call) {
  if (const auto may = auth::require(call->principal, auth::Action::Create, {auth::Kind::Session, {}}); !may)
    return call->refuse(may.error());
  const auto key = call->idempotency_key();
  if (!key) return call->refuse(key.error());
  call->body(kSmallBodyBytes, [call, key = *key](const std::string& body) {
    const auto request = wire::parse_start_session(body);
    if (!request) return call->refuse(request.error());
    call->change([call, key, request = *request](controller::Step& step) -> Result<Answer> {
      if (const auto* app = step.tables.newest_app(request.app))
        SLIPWAY_TRY(auth::require(call->principal, auth::Action::Read, {auth::Kind::App, app->meta.owner}));
      SLIPWAY_ASSIGN(const auto id, controller::start_session(step, call->principal, request, key));
      return answer_about(step.tables, *call, id, 201);
    });
  });
}

void handle_list_sessions(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) {
    const bool all = call->flag("all");
    return page<model::Session>(
        core.tables(), *call,
        [all](const model::Session& session) { return all || !model::is_terminal(session.state); },
        [&](const model::Session& session) { return session_json(core.tables(), call->context.sessions, session); });
  });
}

void handle_show_session(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* session,
                   find<model::Session>(core.tables(), call->principal, auth::Action::Read, call->id()));
    return answer_about(core.tables(), *call, session->id, 200);
  });
}

void handle_stop_session(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto id, session_to_change(step.tables, *call));
    SLIPWAY_TRY(controller::stop_session(step, call->principal.id, id, "stopped on request"));
    return answer_about(step.tables, *call, id, 202);
  });
}

void handle_extend_session(std::shared_ptr<Call> call) {
  call->body(kSmallBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_extend_session(body);
    if (!request) return call->refuse(request.error());
    call->change([call, longer = request->longer](controller::Step& step) -> Result<Answer> {
      SLIPWAY_ASSIGN(const auto id, session_to_change(step.tables, *call));
      SLIPWAY_TRY(controller::extend_session(step, call->principal.id, id, longer));
      return answer_about(step.tables, *call, id, 200);
    });
  });
}

}  // namespace slipway::api
