#include "controller/commands.hpp"

namespace slipway::controller {

Result<void> stop_session(Step& step, const PrincipalId& who, const SessionId& id, const std::string& reason) {
  const auto* session = step.tables.sessions.find(id);
  if (session == nullptr) return fail(Code::NotFound, "no session {}", id);
  if (model::is_terminal(session->state)) return fail(Code::Conflict, "session {} has ended already", id);
  if (session->stop_requested) return {};
  auto stopping = *session;
  stopping.stop_requested = true;
  stopping.state = model::SessionState::Stopping;
  stopping.reason = reason;
  stopping.idle_since = WallTime{};
  step.begin("StopSession", who, {id.text()}, {{"reason", reason}});
  const auto job = step.put(std::move(stopping)).job;
  step.act(SessionChanged{id});
  return stop_job(step, {.id = who}, job);
}

}  // namespace slipway::controller
