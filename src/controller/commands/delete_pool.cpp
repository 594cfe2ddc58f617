#include "controller/commands.hpp"

namespace slipway::controller {

Result<void> delete_pool(Step& step, const model::Principal& who, const PoolId& id) {
  const auto* pool = step.tables.pools.find(id);
  if (pool == nullptr) return fail(Code::NotFound, "no pool {}", id);
  if (pool->deleting) return {};
  step.begin("DeletePool", who.id, {id.text()}, {{"name", pool->name}});
  auto changed = *pool;
  changed.deleting = true;
  changed.reason = "its hosts are being terminated";
  step.put(std::move(changed));
  step.known.pools_due = true;
  step.known.warm_due = true;
  return {};
}

}  // namespace slipway::controller
