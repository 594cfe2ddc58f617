// SessionOrigin: where people reach sessions: each on an origin of its own, <session>.<base domain>. Pure; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/ids.hpp"

namespace slipway::api {

struct SessionOrigin {
  std::string base_domain = "localhost";  ///< lower case, no dot at either end
  std::uint16_t port = 0;                 ///< of the people's listener
  bool tls = false;
};

/// What stands before the base domain: a session's id, or that of a seat, which leads to whatever session the seat has.
struct SessionLabel {
  SessionLabel(const SessionId& session) : text(session.text()) {}  // NOLINT(*-explicit-*)
  SessionLabel(const SeatId& seat) : text(seat.text()) {}           // NOLINT(*-explicit-*)
  std::string text;
};

/// "ses-….localhost", without a port.
std::string session_host(const SessionOrigin& origin, const SessionLabel& label);
/// "http://ses-….localhost:7070", as a browser writes it in Origin: the scheme's own port is left out.
std::string session_origin(const SessionOrigin& origin, const SessionLabel& label);
/// What a person opens. The secret stands in the fragment, which no request carries.
std::string link_url(const SessionOrigin& origin, const SessionLabel& label, std::string_view secret);
/// The session that a Host field names, whatever its port; nothing for every other host.
std::optional<SessionId> session_of_host(const SessionOrigin& origin, std::string_view host);
/// The same for a seat.
std::optional<SeatId> seat_of_host(const SessionOrigin& origin, std::string_view host);

}  // namespace slipway::api
