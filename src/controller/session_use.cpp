// Who uses a session, and what follows when nobody does or its time is over.
#include "controller/commands.hpp"
#include "controller/sessions.hpp"
#include "controller/workshops.hpp"

namespace slipway::controller {
namespace {

/// After so many intervals without a word nothing is known about the app's CPU use, and nobody is sent away for it.
constexpr int kActivityMissed = 3;

/// Longer than any workshop.
constexpr Duration kForSeats = std::chrono::hours(24 * 3650);

bool is_computing(const Step& step, const model::Session& session, const model::IdleRule& rule) {
  if (rule.cpu_millis_below == 0) return false;
  const auto* allocation = step.tables.current_of(step.tables.jobs.at(session.job));
  if (allocation == nullptr) return true;
  const auto known = step.known.allocations.find(allocation->id);
  if (known == step.known.allocations.end() || !known->second.service) return true;
  const auto& service = *known->second.service;
  return step.now.steady - service.cpu_told_at > kActivityMissed * wire::kActivityInterval ||
         service.cpu_millis >= rule.cpu_millis_below;
}

void show_idle_since(Step& step, const SessionId& id, WallTime since) {
  if (auto* row = step.tables.sessions.computed(id)) row->idle_since = since;
}

/// Tells when the countdown begins to be shown, and when it ends again.
void warn(Step& step, const SessionId& id, bool counting_down) {
  auto& use = step.known.sessions[id];
  if (use.warned == counting_down) return;
  use.warned = counting_down;
  step.act(SessionChanged{id});
}

void check_idle(Step& step, const model::Session& session, const model::IdleRule& rule) {
  auto& use = step.known.sessions[session.id];
  const bool counts = rule.after > Duration{0} && session.state == model::SessionState::Ready;
  if (!use.quiet_from || !counts || use.connections > 0 || is_computing(step, session, rule)) {
    reset_idle(step, session.id);
    return;
  }
  const auto quiet = std::chrono::duration_cast<Duration>(step.now.steady - *use.quiet_from);
  if (session.idle_since == WallTime{} && quiet > Duration{0}) show_idle_since(step, session.id, step.now.wall - quiet);
  warn(step, session.id, rule.after - quiet <= rule.warning);
  if (quiet >= rule.after)
    std::ignore = stop_session(step, {}, session.id, "nobody used it for " + format_duration(rule.after));
}

void check_session(Step& step, const SessionId& id) {
  const auto& session = step.tables.sessions.at(id);
  if (session.stop_requested) return;
  if (session.ends_at != WallTime{} && session.ends_at <= step.now.wall) {
    std::ignore = stop_session(step, {}, id, "its time was over");
    return;
  }
  const auto* app = step.tables.apps.find(session.app);
  if (app == nullptr) return;
  auto rule = app->spec.idle;
  // A seat's machine is there until the workshop ends: being away only shows on the board.
  if (step.tables.seat_of(id) != nullptr) rule.after = kForSeats;
  check_idle(step, session, rule);
}

}  // namespace

void reset_idle(Step& step, const SessionId& id) {
  step.known.sessions[id].quiet_from = step.now.steady;
  show_idle_since(step, id, {});
  warn(step, id, false);
}

void on_activity(Step& step, const model::Host& host, const wire::ServiceActivity& activity) {
  const auto* allocation = step.tables.allocations.find(activity.allocation);
  if (allocation == nullptr || allocation->host != host.id || !step.tables.open_on(host.id).contains(allocation->id))
    return;
  const auto known = step.known.allocations.find(activity.allocation);
  if (known == step.known.allocations.end() || !known->second.service) return;  // its report comes first
  known->second.service->cpu_millis = activity.cpu_millis;
  known->second.service->cpu_told_at = step.now.steady;
}

void on_session_used(Step& step, const SessionUsed& used) {
  const auto* session = step.tables.sessions.find(used.session);
  if (session == nullptr || model::is_terminal(session->state)) return;
  step.known.sessions[used.session].connections = used.connections;
  note_seat_used(step, used.session);
  reset_idle(step, used.session);
}

void check_sessions(Step& step) {
  const auto live = step.tables.live_sessions();
  for (const auto& id : live) check_session(step, id);
}

}  // namespace slipway::controller
