#include "controller/bakes.hpp"
#include "controller/commands.hpp"

namespace slipway::controller {

Result<BakeId> start_bake(Step& step, const model::Principal& who, const wire::StartBakeRequest& request,
                          const std::string& name) {
  constexpr std::size_t kMostWaiting = 100;  // each holds a recipe and a manifest in memory
  std::size_t waiting = 0;
  for (const auto& [id, bake] : step.tables.bakes.rows()) waiting += model::is_terminal(bake.state) ? 0U : 1U;
  if (waiting >= kMostWaiting) return fail(Code::Exhausted, "{} bakes are waiting already", waiting);
  model::Bake bake{.id = BakeId::make(step.random)};
  bake.meta.owner = who.id;
  if (!step.tables.projects.order().empty()) bake.meta.project = step.tables.projects.order().begin()->second;
  bake.name = name;
  bake.recipe_path = request.recipe_path;
  bake.recipe_text = request.recipe;
  bake.files = request.files;
  bake.reason = "waits for its turn";
  step.begin("StartBake", who.id, {bake.id.text()}, {{"recipe", bake.recipe_path}});
  step.put(bake);
  start_next_bake(step);
  return bake.id;
}

}  // namespace slipway::controller
