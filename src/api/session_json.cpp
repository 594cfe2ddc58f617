#include "api/session_json.hpp"

#include <boost/json.hpp>

#include "controller/placement.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

/// The attempt that is under way.
const model::Allocation* place_of(const controller::Tables& tables, const model::Session& session) {
  if (session.state == model::SessionState::Waiting || model::is_terminal(session.state)) return nullptr;
  return tables.current_of(tables.jobs.at(session.job));
}

std::string idle_end(const controller::Tables& tables, const model::Session& session) {
  const auto* app = tables.apps.find(session.app);
  const bool of_seat = tables.seat_of(session.id) != nullptr;  // those never end for being idle
  if (app == nullptr || of_seat || session.idle_since == WallTime{}) return "";
  return format_time(session.idle_since + app->spec.idle.after);
}

}  // namespace

boost::json::value session_json(const controller::Tables& tables, const SessionOrigin& origin,
                                const model::Session& session) {
  auto json = wire::api_json(session);
  auto& object = json.as_object();
  const auto* allocation = place_of(tables, session);
  const auto* host = allocation == nullptr ? nullptr : tables.hosts.find(allocation->host);
  object["origin"] = session_origin(origin, session.id);
  object["allocation"] = allocation == nullptr ? "" : allocation->id.text();
  object["host"] = host == nullptr ? "" : controller::label_of(*host);
  object["idle_ends_at"] = idle_end(tables, session);
  return json;
}

}  // namespace slipway::api
