#include "controller/commands.hpp"

namespace slipway::controller {

Result<void> set_warm(Step& step, const model::Principal& who, const PoolId& id, const std::string& app, int count) {
  const auto* pool = step.tables.pools.find(id);
  if (pool == nullptr) return fail(Code::NotFound, "no pool {}", id);
  if (pool->deleting) return fail(Code::Conflict, "pool {} is being deleted", pool->name);
  if (count < 0 || count > step.options.max_pool_size)
    return fail(Code::InvalidInput, "count {} is out of range: 0 to {}", count, step.options.max_pool_size);
  if (count > 0 && step.tables.newest_app(app) == nullptr)
    return fail(Error{.code = Code::NotFound,
                      .message = fmt::format("no app '{}'", app.substr(0, 100)),
                      .fix = "slipway app list shows what there is; slipway app register FILE makes one",
                      .context = {}});
  auto changed = *pool;
  if (count == 0)
    changed.warm.erase(app);
  else
    changed.warm[app] = count;
  step.known.warm_due = true;
  if (changed.warm == pool->warm) return {};
  step.begin("SetWarm", who.id, {id.text()}, {{"app", app}, {"count", count}});
  step.put(std::move(changed));
  return {};
}

}  // namespace slipway::controller
