#include "controller/bakes.hpp"
#include "controller/commands.hpp"

namespace slipway::controller {
namespace {

ImageId record_image(Step& step, const model::Bake& bake, const BakeResult& result) {
  const auto* known = step.tables.images.newest(
      [&](const model::Image& one) { return one.image_id == result.image_id && one.name == result.name; });
  if (known != nullptr) return known->id;
  model::Image image{.id = ImageId::make(step.random)};
  image.meta.owner = bake.meta.owner;
  image.meta.project = bake.meta.project;
  image.name = result.name;
  image.image_id = result.image_id;
  image.recipe_digest = result.recipe_digest;
  image.bake = bake.id;
  return step.put(std::move(image)).id;
}

}  // namespace

void record_bake_progress(Step& step, const BakeProgressed& progress) {
  const auto* bake = step.tables.bakes.find(progress.bake);
  if (bake == nullptr || model::is_terminal(bake->state)) return;
  auto changed = *bake;
  if (changed.step != progress.step) changed.step_started_at = step.now.wall;
  changed.step = progress.step;
  changed.steps = progress.steps;
  changed.step_name = progress.step_name;
  changed.last_line = progress.last_line;
  step.begin("RecordBakeProgress", {}, {progress.bake.text()});
  step.put(std::move(changed));
  step.act(BakeChanged{progress.bake});
}

void record_bake_end(Step& step, const BakeEnded& end) {
  if (step.known.running_bake == end.bake) step.known.running_bake.reset();
  const auto* bake = step.tables.bakes.find(end.bake);
  if (bake == nullptr || model::is_terminal(bake->state)) return;
  auto changed = *bake;
  changed.finished_at = step.now.wall;
  step.begin("RecordBakeEnd", {}, {end.bake.text()});
  if (end.result) {
    changed.state = model::BakeState::Succeeded;
    changed.reason = end.result->reused ? "nothing changed: the image exists already" : "";
    changed.name = end.result->name;
    changed.image_id = end.result->image_id;
    changed.reused = end.result->reused;
    changed.image = record_image(step, changed, *end.result);
  } else {
    const bool stopped = changed.stop_requested && end.result.error().code == Code::Cancelled;
    changed.state = stopped ? model::BakeState::Stopped : model::BakeState::Failed;
    changed.reason = stopped ? "stopped on request" : end.result.error().text();
  }
  step.put(std::move(changed));
  step.act(BakeChanged{end.bake});
  start_next_bake(step);
}

}  // namespace slipway::controller
