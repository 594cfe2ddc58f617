#include "controller/commands.hpp"
#include "controller/sessions.hpp"

namespace slipway::controller {
namespace {

Result<WallTime> later_end(const Step& step, const model::Session& session, Duration longer) {
  const auto end = step.now.wall + longer;
  const auto* app = step.tables.apps.find(session.app);
  if (app == nullptr || app->spec.longest == Duration{0}) return end;
  const auto latest = session.meta.created_at + app->spec.longest;
  if (end <= latest) return end;
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("session {} may last until {} at most: {} from its start", session.id,
                                           format_time(latest), format_duration(app->spec.longest)),
                    .fix = "ask for less; for longer work register the app with another 'longest'",
                    .context = {}});
}

}  // namespace

Result<void> extend_session(Step& step, const PrincipalId& who, const SessionId& id, Duration longer) {
  const auto* session = step.tables.sessions.find(id);
  if (session == nullptr) return fail(Code::NotFound, "no session {}", id);
  if (model::is_terminal(session->state)) return fail(Code::Conflict, "session {} has ended already", id);
  if (session->stop_requested) return fail(Code::Conflict, "session {} is being stopped: {}", id, session->reason);
  auto extended = *session;
  if (const auto* seat = step.tables.seat_of(id); seat != nullptr && longer > Duration{0})
    return fail(Error{.code = Code::Denied,
                      .message = "this session ends with its workshop",
                      .fix = "the instructor can extend it: slipway workshop extend " +
                             step.tables.workshops.at(seat->workshop).name + " --for 30m",
                      .context = {}});
  if (longer > Duration{0}) {
    SLIPWAY_ASSIGN(extended.ends_at, later_end(step, *session, longer));
  }
  extended.idle_since = WallTime{};
  step.begin("ExtendSession", who, {id.text()}, {{"ends_at", format_time(extended.ends_at)}});
  step.put(std::move(extended));
  reset_idle(step, id);
  step.act(SessionChanged{id});
  return {};
}

}  // namespace slipway::controller
