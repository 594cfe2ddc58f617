#include "controller/commands.hpp"

namespace slipway::controller {

void terminate_host(Step& step, const HostId& id, const std::string& reason) {
  auto host = step.tables.hosts.at(id);
  if (model::is_gone(host.state) || host.state == model::HostState::Terminating) return;
  if (host.state != model::HostState::Lost) host.state = model::HostState::Terminating;
  host.reason = reason;
  step.begin("TerminateHost", {}, {id.text()}, {{"reason", reason}});
  const auto& stored = step.put(std::move(host));
  auto& known = step.known.hosts[id];
  known.changed_at = step.now.steady;
  if (stored.instance_id.empty()) return;  // the launch's answer, or a listing, brings the id; then it is terminated
  known.terminate_under_way = true;
  step.act(TerminateInstance{id, stored.instance_id});
}

}  // namespace slipway::controller
