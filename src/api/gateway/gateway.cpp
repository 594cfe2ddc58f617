#include "api/gateway/gateway.hpp"

#include "api/call.hpp"
#include "api/gateway/admission.hpp"
#include "api/gateway/field_text.hpp"
#include "api/gateway/pages.hpp"

namespace slipway::api {
namespace {

/// Links that ran out while something was open are noticed this late. Everything else is told.
constexpr Duration kSweepEvery = std::chrono::seconds(10);

bool looks_for_page(const net::RequestHead& head) {
  if (head.method != "GET" || head.headers.get("Upgrade")) return false;
  if (const auto mode = head.headers.get("Sec-Fetch-Mode")) return *mode == "navigate";
  const auto accepts = head.headers.get("Accept");
  return accepts && accepts->find("text/html") != std::string_view::npos;
}

/// The API token that a request carries; an app's own Authorization is none.
std::optional<std::string_view> api_token_field(const net::RequestHead& head) {
  const auto field = head.headers.get("Authorization");
  const auto secret = field ? auth::bearer_secret(*field) : std::nullopt;
  if (!secret || !secret->starts_with(std::string(auth::kTokenPrefix) + "_")) return std::nullopt;
  return field;
}

}  // namespace

/// What the control thread says about a request.
struct SessionGateway::Standing {
  View view;  ///< empty: there is no such session
  bool lets_in = false;
};

SessionGateway::SessionGateway(GatewayPorts ports, GatewayOptions options, auth::TokenTable tokens)
    : ports_(ports),
      options_(std::move(options)),
      tokens_(std::move(tokens)),
      pool_(ports_.edge),
      visits_(ports_.edge,
              [this](const SessionId& session, int connections) {
                ports_.runner.post(controller::SessionUsed{.session = session, .connections = connections});
              }),
      sweep_(ports_.edge.every(kSweepEvery, [this] {
        for (const auto& session : visits_.sessions()) session_changed(session);
      })) {}

void SessionGateway::handle(std::shared_ptr<net::Exchange> exchange, const NamedHost& host) {
  const auto& head = exchange->head();
  auto path = net::decode_path(net::split_target(head.target).first);
  if (!path || !path->starts_with('/'))
    return exchange->respond(problem(fail(Code::InvalidInput, "the request's target is no path").error()));
  auto request = std::make_shared<GatewayRequest>(GatewayRequest{.exchange = exchange,
                                                                 .session = host.session.value_or(SessionId()),
                                                                 .seat = host.seat.value_or(SeatId()),
                                                                 .path = std::move(*path),
                                                                 .wants_page = looks_for_page(head)});
  if (const auto admitted = admit(head); !admitted) return exchange->respond(problem(admitted.error()));
  if (!host.session && !host.seat) return refuse_unknown(request);
  if (const auto known = recognise(*request); !known) return exchange->respond(problem(known.error()));
  if (!open_to_all(request)) look_up(request);
}

Result<void> SessionGateway::admit(const net::RequestHead& head) const {
  const auto own = origin_of_host(head.headers.get("Host").value_or(""), options_.origin.tls);
  const auto decided = admission(facts_of(head, own, /*by_token=*/api_token_field(head).has_value()));
  if (decided.allowed()) return {};
  return fail(decided.status == 400 ? Code::InvalidInput : Code::Denied, "{}", decided.reason);
}

/// Only what the request carries; whether that lets in is the core's to say.
Result<void> SessionGateway::recognise(GatewayRequest& request) const {
  const auto& head = request.exchange->head();
  if (const auto token = api_token_field(head)) {
    SLIPWAY_ASSIGN(request.principal, tokens_.authenticate(token));
    return {};
  }
  request.ticket =
      ticket_in(head.headers, options_.cookie_key, request.label(), options_.origin.tls, ports_.clock.now().wall);
  return {};
}

void SessionGateway::look_up(const Request& request) {
  ports_.runner.read([this, request, now = ports_.clock.now().wall](const controller::Core& core) {
    Standing standing;
    auto view = request->seat.empty() ? controller::session_view(core, request->session)
                                      : controller::seat_view(core, request->seat, now);
    if (view) {
      if (request->principal)
        standing.lets_in = auth::allowed(*request->principal, auth::Action::Read, {auth::Kind::Session, view->owner});
      else if (request->ticket)
        standing.lets_in = request->seat.empty()
                               ? controller::link_lets_in(core, request->session, request->ticket->link, now)
                               : controller::link_lets_in(core, request->seat, request->ticket->link, now);
      standing.view = std::make_shared<const controller::SessionView>(std::move(*view));
    }
    return std::function<void()>(
        [this, request, standing] { ports_.edge.post([this, request, standing] { enter(request, standing); }); });
  });
}

void SessionGateway::enter(const Request& request, const Standing& standing) {
  if (standing.view == nullptr) return refuse_unknown(request);
  request->session = standing.view->id;
  // Whoever was in once may see how it ended: no link lets in any more then.
  const bool ended = model::is_terminal(standing.view->state);
  if (!standing.lets_in && !(ended && request->ticket)) {
    if (!request->principal) return refuse_stranger(request);
    return refuse_visit(*request, fail(Code::Denied, "this session is somebody else's").error());
  }
  if (request->path.starts_with(kReservedPrefix)) return reserved(request, standing.view);
  if (ended) return show_ended(request, *standing.view);
  route(request, standing.view);
}

void SessionGateway::route(const Request& request, const View& view) {
  if (view->id.empty()) return show_waiting(request, *view);
  const auto* port = model::front_port(view->ports);
  if (port == nullptr)
    return refuse_visit(*request,
                        fail(Code::NotFound, "this session has no page: its app listens for programs").error());
  if (!is_usable(*view)) return show_waiting(request, *view);
  if (port->kind == model::PortKind::Http) return pass_on(request, view, *port);
  if (request->path == "/") return send_desktop_page(request, view);
  refuse_visit(*request, fail(Code::NotFound, "there is nothing at this path").error());
}

void SessionGateway::refuse_unknown(const Request& request) const {
  if (request->wants_page)
    return request->exchange->respond(message_page(404, "There is no such session", "No session has this address.",
                                                   "Check the address, or ask for a new link."));
  request->exchange->respond(problem(fail(Code::NotFound, "there is no such session").error()));
}

void SessionGateway::refuse_stranger(const Request& request) const {
  Error error{.code = Code::Unauthenticated,
              .message = "you are not signed in to this session",
              .fix = "open your personal link; its owner makes a new one with slipway session open",
              .context = {}};
  auto response = problem(error);
  if (request->wants_page)
    response = message_page(401, "Open your personal link",
                            "This session opens with a personal link. Yours may have been revoked or be too old.",
                            "Ask the session's owner for a new one: slipway session open");
  request->exchange->respond(std::move(response));
}

void SessionGateway::show_ended(const Request& request, const controller::SessionView& view) const {
  constexpr int kGone = 410;
  auto response = message_page(
      kGone, fmt::format("{} has ended", view.name), view.reason.empty() ? "The session is over." : view.reason,
      view.seat.empty() ? fmt::format("Start a new one: slipway session start {}", view.app_name)
                        : "Ask the instructor for your files.");
  if (!request->wants_page) {
    response = problem(fail(Code::Conflict, "this session has ended: {}", view.reason).error());
    response.status = kGone;
  }
  request->exchange->respond(std::move(response));
}

void SessionGateway::show_waiting(const Request& request, const controller::SessionView& view) const {
  const auto reason = view.state == model::SessionState::Ready ? "The session's host is not connected just now"
                                                               : std::string_view(view.reason);
  if (request->wants_page) return request->exchange->respond(waiting_page(view, std::string(reason)));
  auto response = problem(fail(Code::Unavailable, "the session is not ready yet: {}", reason).error());
  response.headers.add("Retry-After", "1");
  request->exchange->respond(std::move(response));
}

void SessionGateway::redirect(const std::shared_ptr<net::Exchange>& exchange, std::string_view session_text) const {
  const auto session = SessionId::parse(session_text);
  const auto seat = SeatId::parse(session_text);
  if (!session && !seat) return exchange->respond(problem(fail(Code::NotFound, "there is no such session").error()));
  net::Response response{.status = 302};
  response.headers.add("Location",
                       session_origin(options_.origin, seat ? SessionLabel(*seat) : SessionLabel(*session)) + "/");
  response.headers.add("Cache-Control", "no-store");
  response.headers.add("Referrer-Policy", "no-referrer");
  exchange->respond(std::move(response));
}

void SessionGateway::session_changed(const SessionId& session) {
  auto links = visits_.links_of(session);
  ports_.runner.read(
      [this, session, links = std::move(links), now = ports_.clock.now().wall](const controller::Core& core) {
        std::set<LinkId> revoked;
        for (const auto& link : links)
          if (!controller::link_lets_in(core, session, link, now)) revoked.insert(link);
        const auto view = controller::session_view(core, session);
        return std::function<void()>(
            [this, session, revoked = std::move(revoked), place = view ? view->allocation : AllocationId()] {
              ports_.edge.post([this, session, revoked, place] { close_what_lost_its_right(session, revoked, place); });
            });
      });
}

void SessionGateway::close_what_lost_its_right(const SessionId& session, const std::set<LinkId>& revoked,
                                               const AllocationId& place) {
  pool_.keep_only(session, place);
  visits_.close_links(session, revoked);
}

void refuse_visit(const GatewayRequest& request, const Error& error) {
  auto response = problem(error);
  if (request.wants_page)
    response = message_page(http_status(error.code), "This did not work", error.message, error.fix);
  request.exchange->respond(std::move(response));
}

}  // namespace slipway::api
