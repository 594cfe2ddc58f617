#include "controller/agents.hpp"

#include "base/log.hpp"
#include "controller/commands.hpp"
#include "controller/home_tasks.hpp"
#include "controller/placement.hpp"
#include "controller/sessions.hpp"

namespace slipway::controller {
namespace {

model::HostState state_after(const model::Host& host, const wire::HostStatus& status) {
  if (host.state == model::HostState::Terminating || host.state == model::HostState::Draining) return host.state;
  return status.ready ? model::HostState::Ready : model::HostState::Joined;
}

void on_status(Step& step, const model::Host& before, const wire::HostStatus& status) {
  auto host = before;
  auto images = status.container_images;
  std::ranges::sort(images);
  host.state = state_after(before, status);
  if (host.state == before.state && host.capacity == status.capacity && host.container_images == images &&
      (status.ready || host.reason == status.problem))
    return;
  if (host.state != model::HostState::Terminating) host.reason = status.ready ? "" : status.problem;
  host.capacity = status.capacity;
  host.container_images = std::move(images);
  step.begin("RecordHostStatus", {}, {host.id.text()}, {{"state", model::host_state_name(host.state)}});
  const auto& stored = step.put(std::move(host));
  step.known.placement_due = true;
  step.known.home_tasks_due = true;
  if (stored.state == model::HostState::Ready && !stored.pool.empty()) {
    step.known.pools[stored.pool].failures = 0;
    step.known.pools_due = true;  // its reason may have become untrue
  }
}

/// The first word after Welcome shows that the agent has its credential: the token is used up.
void consume_token(Step& step, Connection& agent) {
  if (agent.heard) return;
  agent.heard = true;
  const auto& host = step.tables.hosts.at(agent.host);
  if (host.join_token_sha256.empty()) return;
  auto changed = host;
  changed.join_token_sha256.clear();
  step.begin("ConsumeJoinToken", {}, {host.id.text()});
  step.put(std::move(changed));
}

}  // namespace

void on_agent_message(Step& step, ConnectionId connection, const wire::AgentMessage& message) {
  const auto found = step.known.connections.find(connection);
  if (const auto* hello = std::get_if<wire::Hello>(&message)) {
    if (found == step.known.connections.end()) on_hello(step, connection, *hello);
    return;
  }
  if (found == step.known.connections.end()) {
    step.act(CloseAgent{connection, "the first message must be hello"});
    return;
  }
  auto& agent = found->second;
  const auto* host = step.tables.hosts.find(agent.host);
  if (host == nullptr || model::is_gone(host->state) || host->state == model::HostState::Lost) {
    step.act(CloseAgent{connection, "this host is no longer one of ours"});
    return;
  }
  step.known.hosts[host->id].last_heard = step.now.steady;
  consume_token(step, agent);
  host = step.tables.hosts.find(agent.host);
  if (const auto* status = std::get_if<wire::HostStatus>(&message)) on_status(step, *host, *status);
  if (const auto* report = std::get_if<wire::AllocationReport>(&message)) on_report(step, *host, *report);
  if (const auto* inventory = std::get_if<wire::Inventory>(&message)) on_inventory(step, agent, *inventory);
  if (const auto* refusal = std::get_if<wire::OrderRefused>(&message)) on_refusal(step, *host, *refusal);
  if (const auto* activity = std::get_if<wire::ServiceActivity>(&message)) on_activity(step, *host, *activity);
  if (const auto* task = std::get_if<wire::HomeTaskReport>(&message)) on_home_task_report(step, *host, *task);
  if (const auto* refused = std::get_if<wire::TunnelRefused>(&message))
    step.act(TunnelFailed{connection, refused->tunnel, refused->reason});
}

void on_agent_gone(Step& step, ConnectionId connection) {
  step.act(AgentLost{connection});
  const auto found = step.known.connections.find(connection);
  if (found == step.known.connections.end()) return;
  auto& host = step.known.hosts[found->second.host];
  if (host.connection == connection) {
    host.connection.reset();
    tell_of_sessions_on(step, found->second.host);
    // What it still holds is told anew by its next inventory; until then nothing is placed there.
    step.known.placement_due = true;
  }
  step.known.connections.erase(found);
}

}  // namespace slipway::controller
