#include "controller/pools.hpp"

#include "auth/token_table.hpp"
#include "base/log.hpp"
#include "controller/commands.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {
namespace {

Duration backoff(const CoreOptions& options, int failures) {
  auto delay = options.launch_backoff_first;
  for (int i = 1; i < failures && delay < options.launch_backoff_most; ++i) delay *= 2;
  return std::min(delay, options.launch_backoff_most);
}

void set_pool_reason(Step& step, const PoolId& id, const std::string& reason) {
  const auto& pool = step.tables.pools.at(id);
  if (pool.reason == reason) return;
  auto changed = pool;
  changed.reason = reason;
  step.begin("RecordPoolReason", {}, {id.text()}, {{"reason", reason}});
  step.put(std::move(changed));
}

bool has_instance(const std::vector<const model::Host*>& hosts, std::string_view instance_id) {
  return std::ranges::any_of(hosts, [&](const model::Host* host) { return host->instance_id == instance_id; });
}

void empty_pool(Step& step, const PoolId& id) {
  const auto hosts = step.tables.hosts_of(id);
  if (hosts.empty()) {
    step.begin("RemovePool", {}, {id.text()});
    step.erase(step.tables.pools.at(id));
    step.known.pools.erase(id);
    step.known.placement_due = true;
    return;
  }
  std::vector<HostId> ids;
  for (const auto* host : hosts)
    if (host->state != model::HostState::Terminating && host->state != model::HostState::Lost) ids.push_back(host->id);
  for (const auto& host : ids) terminate_host(step, host, "its pool is being deleted");
}

void fill_pool(Step& step, const PoolId& id) {
  const auto& pool = step.tables.pools.at(id);
  auto& known = step.known.pools[id];
  const int lacking = pool.size - static_cast<int>(step.tables.hosts_of(id).size());
  if (lacking > 0 && step.now.steady >= known.next_launch)
    for (int i = 0; i < lacking; ++i) intend_launch(step, id);
  const auto hosts = step.tables.hosts_of(id);
  const bool complete =
      static_cast<int>(hosts.size()) == pool.size &&
      std::ranges::all_of(hosts, [](const model::Host* host) { return host->state == model::HostState::Ready; });
  if (complete) set_pool_reason(step, id, "");
}

cloud::LaunchRequest request_for(const Step& step, const model::Host& host) {
  const auto* pool = step.tables.pools.find(host.pool);
  const wire::JoinData join{.controller = step.options.agent_controller,
                            .fingerprint = step.options.fingerprint,
                            .join_token = auth::join_token_for(step.options.join_key, host.id)};
  return {.client_token = host.id.text(),
          .image_id = host.image_id,
          .instance_type = host.instance_type,
          .user_data = wire::encode_user_data(join),
          .key_name = {},
          .security_group_ids = {},
          .tags = {{"Name", pool == nullptr ? host.id.text() : pool->name},
                   {cloud::kTagController, step.options.controller_id},
                   {cloud::kTagOwner, host.meta.owner.text()},
                   {cloud::kTagExpires, ""},
                   {cloud::kTagHost, host.id.text()},
                   {cloud::kTagPool, host.pool.text()}}};
}

/// The cloud said no, for certain: nothing was launched.
bool is_definite(Code code) {
  switch (code) {
    case Code::InvalidInput:
    case Code::NotFound:
    case Code::Denied:
    case Code::Unauthenticated:
    case Code::Exhausted:
    case Code::Unsupported:
      return true;
    default:
      return false;
  }
}

void on_launch_failed(Step& step, const model::Host& before, const Error& error) {
  auto& known = step.known.hosts[before.id];
  known.changed_at = step.now.steady;
  if (before.state == model::HostState::Terminating) {
    if (is_definite(error.code)) record_host_gone(step, before.id, "was never launched");
    return;  // else a listing shows whether there is an instance after all
  }
  auto& pool = step.known.pools[before.pool];
  auto host = before;
  host.launch_attempts += 1;
  host.reason = "could not be launched: " + error.text();
  // Hosts of one pool fail together; the back-off counts rounds, not hosts.
  const auto delay = backoff(step.options, host.launch_attempts);
  known.next_launch = step.now.steady + delay;
  pool.failures = std::max(pool.failures, host.launch_attempts);
  const auto pool_id = before.pool;
  step.begin("RecordLaunchFailure", {}, {before.id.text()}, {{"error", error.text()}});
  step.put(std::move(host));
  if (step.tables.pools.find(pool_id) != nullptr)
    set_pool_reason(step, pool_id,
                    fmt::format("the cloud refuses to launch: {}; tried again every {} or sooner", error.text(),
                                format_duration(step.options.launch_backoff_most)));
}

}  // namespace

void reconcile_pools(Step& step) {
  std::vector<PoolId> ids;
  for (const auto& [id, pool] : step.tables.pools.rows()) ids.push_back(id);
  for (const auto& id : ids) {
    if (step.tables.pools.at(id).deleting)
      empty_pool(step, id);
    else
      fill_pool(step, id);
  }
  step.known.pools_due = false;
}

void launch_intended(Step& step) {
  for (const auto& [id, host] : step.tables.hosts.rows()) {
    if (model::joined_by_hand(host) || host.state != model::HostState::Pending || !host.instance_id.empty()) continue;
    auto& known = step.known.hosts[id];
    if (known.launch_under_way || step.now.steady < known.next_launch) continue;
    known.launch_under_way = true;
    step.act(LaunchInstance{id, request_for(step, host)});
  }
}

void on_launch_answered(Step& step, const LaunchAnswered& answer) {
  const auto* host = step.tables.hosts.find(answer.host);
  if (host == nullptr) return;
  step.known.hosts[answer.host].launch_under_way = false;
  if (model::is_gone(host->state)) return;  // the next listing ends the instance as a stray
  if (!answer.instance) {
    if (host->instance_id.empty()) on_launch_failed(step, *host, answer.instance.error());
    return;
  }
  if (!host->instance_id.empty()) return;  // a listing was faster
  if (has_instance(step.tables.hosts_of(host->pool), answer.instance->instance_id))
    log::error("the cloud gave instance {} to two launches", answer.instance->instance_id);
  record_launch(step, answer.host, *answer.instance);
  const auto& recorded = step.tables.hosts.at(answer.host);
  if (recorded.state == model::HostState::Terminating) {
    step.known.hosts[answer.host].terminate_under_way = true;
    step.act(TerminateInstance{answer.host, recorded.instance_id});
  }
}

}  // namespace slipway::controller
