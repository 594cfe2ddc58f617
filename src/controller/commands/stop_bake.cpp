#include "controller/commands.hpp"

namespace slipway::controller {

Result<void> stop_bake(Step& step, const model::Principal& who, const BakeId& id) {
  const auto* bake = step.tables.bakes.find(id);
  if (bake == nullptr) return fail(Code::NotFound, "no bake {}", id);
  if (model::is_terminal(bake->state))
    return fail(Code::Conflict, "bake {} has ended already: it is {}", id, model::bake_state_name(bake->state));
  if (bake->stop_requested) return {};
  auto changed = *bake;
  changed.stop_requested = true;
  changed.reason = "asked to stop";
  step.begin("StopBake", who.id, {id.text()});
  if (changed.state == model::BakeState::Queued) {
    changed.state = model::BakeState::Stopped;
    changed.reason = "stopped before it began";
    changed.finished_at = step.now.wall;
  } else {
    step.act(CancelBake{id});
  }
  step.put(std::move(changed));
  step.act(BakeChanged{id});
  return {};
}

}  // namespace slipway::controller
