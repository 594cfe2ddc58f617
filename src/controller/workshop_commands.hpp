// Commands about workshops (commands/<name>.cpp); rules as in commands.hpp. Control thread.
#pragma once
#include <string>
#include <vector>

#include "controller/commands.hpp"
#include "wire/workshops.hpp"

namespace slipway::controller {

/// Makes the workshop with its seats and, if it has hosts of its own, an empty pool of its name; opens it if its time
/// has come. InvalidInput for a bad specification, NotFound for an unknown app, image or pool, Conflict if the name is
/// taken by one that has not ended. The blobs of its files must be here already.
Result<WorkshopId> create_workshop(Step& step, const model::Principal& who, const wire::CreateWorkshopRequest& request);
/// What create_workshop would refuse, without doing anything.
Result<void> check_new_workshop(const Tables& tables, const wire::CreateWorkshopRequest& request, WallTime now);
/// Moves its end, and that of its sessions. Conflict once it ends; InvalidInput for an end in the past.
Result<void> extend_workshop(Step& step, const model::Principal& who, const WorkshopId& id, WallTime until);
/// Ends it now; `reason` is for people. Conflict if it has ended; a second end does nothing.
Result<void> end_workshop(Step& step, const PrincipalId& who, const WorkshopId& id, const std::string& reason);

/// Another machine for the seat, with the same link and, where homes last, the same files; the old machine goes if
/// nobody else is on it. Conflict unless the workshop is open.
Result<void> replace_seat(Step& step, const model::Principal& who, const SeatId& id);
/// Puts files into every home, now and into those of sessions to come. A file that a person changed is kept, unless
/// `replace`. Conflict once it ends; InvalidInput if the app has no home.
Result<void> send_files(Step& step, const model::Principal& who, const WorkshopId& id, const model::Manifest& files,
                        bool replace);

struct IssuedLink {
  SeatId seat;
  std::string secret;  ///< told this once; empty: it has a link already
};
/// Links for seats: those asked for that have none, and with `again` those that have one, which is then no good any
/// more. In order of number. NotFound for a number that no seat has; Conflict once the workshop ends.
Result<std::vector<IssuedLink>> issue_links(Step& step, const model::Principal& who, const WorkshopId& id,
                                            const wire::IssueLinksRequest& request);

/// Its link was opened: one in reserve starts. Conflict once the workshop ends.
Result<void> open_seat(Step& step, const SeatId& id);
/// What the person wants to be called; empty: as in the roster. InvalidInput if it is no line of at most 100 bytes.
Result<void> name_seat(Step& step, const SeatId& id, const std::string& display_name);

/// NotFound, naming the seats that there are.
Result<const model::Seat*> seat_with_number(const Tables& tables, const WorkshopId& id, int number);

}  // namespace slipway::controller
