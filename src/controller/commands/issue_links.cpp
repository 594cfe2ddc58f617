#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/workshop_commands.hpp"

namespace slipway::controller {
namespace {

Result<std::vector<SeatId>> wanted_seats(const Tables& tables, const WorkshopId& id, const std::vector<int>& numbers) {
  if (numbers.empty()) return tables.seats_of(id);
  std::set<int> sorted(numbers.begin(), numbers.end());
  std::vector<SeatId> seats;
  for (const int number : sorted) {
    SLIPWAY_ASSIGN(const auto* seat, seat_with_number(tables, id, number));
    seats.push_back(seat->id);
  }
  return seats;
}

std::string make_seat_link(Step& step, const model::Seat& seat) {
  for (const auto* link : step.tables.links_of(seat.id)) step.erase(model::Link(*link));
  auto secret = make_secret(auth::kLinkPrefix, step.random);
  model::Link link{.id = LinkId::make(step.random), .meta = {}, .session = {}, .seat = seat.id};
  link.meta.owner = seat.meta.owner;
  link.meta.project = seat.meta.project;
  link.secret_sha256 = sha256_hex(secret);
  step.put(std::move(link));
  if (!seat.session.empty()) step.act(SessionChanged{seat.session});  // whoever came in by the old one is out
  return secret;
}

}  // namespace

Result<const model::Seat*> seat_with_number(const Tables& tables, const WorkshopId& id, int number) {
  const auto seats = tables.seats_of(id);
  for (const auto& seat : seats)
    if (tables.seats.at(seat).number == number) return &tables.seats.at(seat);
  return fail(Error{.code = Code::NotFound,
                    .message = fmt::format("there is no seat {}", number),
                    .fix = fmt::format("seats are 1 to {}", seats.size()),
                    .context = {}});
}

Result<std::vector<IssuedLink>> issue_links(Step& step, const model::Principal& who, const WorkshopId& id,
                                            const wire::IssueLinksRequest& request) {
  const auto* workshop = step.tables.workshops.find(id);
  if (workshop == nullptr) return fail(Code::NotFound, "no workshop {}", id);
  using enum model::WorkshopState;
  if (workshop->state == Ending || workshop->state == Ended)
    return fail(Code::Conflict, "workshop {} is over: its links have stopped working", workshop->name);
  SLIPWAY_ASSIGN(const auto seats, wanted_seats(step.tables, id, request.seats));
  std::vector<IssuedLink> issued;
  step.begin("IssueLinks", who.id, {id.text()}, {{"seats", seats.size()}, {"reissue", request.again}});
  for (const auto& seat : seats) {
    const bool needs = request.again || step.tables.links_of(seat).empty();
    issued.push_back({.seat = seat, .secret = needs ? make_seat_link(step, step.tables.seats.at(seat)) : ""});
  }
  return issued;
}

}  // namespace slipway::controller
