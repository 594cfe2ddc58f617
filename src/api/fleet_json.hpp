// Hosts and pools as people read them: the record, and what the controller knows beside it. Control thread.
#pragma once
#include <boost/json.hpp>

#include "controller/core.hpp"

namespace slipway::api {

/// With `connected`: its agent is.
boost::json::value host_json(const controller::Core& core, const model::Host& host);
/// With `ready`: how many of its hosts are READY.
boost::json::value pool_with_ready(const controller::Tables& tables, const model::Pool& pool);

}  // namespace slipway::api
