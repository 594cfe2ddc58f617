// A pool as the API shows it: its record, and how many of each app it keeps ready. Control thread.
#pragma once
#include <boost/json/value.hpp>

#include "controller/core.hpp"

namespace slipway::api {

/// The record's keys and "warm_counts": {"<app>": {"wanted", "ready", "starting", "reason"}}, left out without any.
boost::json::value pool_json(const controller::Core& core, const model::Pool& pool);

}  // namespace slipway::api
