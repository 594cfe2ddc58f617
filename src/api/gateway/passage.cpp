#include <utility>

#include "api/call.hpp"
#include "api/gateway/gateway.hpp"
#include "api/gateway/proxied_head.hpp"
#include "net/reverse_proxy.hpp"

namespace slipway::api {
namespace {
constexpr int kSwitchingProtocols = 101;
}

/// One request on its way to the app and back.
struct SessionGateway::Passage {
  Request request;
  View view;
  model::AppPort port;
  TunnelTarget target;
  std::shared_ptr<OpenVisit> visit;
  bool may_repeat = false;

  void forget() {
    request->exchange.reset();
    view.reset();
  }
};

std::optional<TunnelTarget> tunnel_target(const controller::SessionView& view, const model::AppPort& port) {
  if (!view.connection) return std::nullopt;
  return TunnelTarget{
      .connection = *view.connection, .host = view.host, .allocation = view.allocation, .port = port.port};
}

/// Nothing if it has too many already; then it is answered.
std::shared_ptr<OpenVisit> SessionGateway::enter_visit(const Request& request) {
  if (visits_.count(request->session) < kMaxVisitsASession)
    return visits_.enter({.session = request->session,
                          .link = request->ticket ? std::optional(request->ticket->link) : std::nullopt,
                          .close = [exchange = std::weak_ptr(request->exchange)] {
                            if (const auto open = exchange.lock()) open->abort();
                          }});
  refuse_visit(*request, Error{.code = Code::Throttled,
                               .message = "this session has too many connections open",
                               .fix = "close some of its tabs",
                               .context = {}});
  return nullptr;
}

void SessionGateway::pass_on(const Request& request, const View& view, const model::AppPort& port) {
  const auto target = tunnel_target(*view, port);
  if (!target) return show_waiting(request, *view);
  auto visit = enter_visit(request);
  if (visit == nullptr) return;
  const bool repeat = may_repeat(request->exchange->head());
  run(std::make_shared<Passage>(Passage{.request = request,
                                        .view = view,
                                        .port = port,
                                        .target = *target,
                                        .visit = std::move(visit),
                                        .may_repeat = repeat}),
      /*fresh=*/!repeat);
}

/// A pooled tunnel may have been closed by the app meanwhile, which shows only in use. So one is used only for what may
/// be sent again; everything else gets a fresh one.
void SessionGateway::run(const std::shared_ptr<Passage>& passage, bool fresh) {
  if (!fresh) {
    if (auto idle = pool_.take(passage->request->session, passage->port.port, passage->target.allocation))
      return proxy(passage, std::move(idle), /*pooled=*/true);
  }
  ports_.tunnels.open(passage->target, [this, passage](Result<std::unique_ptr<net::RawStream>> stream) {
    if (!stream) return refuse_visit(*passage->request, stream.error());
    proxy(passage, std::move(*stream), /*pooled=*/false);
  });
}

void SessionGateway::proxy(const std::shared_ptr<Passage>& passage, std::unique_ptr<net::RawStream> stream,
                           bool pooled) {
  const auto exchange = passage->request->exchange;
  net::ProxyRequest request{.target = exchange->head().target,
                            .headers = upstream_headers(exchange->head(), {.tls = options_.origin.tls,
                                                                           .auth = passage->view->auth,
                                                                           .app_token = passage->view->app_token}),
                            .upstream = std::move(stream)};
  net::ProxyCallbacks callbacks{
      .edit_answer =
          [passage](int status, net::Headers& headers) {
            confine_answer(headers);
            // A WebSocket may stay for days: nothing of the request is kept for it.
            if (status == kSwitchingProtocols) passage->forget();
          },
      .done =
          [this, passage, pooled](net::ProxyEnd end) {
            if (end.upstream != nullptr)
              pool_.put(passage->request->session, passage->port.port, passage->target.allocation,
                        std::move(end.upstream));
            if (end.result || end.answered || passage->request->exchange == nullptr) return;
            // The browser has gone, or its link was revoked.
            if (end.result.error().code == Code::Cancelled) return refuse_stranger(passage->request);
            if (pooled && passage->may_repeat) return run(passage, /*fresh=*/true);
            refuse_visit(*passage->request,
                         fail(Code::Unavailable, "the app broke the connection off before it answered").error());
          }};
  passage->visit->close = net::reverse_proxy(ports_.edge, exchange, std::move(request), std::move(callbacks));
}

void SessionGateway::desktop(const Request& request, const View& view) {
  const auto* port = model::front_port(view->ports);
  if (port == nullptr || port->kind != model::PortKind::Vnc)
    return refuse_visit(*request, fail(Code::NotFound, "this session has no desktop").error());
  const auto target = tunnel_target(*view, *port);
  if (!is_usable(*view) || !target) return show_waiting(request, *view);
  auto visit = enter_visit(request);
  if (visit == nullptr) return;
  ports_.tunnels.open(*target, [this, request, visit](Result<std::unique_ptr<net::RawStream>> stream) {
    if (!stream) return refuse_visit(*request, stream.error());
    // Shared, since the function below is copied.
    auto held = std::make_shared<std::unique_ptr<net::RawStream>>(std::move(*stream));
    request->exchange->accept_websocket({}, [this, visit, held](Result<std::shared_ptr<net::WebSocket>> socket) {
      if (socket) join(visit, std::move(*socket), std::move(*held));
    });
  });
}

void SessionGateway::join(std::shared_ptr<OpenVisit> visit, std::shared_ptr<net::WebSocket> socket,
                          std::unique_ptr<net::RawStream> stream) {
  const auto number = next_desktop_++;
  // Later, since both may be called by what is destroyed here.
  const auto end = [this, number] { ports_.edge.post([this, number] { desktops_.erase(number); }); };
  visit->close = end;
  auto& desktop = desktops_[number];
  desktop.visit = std::move(visit);
  desktop.splice =
      net::splice(ports_.edge, std::move(socket), std::move(stream), [end](const net::SpliceEnd&) { end(); });
}

}  // namespace slipway::api
