#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/commands.hpp"

namespace slipway::controller {

void intend_launch(Step& step, const PoolId& pool_id) {
  const auto& pool = step.tables.pools.at(pool_id);
  model::Host host{.id = HostId::make(step.random)};
  host.meta.owner = pool.meta.owner;
  host.meta.project = pool.meta.project;
  host.pool = pool.id;
  host.image_id = pool.image_id;
  host.instance_type = pool.instance_type;
  host.reason = "is being launched";
  host.join_token_sha256 = sha256_hex(auth::join_token_for(step.options.join_key, host.id));
  step.begin("IntendLaunch", {}, {host.id.text(), pool.id.text()});
  step.put(std::move(host));
}

}  // namespace slipway::controller
