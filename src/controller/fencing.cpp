#include "base/log.hpp"
#include "controller/commands.hpp"
#include "controller/placement.hpp"
#include "controller/pools.hpp"

namespace slipway::controller {
namespace {

bool is_watched(model::HostState state) {
  return state == model::HostState::Joined || state == model::HostState::Ready || state == model::HostState::Draining;
}

/// The launch ended without a host: the pool waits before it tries the next.
void count_pool_failure(Step& step, const PoolId& id, const std::string& what) {
  const auto* pool = step.tables.pools.find(id);
  if (pool == nullptr || pool->deleting) return;
  auto& known = step.known.pools[id];
  known.failures += 1;
  auto delay = step.options.launch_backoff_first;
  for (int i = 1; i < known.failures && delay < step.options.launch_backoff_most; ++i) delay *= 2;
  known.next_launch = step.now.steady + std::min(delay, step.options.launch_backoff_most);
  auto changed = *pool;
  changed.reason = fmt::format("{}; replaced ({} in a row)", what, known.failures);
  step.begin("RecordPoolReason", {}, {id.text()}, {{"reason", changed.reason}});
  step.put(std::move(changed));
}

void give_up_joining(Step& step, const model::Host& host, const std::string& reason) {
  const auto pool = host.pool;
  const auto label = label_of(host);
  terminate_host(step, host.id, reason);
  count_pool_failure(step, pool, label + " " + reason);
}

void check_pending(Step& step, const model::Host& host) {
  if (model::joined_by_hand(host)) {
    if (host.join_token_expires_at <= step.now.wall)
      record_host_gone(step, host.id, "no machine joined before the token expired");
    return;
  }
  if (host.instance_id.empty()) return;
  if (step.now.steady - step.known.hosts[host.id].join_counts_from >= step.options.join_timeout)
    give_up_joining(step, host, fmt::format("did not join within {}", format_duration(step.options.join_timeout)));
}

void check_watched(Step& step, const model::Host& host) {
  auto& known = step.known.hosts[host.id];
  if (!known.watched) {
    known.watched = true;
    known.last_heard = step.now.steady;
  }
  const auto silent = std::chrono::duration_cast<Duration>(step.now.steady - known.last_heard);
  if (silent >= step.options.lost_after)
    mark_host_lost(step, host.id, fmt::format("nothing heard from it for {}", format_duration(silent)));
}

const cloud::Instance* find_instance(const std::map<std::string, const cloud::Instance*>& by_host,
                                     const std::map<std::string, const cloud::Instance*>& by_id,
                                     const model::Host& host) {
  if (!host.instance_id.empty()) {
    const auto found = by_id.find(host.instance_id);
    return found == by_id.end() ? nullptr : found->second;
  }
  const auto found = by_host.find(host.id.text());
  return found == by_host.end() ? nullptr : found->second;
}

void on_absent(Step& step, const model::Host& host, SteadyTime asked_at) {
  const auto& known = step.known.hosts[host.id];
  if (known.launch_under_way || asked_at - known.changed_at < step.options.absent_grace) return;
  if (host.instance_id.empty() && host.state != model::HostState::Terminating) return;  // is launched again
  record_host_gone(step, host.id, "the cloud no longer knows its instance");
}

void on_seen(Step& step, model::Host host, const cloud::Instance& instance, SteadyTime asked_at) {
  if (host.instance_id.empty()) {
    record_launch(step, host.id, instance);
    host = step.tables.hosts.at(host.id);
  }
  if (instance.state == cloud::InstanceState::Terminated) {
    const bool joined = host.joined_at != WallTime{} || host.state == model::HostState::Terminating;
    const auto why = instance.state_reason.empty() ? "" : ": " + instance.state_reason;
    const auto pool = host.pool;
    const auto label = label_of(host);
    record_host_gone(step, host.id, "its instance is terminated" + why);
    if (!joined) count_pool_failure(step, pool, label + " ended before it joined" + why);
    return;
  }
  if (!instance.private_ip.empty() && instance.private_ip != host.address) {
    host.address = instance.private_ip;
    step.begin("RecordAddress", {}, {host.id.text()});
    step.put(host);
  }
  auto& known = step.known.hosts[host.id];
  // An instance that the cloud is just starting again boots first; its silence counts from then.
  if (instance.state == cloud::InstanceState::Pending) known.last_heard = std::max(known.last_heard, asked_at);
  const bool stays_stopped =
      instance.state == cloud::InstanceState::Stopped && asked_at - known.changed_at >= step.options.absent_grace;
  if (host.state == model::HostState::Pending && stays_stopped) give_up_joining(step, host, "was found stopped");
}

void end_strays(Step& step, const std::vector<cloud::Instance>& instances) {
  for (const auto& instance : instances) {
    if (instance.state == cloud::InstanceState::Terminated || instance.state == cloud::InstanceState::ShuttingDown)
      continue;
    if (instance.tags.contains(cloud::kTagBake)) continue;  // the baker looks after its own
    const auto tag = instance.tags.find(cloud::kTagHost);
    const auto id = tag == instance.tags.end() ? Result<HostId>(HostId{}) : HostId::parse(tag->second);
    const auto* host = id ? step.tables.hosts.find(*id) : nullptr;
    const bool known = host != nullptr && !model::is_gone(host->state) && host->instance_id == instance.instance_id;
    if (known) continue;
    log::warn("instance {} carries our tag but belongs to no host: terminating it", instance.instance_id);
    step.act(TerminateInstance{{}, instance.instance_id});
  }
}

}  // namespace

void watch_loaded_hosts(Step& step) {
  for (const auto& [id, host] : step.tables.hosts.rows()) {
    if (model::is_gone(host.state)) continue;
    auto& known = step.known.hosts[id];
    known.watched = true;
    known.last_heard = step.now.steady + step.options.startup_grace;
    known.join_counts_from = step.now.steady;
    known.changed_at = step.now.steady;
  }
}

void check_silence(Step& step) {
  std::vector<HostId> ids;
  for (const auto& [id, host] : step.tables.hosts.rows())
    if (host.state == model::HostState::Pending || is_watched(host.state)) ids.push_back(id);
  for (const auto& id : ids) {
    const auto host = step.tables.hosts.at(id);
    if (host.state == model::HostState::Pending)
      check_pending(step, host);
    else
      check_watched(step, host);
  }
}

void repeat_terminations(Step& step) {
  for (const auto& [id, host] : step.tables.hosts.rows()) {
    if (model::joined_by_hand(host) || host.instance_id.empty()) continue;
    if (host.state != model::HostState::Terminating && host.state != model::HostState::Lost) continue;
    auto& known = step.known.hosts[id];
    if (known.terminate_under_way || step.now.steady < known.next_terminate) continue;
    known.terminate_under_way = true;
    step.act(TerminateInstance{id, host.instance_id});
  }
}

void on_terminate_answered(Step& step, const TerminateAnswered& answer) {
  const auto* host = step.tables.hosts.find(answer.host);
  if (host == nullptr || model::is_gone(host->state)) return;
  auto& known = step.known.hosts[answer.host];
  known.terminate_under_way = false;
  known.next_terminate = step.now.steady + step.options.terminate_repeat;
  if (!answer.result)
    log::warn("host {}: its instance {} could not be terminated yet: {}", answer.host, host->instance_id,
              answer.result.error().text());
}

void on_instances_listed(Step& step, const InstancesListed& listed) {
  std::map<std::string, const cloud::Instance*> by_host;
  std::map<std::string, const cloud::Instance*> by_id;
  for (const auto& instance : listed.instances) {
    by_id[instance.instance_id] = &instance;
    if (const auto tag = instance.tags.find(cloud::kTagHost); tag != instance.tags.end())
      by_host[tag->second] = &instance;
  }
  std::vector<HostId> ids;
  for (const auto& [id, host] : step.tables.hosts.rows())
    if (!model::joined_by_hand(host) && !model::is_gone(host.state)) ids.push_back(id);
  for (const auto& id : ids) {
    const auto& host = step.tables.hosts.at(id);
    if (const auto* instance = find_instance(by_host, by_id, host))
      on_seen(step, host, *instance, listed.asked_at);
    else
      on_absent(step, host, listed.asked_at);
  }
  end_strays(step, listed.instances);
}

bool in_transition(const Tables& tables) {
  return std::ranges::any_of(tables.hosts.rows(), [](const auto& row) {
    const model::Host& host = row.second;
    if (model::joined_by_hand(host)) return false;
    return host.state == model::HostState::Terminating || host.state == model::HostState::Lost ||
           (host.state == model::HostState::Pending && host.address.empty());
  });
}

}  // namespace slipway::controller
