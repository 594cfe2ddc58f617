// Links: ways into a session. The secret is shown once, in the answer that made the link.
#include "api/lookup.hpp"
#include "api/routes.hpp"
#include "wire/records.hpp"

namespace slipway::api {
namespace {

/// The session in the path, if the caller may do that to its links.
Result<const model::Session*> session_of(const controller::Tables& tables, const Call& call, auth::Action action) {
  SLIPWAY_ASSIGN(const auto* session, find<model::Session>(tables, call.principal, auth::Action::Read, call.id()));
  SLIPWAY_TRY(auth::require(call.principal, action, {auth::Kind::Link, session->meta.owner}));
  return session;
}

/// Of this session: another's link is not found here.
Result<LinkId> link_in(const controller::Tables& tables, const model::Session& session, const std::string& text) {
  const auto id = LinkId::parse(text);
  const auto* link = id ? tables.links.find(*id) : nullptr;
  if (link != nullptr && link->session == session.id) return link->id;
  return fail(Error{.code = Code::NotFound,
                    .message = fmt::format("session {} has no link '{}'", session.id, text.substr(0, 100)),
                    .fix = "slipway session links " + session.id.text() + " shows them",
                    .context = {}});
}

}  // namespace

void handle_create_link(std::shared_ptr<Call> call) {
  call->body(kSmallBodyBytes, [call](const std::string& body) {
    const auto request = wire::parse_create_link(body);
    if (!request) return call->refuse(request.error());
    call->change([call, lifetime = request->lifetime](controller::Step& step) -> Result<Answer> {
      SLIPWAY_ASSIGN(const auto* session, session_of(step.tables, *call, auth::Action::Create));
      const auto id = session->id;
      SLIPWAY_ASSIGN(const auto made, controller::create_link(step, call->principal, id, lifetime));
      return Answer{.status = 201,
                    .body = boost::json::object{{"id", made.id.text()},
                                                {"session", id.text()},
                                                {"url", link_url(call->context.sessions, id, made.secret)},
                                                {"expires_at", format_time(made.expires_at)}}};
    });
  });
}

void handle_list_links(std::shared_ptr<Call> call) {
  call->read([call](const controller::Core& core) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* session, session_of(core.tables(), *call, auth::Action::Read));
    return page<model::Link>(
        core.tables(), *call, [id = session->id](const model::Link& link) { return link.session == id; },
        [](const model::Link& link) { return wire::api_json(link); });
  });
}

void handle_revoke_link(std::shared_ptr<Call> call) {
  call->change([call](controller::Step& step) -> Result<Answer> {
    SLIPWAY_ASSIGN(const auto* session, session_of(step.tables, *call, auth::Action::Delete));
    SLIPWAY_ASSIGN(const auto id, link_in(step.tables, *session, call->parameters.at("link")));
    auto body = wire::api_json(step.tables.links.at(id));
    SLIPWAY_TRY(controller::revoke_link(step, call->principal.id, id));
    return Answer{.body = std::move(body)};
  });
}

}  // namespace slipway::api
