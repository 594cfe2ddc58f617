#include "api/fleet_json.hpp"

#include <algorithm>

#include "wire/records.hpp"

namespace slipway::api {

boost::json::value host_json(const controller::Core& core, const model::Host& host) {
  auto body = wire::api_json(host);
  body.as_object()["connected"] = core.is_connected(host.id);
  return body;
}

boost::json::value pool_with_ready(const controller::Tables& tables, const model::Pool& pool) {
  const auto ready = std::ranges::count(tables.hosts_of(pool.id), model::HostState::Ready, &model::Host::state);
  auto body = wire::api_json(pool);
  body.as_object()["ready"] = static_cast<std::int64_t>(ready);
  return body;
}

}  // namespace slipway::api
