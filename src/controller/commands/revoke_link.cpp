#include "controller/commands.hpp"

namespace slipway::controller {

Result<void> revoke_link(Step& step, const PrincipalId& who, const LinkId& id) {
  const auto* link = step.tables.links.find(id);
  if (link == nullptr) return fail(Code::NotFound, "no link {}", id);
  const auto session = link->session;
  step.begin("RevokeLink", who, {id.text(), session.text()});
  step.erase(model::Link(*link));
  step.act(SessionChanged{session});
  return {};
}

}  // namespace slipway::controller
