#include "controller/core.hpp"

#include "base/digest.hpp"
#include "controller/agents.hpp"
#include "controller/bakes.hpp"
#include "controller/home_tasks.hpp"
#include "controller/placement.hpp"
#include "controller/pools.hpp"
#include "controller/sessions.hpp"
#include "controller/warm.hpp"
#include "controller/workshops.hpp"

namespace slipway::controller {
namespace {

template <typename... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};

/// A pause of the whole process (a stall, a suspended machine) is no silence of hosts.
constexpr Duration kLongestHonestTick = std::chrono::seconds(1);

void forgive_stall(Volatile& known, SteadyTime now) {
  const auto gap = now - known.last_tick;
  if (known.last_tick != SteadyTime{} && gap > kLongestHonestTick)
    for (auto& [id, host] : known.hosts)
      host.last_heard = std::min(host.last_heard + gap, std::max(now, host.last_heard));
  known.last_tick = now;
}

void drop_old_idempotency(Step& step) {
  while (!step.tables.idempotency.order().empty()) {
    const auto [created, id] = *step.tables.idempotency.order().begin();
    if (created + step.options.idempotency_lifetime > step.now.wall) return;
    step.begin("DropIdempotencyKey", {}, {});
    step.erase(step.tables.idempotency.at(id));
  }
}

void drop_old_refusals(Step& step) {
  const auto before = step.known.refusals.size();
  std::erase_if(step.known.refusals, [&](const auto& entry) { return entry.second <= step.now.steady; });
  if (step.known.refusals.size() != before) step.known.placement_due = true;
}

}  // namespace

Result<Core> Core::load(CoreOptions options, RandomSource& random, const std::vector<store::Row>& rows, Now now) {
  Core core(std::move(options), random);
  SLIPWAY_TRY(core.tables_.load(rows));
  core.known_.started_at = now.steady;
  return core;
}

Outcome Core::start(Now now) {
  Step step(tables_, known_, options_, *random_, now);
  watch_loaded_hosts(step);
  fail_interrupted_bakes(step);
  start_next_bake(step);
  follow_loaded_sessions(step);
  check_workshops(step);
  settle(step);
  return std::move(step.outcome);
}

Outcome Core::handle(const Event& event, Now now) {
  Step step(tables_, known_, options_, *random_, now);
  std::visit(
      Overloaded{[&](const AgentSaid& said) { on_agent_message(step, said.connection, said.message); },
                 [&](const AgentGone& gone) { on_agent_gone(step, gone.connection); },
                 [&](const LaunchAnswered& answer) { on_launch_answered(step, answer); },
                 [&](const TerminateAnswered& answer) { on_terminate_answered(step, answer); },
                 [&](const InstancesListed& listed) { on_instances_listed(step, listed); },
                 [&](const LogsDurable& logs) { on_logs_durable(step, logs); },
                 [&](const ArtifactsChecked& checked) { on_artifacts_checked(step, checked); },
                 [&](const BakeProgressed& progress) { record_bake_progress(step, progress); },
                 [&](const BakeEnded& end) { record_bake_end(step, end); },
                 [&](const SessionUsed& used) { on_session_used(step, used); }, [&](const Tick&) { on_tick(step); }},
      event);
  settle(step);
  return std::move(step.outcome);
}

void Core::on_tick(Step& step) {
  forgive_stall(known_, step.now.steady);
  check_silence(step);
  repeat_terminations(step);
  drop_old_idempotency(step);
  drop_old_refusals(step);
  check_sessions(step);
  check_workshops(step);
  known_.pools_due = true;
  known_.warm_due = true;
  known_.home_tasks_due = true;
}

void Core::settle(Step& step) {
  if (known_.pools_due) {
    reconcile_pools(step);
    launch_intended(step);
  }
  if (known_.warm_due) reconcile_warm(step);
  if (known_.placement_due) place_queued_jobs(step);
  if (known_.home_tasks_due) give_out_home_tasks(step);
  follow_jobs(step);
}

std::int64_t Core::log_limit(ConnectionId connection, const AllocationId& id) const {
  const auto agent = known_.connections.find(connection);
  const auto* allocation = tables_.allocations.find(id);
  if (agent == known_.connections.end() || allocation == nullptr || allocation->host != agent->second.host) return 0;
  constexpr std::int64_t kMarker = 64 << 10;  // the agent's own note that it dropped the rest
  const auto* job = tables_.jobs.find(allocation->job);
  return job == nullptr ? 0 : job->spec.log_limit_bytes + kMarker;
}

Result<HostId> Core::host_of_credential(std::string_view secret) const {
  const auto hash = sha256_hex(secret);
  for (const auto& [id, host] : tables_.hosts.rows())
    if (!host.credential_sha256.empty() && equal_in_constant_time(host.credential_sha256, hash) &&
        host.state != model::HostState::Lost)
      return id;
  return fail(Code::Unauthenticated, "this credential is not known");
}

bool Core::is_connected(const HostId& host) const {
  const auto found = known_.hosts.find(host);
  return found != known_.hosts.end() && found->second.connection.has_value();
}

std::optional<ConnectionId> Core::connection_of(const HostId& host) const {
  const auto found = known_.hosts.find(host);
  if (found == known_.hosts.end() || !found->second.connection) return std::nullopt;
  const auto agent = known_.connections.find(*found->second.connection);
  return agent != known_.connections.end() && agent->second.inventory ? found->second.connection : std::nullopt;
}

bool Core::in_transition() const { return controller::in_transition(tables_); }

}  // namespace slipway::controller
