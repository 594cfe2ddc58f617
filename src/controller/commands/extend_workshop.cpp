#include "controller/workshop_commands.hpp"

namespace slipway::controller {

Result<void> extend_workshop(Step& step, const model::Principal& who, const WorkshopId& id, WallTime until) {
  const auto* workshop = step.tables.workshops.find(id);
  if (workshop == nullptr) return fail(Code::NotFound, "no workshop {}", id);
  using enum model::WorkshopState;
  if (workshop->state == Ending || workshop->state == Ended)
    return fail(Code::Conflict, "workshop {} is over: it is {}", workshop->name,
                model::workshop_state_name(workshop->state));
  auto extended = *workshop;
  extended.spec.end = until;
  SLIPWAY_TRY(model::check_workshop_spec(extended.spec, step.now.wall));
  step.begin("ExtendWorkshop", who.id, {id.text()}, {{"end", format_time(until)}});
  step.put(std::move(extended));
  for (const auto& seat : step.tables.seats_of(id)) {
    const auto* session = step.tables.sessions.find(step.tables.seats.at(seat).session);
    if (session == nullptr || model::is_terminal(session->state) || session->stop_requested) continue;
    auto longer = *session;
    longer.ends_at = until;
    step.act(SessionChanged{longer.id});
    step.put(std::move(longer));
  }
  return {};
}

}  // namespace slipway::controller
