// What the people's gateway must know of a seat: a session's view whose session may change, or not be there yet. Made
// on the control thread.
#pragma once
#include "controller/session_view.hpp"

namespace slipway::controller {

/// The view of the seat's current session. Between sessions its `id` is empty, it is WAITING and says what for; once
/// the workshop ends it is ENDED. NotFound if there is no such seat.
Result<SessionView> seat_view(const Core& core, const SeatId& id, WallTime now);

/// As link_of_secret, for links that lead to a seat.
Result<LinkId> link_of_secret(const Core& core, const SeatId& seat, std::string_view secret, WallTime now);
bool link_lets_in(const Core& core, const SeatId& seat, const LinkId& link, WallTime now);

}  // namespace slipway::controller
