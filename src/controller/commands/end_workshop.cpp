#include "controller/workshop_commands.hpp"
#include "controller/workshops.hpp"

namespace slipway::controller {

Result<void> end_workshop(Step& step, const PrincipalId& who, const WorkshopId& id, const std::string& reason) {
  const auto* workshop = step.tables.workshops.find(id);
  if (workshop == nullptr) return fail(Code::NotFound, "no workshop {}", id);
  if (model::is_terminal(workshop->state)) return fail(Code::Conflict, "workshop {} has ended already", workshop->name);
  if (workshop->state == model::WorkshopState::Ending) return {};
  step.begin("EndWorkshop", who, {id.text()}, {{"name", workshop->name}, {"reason", reason}});
  auto ending = *workshop;
  ending.state = model::WorkshopState::Ending;
  ending.reason = reason;
  ending.closing_at = step.now.wall;
  step.put(std::move(ending));
  // From here on nobody comes in, so that what is exported is what people left.
  for (const auto& seat : step.tables.seats_of(id)) {
    for (const auto* link : step.tables.links_of(seat)) step.erase(model::Link(*link));
    if (const auto& session = step.tables.seats.at(seat).session; !session.empty()) step.act(SessionChanged{session});
  }
  return {};
}

}  // namespace slipway::controller
