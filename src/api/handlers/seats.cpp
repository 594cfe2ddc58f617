// Seats of a workshop: the board, their links, another machine, their files after the end.
#include <charconv>

#include "api/blob_exchange.hpp"
#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "controller/placement.hpp"
#include "controller/workshop_commands.hpp"
#include "controller/workshops.hpp"
#include "wire/workshops.hpp"

namespace slipway::api {
namespace {

Result<int> seat_number(const Call& call) {
  const auto& text = call.parameters.at("seat");
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc{} && end == text.data() + text.size()) return number;
  return fail(Code::InvalidInput, "'{}' is no number of a seat", text.substr(0, 40));
}

Result<const model::Seat*> seat_in_path(const controller::Tables& tables, const Call& call, auth::Action action) {
  SLIPWAY_ASSIGN(const auto* workshop, find<model::Workshop>(tables, call.principal, action, call.id()));
  SLIPWAY_ASSIGN(const int number, seat_number(call));
  return controller::seat_with_number(tables, workshop->id, number);
}

/// Where its session is, and what for people is to be said of it.
void add_session(boost::json::object& json, const controller::Tables& tables, const model::Seat& seat) {
  const auto* session = tables.sessions.find(seat.session);
  const auto* allocation = session == nullptr ? nullptr : tables.current_of(tables.jobs.at(session->job));
  const bool placed = session != nullptr && session->state != model::SessionState::Waiting &&
                      !model::is_terminal(session->state) && allocation != nullptr;
  const auto* host = placed ? tables.hosts.find(allocation->host) : nullptr;
  json["session_state"] = session == nullptr ? "" : model::session_state_name(session->state);
  json["reason"] = session == nullptr ? "" : session->reason;
  json["host"] = host == nullptr ? "" : controller::label_of(*host);
  json["ready_at"] = session == nullptr ? "" : format_time(session->ready_at);
}

boost::json::value seat_json(const controller::Tables& tables, const controller::Volatile& known,
                             const SessionOrigin& origin, const model::Seat& seat) {
  auto json = wire::api_json(seat);
  auto& object = json.as_object();
  const auto facts = controller::seat_facts(tables, known, seat);
  object["state"] = model::seat_state_name(model::seat_state(facts));
  add_session(object, tables, seat);
  object["origin"] = session_origin(origin, seat.id);
  object["has_link"] = !tables.links_of(seat.id).empty();
  return json;
}

boost::json::value issued_json(const controller::Tables& tables, const SessionOrigin& origin,
                               const controller::IssuedLink& link) {
  const auto& seat = tables.seats.at(link.seat);
  return boost::json::object{{"number", seat.number},
                             {"seat", seat.id.text()},
                             {"spare", seat.spare},
                             {"name", seat.name},
                             {"email", seat.email},
                             {"origin", session_origin(origin, seat.id)},
                             {"url", link.secret.empty() ? "" : link_url(origin, seat.id, link.secret)}};
}

}  // namespace

void handle_list_seats(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* workshop,
                   find<model::Workshop>(core.tables(), call->principal, auth::Action::Read, call->id()));
    boost::json::array items;
    for (const auto& seat : core.tables().seats_of(workshop->id))
      items.push_back(seat_json(core.tables(), core.known(), call->context.sessions, core.tables().seats.at(seat)));
    return Answer{.body = boost::json::object{{"items", std::move(items)}, {"next", nullptr}}};
  });
}

void handle_issue_seat_links(std::shared_ptr<Call> call) {
  call->body(kSmallBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_issue_links(body);
    if (!request) return call->refuse(request.error());
    call->change([call, request = *request](controller::Step& step) -> Result<Answer> {
      SLIPWAY_ASSIGN(const auto* workshop,
                     find<model::Workshop>(step.tables, call->principal, auth::Action::Change, call->id()));
      const auto title = workshop->spec.title;
      const auto spec = workshop->spec;
      SLIPWAY_ASSIGN(const auto links, controller::issue_links(step, call->principal, workshop->id, request));
      boost::json::array items;
      for (const auto& link : links) items.push_back(issued_json(step.tables, call->context.sessions, link));
      return Answer{.status = 201,
                    .body = boost::json::object{{"title", title},
                                                {"start", format_time(spec.start)},
                                                {"end", format_time(spec.end)},
                                                {"items", std::move(items)}}};
    });
  });
}

void handle_replace_seat(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* seat, seat_in_path(step.tables, *call, auth::Action::Change));
    const auto id = seat->id;
    SLIPWAY_TRY(controller::replace_seat(step, call->principal, id));
    return Answer{.status = 202,
                  .body = seat_json(step.tables, step.known, call->context.sessions, step.tables.seats.at(id))};
  });
}

void handle_home_archive(std::shared_ptr<Call> call) {
  call->look<std::string>(
      [call](const controller::Core& core) -> Result<std::string> {
        SLIPWAY_ASSIGN(const auto* seat, seat_in_path(core.tables(), *call, auth::Action::Read));
        if (!seat->archive_sha256.empty()) return seat->archive_sha256;
        return fail(Error{.code = Code::NotFound,
                          .message = fmt::format("seat {} has no archive{}", seat->number,
                                                 seat->exported ? ": " + seat->note : " yet"),
                          .fix = "slipway workshop down NAME ends the workshop and makes them",
                          .context = {}});
      },
      [call](const std::string& sha256) {
        send_blob({call->context.edge, call->context.files, call->context.runner.blobs()}, call->exchange, sha256);
      });
}

}  // namespace slipway::api
