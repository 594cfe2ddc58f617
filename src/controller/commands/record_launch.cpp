#include "controller/commands.hpp"

namespace slipway::controller {

void record_launch(Step& step, const HostId& id, const cloud::Instance& instance) {
  auto host = step.tables.hosts.at(id);
  host.instance_id = instance.instance_id;
  host.address = instance.private_ip;
  if (host.state == model::HostState::Pending) host.reason = "waits for its agent to join";
  // The token lives as long as the launch may take to join: afterwards the instance is terminated anyway.
  host.join_token_expires_at = step.now.wall + step.options.join_timeout;
  step.begin("RecordLaunch", {}, {id.text()}, {{"instance_id", instance.instance_id}});
  step.put(std::move(host));
  auto& known = step.known.hosts[id];
  known.join_counts_from = step.now.steady;
  known.changed_at = step.now.steady;
}

}  // namespace slipway::controller
