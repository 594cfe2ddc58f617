// A session as the API shows it: its record, where it runs and where people reach it. Control thread.
#pragma once
#include <boost/json/value.hpp>

#include "api/session_origin.hpp"
#include "controller/tables.hpp"

namespace slipway::api {

/// The record's keys and "origin", "host" (for people, empty while it waits), "allocation", "idle_ends_at".
boost::json::value session_json(const controller::Tables& tables, const SessionOrigin& origin,
                                const model::Session& session);

}  // namespace slipway::api
