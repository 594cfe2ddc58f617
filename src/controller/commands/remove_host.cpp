#include "controller/commands.hpp"

namespace slipway::controller {

Result<void> remove_host(Step& step, const model::Principal& who, const HostId& id) {
  const auto* host = step.tables.hosts.find(id);
  if (host == nullptr) return fail(Code::NotFound, "no host {}", id);
  if (model::is_gone(host->state)) return {};
  if (!model::joined_by_hand(*host)) {
    terminate_host(step, id, "removed by " + who.name);
    return {};
  }
  const bool lost = host->state == model::HostState::Lost;
  if (!lost && !step.tables.open_on(id).empty())
    return fail(Error{.code = Code::Conflict,
                      .message = fmt::format("host {} still has {} jobs", id, step.tables.open_on(id).size()),
                      .fix = "stop them first, or stop the agent there and wait until the host is LOST",
                      .context = {}});
  record_host_gone(step, id, "removed by " + who.name);
  return {};
}

}  // namespace slipway::controller
