#include "api/pool_json.hpp"

#include <boost/json.hpp>

#include "api/fleet_json.hpp"
#include "controller/warm.hpp"
#include "wire/json.hpp"
#include "wire/records.hpp"

namespace slipway::api {

boost::json::value pool_json(const controller::Core& core, const model::Pool& pool) {
  auto json = pool_with_ready(core.tables(), pool);
  boost::json::object counts;
  for (const auto& [app, count] : controller::warm_counts(core, pool))
    counts[app] = boost::json::object{{"wanted", count.wanted},
                                      {"ready", count.ready},
                                      {"starting", count.starting},
                                      {"reason", wire::clean_utf8(count.reason)}};
  if (!counts.empty()) json.as_object()["warm_counts"] = std::move(counts);
  return json;
}

}  // namespace slipway::api
