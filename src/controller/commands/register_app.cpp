#include "controller/commands.hpp"

namespace slipway::controller {
namespace {

bool is_same(const model::AppSpec& a, const model::AppSpec& b) {
  return wire::app_spec_json(a) == wire::app_spec_json(b);
}

}  // namespace

Result<AppId> register_app(Step& step, const model::Principal& who, const wire::RegisterAppRequest& request) {
  SLIPWAY_TRY(wire::check_name(request.name, "app"));
  SLIPWAY_TRY(model::check_app_spec(request.spec));
  const auto* before = step.tables.newest_app(request.name);
  if (before != nullptr && is_same(before->spec, request.spec)) return before->id;
  model::App app{.id = AppId::make(step.random)};
  app.meta.owner = who.id;
  app.name = request.name;
  app.version = before == nullptr ? 1 : before->version + 1;
  app.spec = request.spec;
  step.begin("RegisterApp", who.id, {app.id.text()}, {{"name", app.name}, {"app_version", app.version}});
  step.known.warm_due = true;
  return step.put(std::move(app)).id;
}

}  // namespace slipway::controller
