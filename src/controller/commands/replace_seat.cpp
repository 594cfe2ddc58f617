#include "controller/workshop_commands.hpp"
#include "controller/workshops.hpp"

namespace slipway::controller {
namespace {

/// Where it is now; empty if it is nowhere.
HostId host_of(const Tables& tables, const model::Session& session) {
  const auto* allocation = tables.current_of(tables.jobs.at(session.job));
  return allocation == nullptr ? HostId{} : allocation->host;
}

}  // namespace

Result<void> replace_seat(Step& step, const model::Principal& who, const SeatId& id) {
  const auto* seat = step.tables.seats.find(id);
  if (seat == nullptr) return fail(Code::NotFound, "no seat {}", id);
  const auto& workshop = step.tables.workshops.at(seat->workshop);
  if (workshop.state != model::WorkshopState::Open)
    return fail(Code::Conflict, "workshop {} is {}: there is nothing to replace", workshop.name,
                model::workshop_state_name(workshop.state));
  auto moved = *seat;
  HostId avoid;
  step.begin("ReplaceSeat", who.id, {id.text()}, {{"workshop", workshop.name}, {"number", seat->number}});
  if (const auto* session = step.tables.sessions.find(seat->session)) {
    avoid = host_of(step.tables, *session);
    moved.leaving = session->id;
  }
  const auto before = moved.leaving;
  moved.wanted = moved.spare;
  moved.failures = 0;
  moved.note.clear();
  step.put(std::move(moved));
  if (const auto* session = step.tables.sessions.find(before);
      session != nullptr && !model::is_terminal(session->state))
    SLIPWAY_TRY(stop_session(step, who.id, before, "moved to another machine"));
  return start_seat(step, id, avoid);
}

}  // namespace slipway::controller
