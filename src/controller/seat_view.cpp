#include "controller/seat_view.hpp"

#include "base/digest.hpp"
#include "controller/core.hpp"

namespace slipway::controller {
namespace {

bool is_over(const model::Workshop& workshop) {
  return workshop.state == model::WorkshopState::Ending || model::is_terminal(workshop.state);
}

std::string awaited(const model::Workshop& workshop, const model::Session* before) {
  if (workshop.state == model::WorkshopState::Planned)
    return fmt::format("the workshop begins at {}", format_time(workshop.spec.start));
  if (before == nullptr) return "your machine is being prepared";
  if (before->stop_requested) return "your session was stopped; ask the instructor for another machine";
  return "your session ended by itself and is being started again: " + before->reason;
}

/// For the time without a session.
SessionView view_between(const model::Seat& seat, const model::Workshop& workshop, const model::Session* before) {
  SessionView view{.id = {}, .app_name = workshop.spec.app, .owner = seat.principal};
  view.state = is_over(workshop) ? model::SessionState::Ended : model::SessionState::Waiting;
  view.reason = is_over(workshop) ? "The workshop is over." : awaited(workshop, before);
  view.created_at = std::max(workshop.opened_at, seat.meta.created_at);
  return view;
}

std::string notice_of(const model::Workshop& workshop, WallTime now) {
  if (is_over(workshop)) return "";
  const auto left = std::chrono::duration_cast<Duration>(workshop.spec.end - now);
  if (left > workshop.spec.warn_before) return "";
  return fmt::format("The workshop ends in {}. Save your work.", format_duration(std::max(left, Duration{0})));
}

bool has_expired(const model::Link& link, WallTime now) {
  return link.expires_at != WallTime{} && link.expires_at <= now;
}

}  // namespace

Result<SessionView> seat_view(const Core& core, const SeatId& id, WallTime now) {
  const auto* seat = core.tables().seats.find(id);
  if (seat == nullptr) return fail(Code::NotFound, "there is no seat {}", id);
  const auto& workshop = core.tables().workshops.at(seat->workshop);
  const auto* session = core.tables().sessions.find(seat->session);
  auto view = view_between(*seat, workshop, session);
  if (session != nullptr && !model::is_terminal(session->state) && !is_over(workshop)) {
    SLIPWAY_ASSIGN(view, session_view(core, session->id));
  }
  view.name = workshop.spec.title;
  view.ends_at = workshop.spec.end;
  view.seat = id;
  view.display_name = seat->display_name;
  view.notice = notice_of(workshop, now);
  return view;
}

Result<LinkId> link_of_secret(const Core& core, const SeatId& seat, std::string_view secret, WallTime now) {
  const auto hash = sha256_hex(secret);
  for (const auto* link : core.tables().links_of(seat))
    if (!has_expired(*link, now) && equal_in_constant_time(link->secret_sha256, hash)) return link->id;
  return fail(
      Error{.code = Code::Unauthenticated,
            .message = "this link is not valid here: another one was issued for this seat, or the workshop is over",
            .fix = "ask the instructor for a new link",
            .context = {}});
}

bool link_lets_in(const Core& core, const SeatId& seat, const LinkId& id, WallTime now) {
  const auto* link = core.tables().links.find(id);
  return link != nullptr && link->seat == seat && !has_expired(*link, now);
}

}  // namespace slipway::controller
