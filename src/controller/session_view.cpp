#include "controller/session_view.hpp"

#include "base/digest.hpp"
#include "controller/core.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {
namespace {

void set_place(SessionView& view, const Core& core, const model::Job& job) {
  const auto* allocation = core.tables().current_of(job);
  const bool placed = view.state != model::SessionState::Waiting && view.state != model::SessionState::Ended;
  if (allocation == nullptr || !placed) return;
  view.allocation = allocation->id;
  view.host = allocation->host;
  if (const auto* host = core.tables().hosts.find(allocation->host)) view.host_name = label_of(*host);
  view.connection = core.connection_of(allocation->host);
}

void set_app(SessionView& view, const model::App& app, WallTime idle_since) {
  view.auth = app.spec.auth;
  view.idle_warning = app.spec.idle.warning;
  if (idle_since != WallTime{}) view.idle_ends_at = idle_since + app.spec.idle.after;
}

bool has_expired(const model::Link& link, WallTime now) {
  return link.expires_at != WallTime{} && link.expires_at <= now;
}

}  // namespace

Result<SessionView> session_view(const Core& core, const SessionId& id) {
  const auto* session = core.tables().sessions.find(id);
  if (session == nullptr) return fail(Code::NotFound, "there is no session {}", id);
  SessionView view{.id = id,
                   .name = session->name,
                   .app_name = session->app_name,
                   .state = session->state,
                   .reason = session->reason,
                   .owner = session->meta.owner,
                   .created_at = session->meta.created_at,
                   .placed_at = session->placed_at,
                   .started_at = session->started_at,
                   .ready_at = session->ready_at,
                   .ends_at = session->ends_at,
                   .finished_at = session->finished_at};
  const auto& job = core.tables().jobs.at(session->job);
  set_place(view, core, job);
  if (job.spec.service) {
    view.ports = job.spec.service->ports;
    view.app_token = job.spec.service->app_token;
  }
  const bool of_seat = core.tables().seat_of(id) != nullptr;  // those never end for being idle
  if (const auto* app = core.tables().apps.find(session->app))
    set_app(view, *app, of_seat ? WallTime{} : session->idle_since);
  return view;
}

Result<LinkId> link_of_secret(const Core& core, const SessionId& session, std::string_view secret, WallTime now) {
  const auto hash = sha256_hex(secret);
  for (const auto* link : core.tables().links_of(session))
    if (!has_expired(*link, now) && equal_in_constant_time(link->secret_sha256, hash)) return link->id;
  return fail(Error{.code = Code::Unauthenticated,
                    .message = "this link is not valid here: it was revoked, has expired, or is another session's",
                    .fix = "ask for a new link: slipway session open " + session.text(),
                    .context = {}});
}

bool link_lets_in(const Core& core, const SessionId& session, const LinkId& id, WallTime now) {
  const auto* link = core.tables().links.find(id);
  if (link == nullptr || has_expired(*link, now)) return false;
  if (link->seat.empty()) return link->session == session;
  const auto* seat = core.tables().seat_of(session);
  return seat != nullptr && seat->id == link->seat;
}

}  // namespace slipway::controller
