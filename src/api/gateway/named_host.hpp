// NamedHost: whom a request on the people's listener is for, by its Host field. The API answers to its own names only:
// a page of a foreign name that was pointed at our address (DNS rebinding) would else be the same origin as we. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "api/session_origin.hpp"

namespace slipway::api {

enum class HostKind {
  People,   ///< the API: a loopback name or address, the listener's address, the base domain; or no Host at all
  Session,  ///< a name right below the base domain
  Foreign,
};

struct NamedHost {
  HostKind kind = HostKind::Foreign;
  std::optional<SessionId> session;  ///< of kind Session: nothing if the name is no session's id
  std::optional<SeatId> seat;        ///< or this one, if it is a seat's
};

/// `host`: the field, if there was one. `listen_host`: the address that the listener was given.
NamedHost named_host(const SessionOrigin& origin, std::string_view listen_host, std::optional<std::string_view> host);

}  // namespace slipway::api
