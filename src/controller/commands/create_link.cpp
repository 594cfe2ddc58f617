#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/commands.hpp"

namespace slipway::controller {
namespace {

/// A script that makes links in a loop must not fill the tables.
constexpr std::size_t kMostLinks = 100;

}  // namespace

Result<NewLink> create_link(Step& step, const model::Principal& who, const SessionId& id, Duration lifetime) {
  const auto* session = step.tables.sessions.find(id);
  if (session == nullptr) return fail(Code::NotFound, "no session {}", id);
  if (model::is_terminal(session->state))
    return fail(Error{.code = Code::Conflict,
                      .message = fmt::format("session {} has ended already: {}", id, session->reason),
                      .fix = "start another one: slipway session start " + session->app_name,
                      .context = {}});
  if (step.tables.links_of(id).size() >= kMostLinks)
    return fail(Error{.code = Code::Exhausted,
                      .message = fmt::format("session {} has {} links already", id, kMostLinks),
                      .fix = fmt::format("revoke some: slipway session links {0}, slipway session revoke {0} LINK", id),
                      .context = {}});
  NewLink made{.id = LinkId::make(step.random),
               .secret = make_secret(auth::kLinkPrefix, step.random),
               .expires_at = lifetime > Duration{0} ? step.now.wall + lifetime : WallTime{}};
  model::Link link{.id = made.id, .meta = {}, .session = id};
  link.meta.owner = session->meta.owner;
  link.meta.project = session->meta.project;
  link.secret_sha256 = sha256_hex(made.secret);
  link.expires_at = made.expires_at;
  step.begin("CreateLink", who.id, {made.id.text(), id.text()});
  step.put(std::move(link));
  return made;
}

}  // namespace slipway::controller
