// Workshops: what follows for them from time, and for their seats from their sessions. Everything is derived from rows
// at each look, so a restart at any point goes on where it was. Control thread.
#pragma once
#include "controller/state.hpp"
#include "model/workshop.hpp"

namespace slipway::controller {

/// With each tick and after each command about it: opens, looks after seats, ends, gives back.
void check_workshop(Step& step, const WorkshopId& id);
void check_workshops(Step& step);

/// Starts a session for the seat, on any host but `avoid` (may be empty). An error is for people: the next look tries
/// again.
Result<void> start_seat(Step& step, const SeatId& id, const HostId& avoid);
/// A workshop that is open: sessions that failed are started again, files and moves come to their ends.
void look_after_seats(Step& step, const WorkshopId& id);
/// A workshop that ends: homes are exported, sessions stopped. True once nothing of it runs and all is exported.
bool wind_down_seats(Step& step, const WorkshopId& id);
/// Somebody used the session: if it is a seat's, the seat was opened.
void note_seat_used(Step& step, const SessionId& session);

/// Of the hosts of its seats; empty: any.
std::string pool_name_of(const Tables& tables, const model::Workshop& workshop);
/// What decides a seat's state on the board.
model::SeatFacts seat_facts(const Tables& tables, const Volatile& known, const model::Seat& seat);

/// Homes are given up for after this long: a host that could do it never came.
inline constexpr Duration kExportPatience = std::chrono::minutes(15);

}  // namespace slipway::controller
