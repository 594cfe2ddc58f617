#include "controller/commands.hpp"
#include "controller/home_tasks.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {

void record_host_gone(Step& step, const HostId& id, const std::string& reason) {
  auto host = step.tables.hosts.at(id);
  if (model::is_gone(host.state)) return;
  const std::vector<AllocationId> open(step.tables.open_on(id).begin(), step.tables.open_on(id).end());
  host.state = model::HostState::Terminated;
  host.reason = reason;
  host.join_token_sha256.clear();
  host.credential_sha256.clear();
  step.begin("RecordHostGone", {}, {id.text()}, {{"reason", reason}});
  const auto stored = step.put(std::move(host));
  for (const auto& allocation : open) requeue_lost(step, allocation, fmt::format("host {} is gone", label_of(stored)));
  requeue_home_tasks(step, id, fmt::format("host {} is gone", label_of(stored)));
  const auto known = step.known.hosts.find(id);
  if (known != step.known.hosts.end()) {
    if (known->second.connection) step.act(CloseAgent{*known->second.connection, "the host is gone"});
    step.known.hosts.erase(known);
  }
  step.known.pools_due = true;
  step.known.placement_due = true;
}

}  // namespace slipway::controller
