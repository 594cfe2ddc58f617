// The gateway's cookie: what a browser holds after it opened a personal link. Its value proves itself (HMAC over
// session, link and expiry), so nothing is kept for it and it survives a restart; whether the link still lets in is
// asked at each request. Also what happens to the cookies of the app beside it. Pure; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "api/session_origin.hpp"
#include "base/clock.hpp"
#include "base/ids.hpp"
#include "net/http.hpp"

namespace slipway::api {

/// What the cookie says: this browser came in by that link.
struct Ticket {
  LinkId link;
  WallTime expires_at;  ///< whole seconds count
  bool operator==(const Ticket&) const = default;
};

/// "slipway-ses-…"; under TLS "__Host-slipway-ses-…", which a browser takes from this very host only.
std::string cookie_name(const SessionLabel& session, bool tls);

/// "<link>.<seconds since 1970>.<64 hex digits>". `key`: 32 secret bytes of this controller.
std::string make_cookie_value(std::string_view key, const SessionLabel& session, const Ticket& ticket);
/// Nothing if the value was not made for this session with this key, or its time is over. Takes as long for a wrong
/// proof as for the right one.
std::optional<Ticket> check_cookie_value(std::string_view key, const SessionLabel& session, std::string_view value,
                                         WallTime now);
/// The first valid ticket among all cookies of the session's name: another session of the same site can plant a second
/// one, which must not push the real one out.
std::optional<Ticket> ticket_in(const net::Headers& headers, std::string_view key, const SessionLabel& session,
                                bool tls, WallTime now);
/// The value of Set-Cookie.
std::string set_cookie_field(std::string_view key, const SessionLabel& session, bool tls, const Ticket& ticket,
                             WallTime now);

/// True for a cookie's name that is the gateway's own, of whatever session.
bool is_gateway_cookie(std::string_view name);
/// A Cookie field without the gateway's cookies; empty if nothing is left.
std::string without_gateway_cookies(std::string_view field);
/// An app's Set-Cookie field without Domain, so that it stays on the session's own host; nothing if its name is the
/// gateway's.
std::optional<std::string> confined_set_cookie(std::string_view field);

}  // namespace slipway::api
