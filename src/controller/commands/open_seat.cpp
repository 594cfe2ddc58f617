#include "controller/workshop_commands.hpp"
#include "controller/workshops.hpp"

namespace slipway::controller {

Result<void> open_seat(Step& step, const SeatId& id) {
  const auto* seat = step.tables.seats.find(id);
  if (seat == nullptr) return fail(Code::NotFound, "no seat {}", id);
  const auto workshop = seat->workshop;
  using enum model::WorkshopState;
  if (const auto state = step.tables.workshops.at(workshop).state; state == Ending || state == Ended)
    return fail(Code::Conflict, "the workshop is over");
  if (!seat->spare || seat->wanted) return {};
  auto wanted = *seat;
  wanted.wanted = true;
  step.begin("OpenSpareSeat", wanted.principal, {id.text()});
  step.put(std::move(wanted));
  check_workshop(step, workshop);
  return {};
}

}  // namespace slipway::controller
