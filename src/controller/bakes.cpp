#include "controller/bakes.hpp"

namespace slipway::controller {

void start_next_bake(Step& step) {
  if (step.known.running_bake) return;
  for (const auto& [created, id] : step.tables.bakes.order()) {
    const auto& bake = step.tables.bakes.at(id);
    if (bake.state != model::BakeState::Queued) continue;
    auto running = bake;
    running.state = model::BakeState::Running;
    running.reason.clear();
    running.step_started_at = step.now.wall;
    step.begin("BeginBake", {}, {id.text()});
    const auto& stored = step.put(std::move(running));
    step.known.running_bake = id;
    step.act(RunBake{stored});
    step.act(BakeChanged{id});
    return;
  }
}

void fail_interrupted_bakes(Step& step) {
  std::vector<model::Bake> interrupted;
  for (const auto& [id, bake] : step.tables.bakes.rows())
    if (bake.state == model::BakeState::Running) interrupted.push_back(bake);
  for (auto& bake : interrupted) {
    step.begin("FailInterruptedBake", {}, {bake.id.text()});
    bake.state = model::BakeState::Failed;
    bake.reason = "the controller restarted; start the bake again, which also removes what this one left behind";
    bake.finished_at = step.now.wall;
    step.put(std::move(bake));
  }
}

}  // namespace slipway::controller
