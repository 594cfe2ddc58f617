#include "controller/commands.hpp"

namespace slipway::controller {

Result<std::string> resolve_image(const Tables& tables, const std::string& name) {
  if (name.starts_with("ami-")) return name;
  const auto* image =
      tables.images.newest([&](const model::Image& one) { return one.name == name || one.id.text() == name; });
  if (image != nullptr) return image->image_id;
  std::string known;
  for (const auto& [id, one] : tables.images.rows())
    if (known.find(one.name) == std::string::npos) known += (known.empty() ? "" : ", ") + one.name;
  return fail(Error{.code = Code::NotFound,
                    .message = "no image named " + name,
                    .fix = known.empty() ? "bake one: slipway image bake <recipe>" : "images are: " + known,
                    .context = {}});
}

Result<void> require_pool(const Tables& tables, const std::string& name) {
  if (name.empty()) return {};
  std::string known;
  for (const auto& [id, pool] : tables.pools.rows()) {
    if (pool.name == name) return {};
    known += (known.empty() ? "" : ", ") + pool.name;
  }
  return fail(Error{.code = Code::NotFound,
                    .message = "no pool named " + name,
                    .fix = known.empty() ? "make one: slipway pool create" : "pools are: " + known,
                    .context = {}});
}

Result<PoolId> create_pool(Step& step, const model::Principal& who, const wire::CreatePoolRequest& request) {
  SLIPWAY_TRY(wire::check_name(request.name, "pool"));
  if (request.size < 0 || request.size > step.options.max_pool_size)
    return fail(Code::InvalidInput, "size {} of pool {} is out of range: 0 to {}", request.size, request.name,
                step.options.max_pool_size);
  if (request.instance_type.empty()) return fail(Code::InvalidInput, "pool {} needs an instance type", request.name);
  const auto* taken = step.tables.pools.newest([&](const model::Pool& one) { return one.name == request.name; });
  if (taken != nullptr)
    return fail(Error{.code = Code::Conflict,
                      .message = fmt::format("pool {} {}", request.name,
                                             taken->deleting ? "is still being deleted" : "exists already"),
                      .fix = taken->deleting ? "try again when its hosts are gone" : "choose another name",
                      .context = {}});
  SLIPWAY_ASSIGN(const auto image_id, resolve_image(step.tables, request.image));

  model::Pool pool{.id = PoolId::make(step.random)};
  pool.meta.owner = who.id;
  if (!step.tables.projects.order().empty()) pool.meta.project = step.tables.projects.order().begin()->second;
  pool.name = request.name;
  pool.image = request.image;
  pool.image_id = image_id;
  pool.instance_type = request.instance_type;
  pool.size = request.size;
  step.begin("CreatePool", who.id, {pool.id.text()}, {{"name", pool.name}, {"size", pool.size}});
  step.put(pool);
  step.known.pools_due = true;
  step.known.placement_due = true;
  return pool.id;
}

}  // namespace slipway::controller
