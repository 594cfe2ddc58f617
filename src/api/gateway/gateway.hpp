// SessionGateway: everything below a session's own host name: lets people in by their links, passes their requests on
// to the app over tunnels, and has pages of its own for what comes before and after. Edge thread.
//
// Who may do what is decided in this order: the session's own rules for browsers (admission.hpp), then who it is
// (cookie or API token, asked anew at each request), then what the session is ready for.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "api/gateway/gateway_cookie.hpp"
#include "api/gateway/named_host.hpp"
#include "api/gateway/open_visits.hpp"
#include "api/gateway/tunnel_broker.hpp"
#include "api/gateway/tunnel_pool.hpp"
#include "api/session_origin.hpp"
#include "auth/token_table.hpp"
#include "controller/runner.hpp"
#include "controller/seat_view.hpp"
#include "net/http_server.hpp"

namespace slipway::api {

inline constexpr std::string_view kReservedPrefix = "/.slipway/";
/// A cookie's longest life. Its link is asked for at each request anyway.
inline constexpr Duration kCookieLife = std::chrono::hours(24 * 7);

struct GatewayOptions {
  SessionOrigin origin;
  std::string cookie_key;  ///< secret
  std::string novnc_directory;
};

struct GatewayPorts {
  runtime::Loop& edge;
  controller::Runner& runner;
  TunnelBroker& tunnels;
  const Clock& clock;
};

/// One request on a session's host and what is known about who sends it.
struct GatewayRequest {
  std::shared_ptr<net::Exchange> exchange;
  SessionId session;  ///< of a seat's address: the seat's current one, once it was looked up; empty if it has none
  SeatId seat;        ///< empty: the address is the session's own
  std::string path;   ///< decoded
  bool wants_page = false;  ///< a person looks at the answer: it is a page, else a problem document
  std::optional<model::Principal> principal;
  std::optional<Ticket> ticket;
  [[nodiscard]] SessionLabel label() const { return seat.empty() ? SessionLabel(session) : SessionLabel(seat); }
};

class SessionGateway {
 public:
  SessionGateway(GatewayPorts ports, GatewayOptions options, auth::TokenTable tokens);

  /// A request whose Host is below the base domain: a session's, a seat's, or nobody's.
  void handle(std::shared_ptr<net::Exchange> exchange, const NamedHost& host);
  /// GET /s/<session> of the base host: on to the session's own origin.
  void redirect(const std::shared_ptr<net::Exchange>& exchange, std::string_view session_text) const;

  /// Its place or its links changed: what is open and has no right or no use any more is closed.
  void session_changed(const SessionId& session);

 private:
  struct Standing;
  struct Passage;
  /// A VNC connection under way; destroying it closes both sides.
  struct Desktop {
    std::shared_ptr<OpenVisit> visit;
    std::shared_ptr<void> splice;
  };
  using Request = std::shared_ptr<GatewayRequest>;
  using View = std::shared_ptr<const controller::SessionView>;

  // gateway.cpp: who it is, and where the request goes.
  [[nodiscard]] Result<void> admit(const net::RequestHead& head) const;
  [[nodiscard]] Result<void> recognise(GatewayRequest& request) const;
  void look_up(const Request& request);
  void enter(const Request& request, const Standing& standing);
  void refuse_unknown(const Request& request) const;
  void refuse_stranger(const Request& request) const;
  void show_ended(const Request& request, const controller::SessionView& view) const;
  void show_waiting(const Request& request, const controller::SessionView& view) const;
  void route(const Request& request, const View& view);
  void use(const Request& request, const View& view);
  void close_what_lost_its_right(const SessionId& session, const std::set<LinkId>& revoked, const AllocationId& place);

  // reserved.cpp: what lies below /.slipway/.
  bool open_to_all(const Request& request);
  void exchange_secret(const Request& request);
  void let_in(const Request& request, const Result<LinkId>& link, WallTime ends_at) const;
  void reserved(const Request& request, const View& view);
  void extend(const Request& request, const View& view);
  void name_person(const Request& request, const View& view);
  void desktop(const Request& request, const View& view);
  void send_novnc(const Request& request, std::string_view relative) const;
  void send_desktop_page(const Request& request, const View& view) const;

  // passage.cpp: from the browser to the app.
  void pass_on(const Request& request, const View& view, const model::AppPort& port);
  void run(const std::shared_ptr<Passage>& passage, bool fresh);
  void proxy(const std::shared_ptr<Passage>& passage, std::unique_ptr<net::RawStream> stream, bool pooled);
  void join(std::shared_ptr<OpenVisit> visit, std::shared_ptr<net::WebSocket> socket,
            std::unique_ptr<net::RawStream> stream);
  std::shared_ptr<OpenVisit> enter_visit(const Request& request);

  GatewayPorts ports_;
  const GatewayOptions options_;
  const auth::TokenTable tokens_;
  TunnelPool pool_;
  OpenVisits visits_;
  std::map<std::uint64_t, Desktop> desktops_;
  std::uint64_t next_desktop_ = 1;
  runtime::Loop::Timer sweep_;
};

/// An answer for whoever asks: a page for a person, else a problem document.
void refuse_visit(const GatewayRequest& request, const Error& error);
/// What a tunnel to this session's port needs; nothing while its host is not connected.
std::optional<TunnelTarget> tunnel_target(const controller::SessionView& view, const model::AppPort& port);
/// The document of GET /.slipway/status.
boost::json::value session_status(const controller::SessionView& view, WallTime now);
/// True once a request can be passed on.
bool is_usable(const controller::SessionView& view);

}  // namespace slipway::api
