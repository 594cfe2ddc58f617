#include "controller/warm.hpp"

#include "auth/token_table.hpp"
#include "base/digest.hpp"
#include "controller/commands.hpp"
#include "controller/core.hpp"
#include "controller/placement.hpp"

namespace slipway::controller {
namespace {

bool says_ready(const Volatile& known, const Tables& tables, const model::Job& job) {
  const auto* allocation = tables.current_of(job);
  if (allocation == nullptr || job.state != model::JobState::Running) return false;
  const auto found = known.allocations.find(allocation->id);
  return found != known.allocations.end() && found->second.service && found->second.service->ready;
}

const model::Pool* pool_of(const Tables& tables, const std::string& name) {
  return tables.pools.newest([&](const model::Pool& pool) { return pool.name == name; });
}

/// Where a claim would arrive.
bool is_within_reach(const Step& step, const model::Job& job) {
  const auto* allocation = step.tables.current_of(job);
  if (allocation == nullptr || model::is_terminal(allocation->state)) return false;
  if (job.state != model::JobState::Placed && job.state != model::JobState::Running) return false;
  const auto* host = step.tables.hosts.find(allocation->host);
  return host != nullptr && takes_orders(step, *host);
}

/// Those of one pool and app, oldest first; not those that are being stopped.
std::map<WarmKey, std::vector<JobId>> kept_by_key(const Tables& tables) {
  std::map<WarmKey, std::vector<JobId>> kept;
  for (const auto& [created, id] : tables.unclaimed()) {
    const auto& job = tables.jobs.at(id);
    const auto* app = tables.apps.find(job.app);
    const auto* pool = pool_of(tables, job.spec.pool);
    if (job.stop_requested) continue;
    kept[{pool == nullptr ? PoolId{} : pool->id, app == nullptr ? "" : app->name}].push_back(id);
  }
  return kept;
}

int wanted_of(const Tables& tables, const WarmKey& key) {
  const auto* pool = tables.pools.find(key.first);
  if (pool == nullptr || pool->deleting) return 0;
  const auto found = pool->warm.find(key.second);
  return found == pool->warm.end() ? 0 : found->second;
}

JobId start_one(Step& step, const model::Pool& pool, const model::App& app) {
  model::Job job{.id = JobId::make(step.random)};
  job.meta.owner = pool.meta.owner;
  job.meta.project = pool.meta.project;
  job.name = app.name;
  job.app = app.id;
  job.spec = model::carrying_job(app.spec);
  job.spec.pool = pool.name;
  job.spec.service->warm = true;
  job.spec.service->startup.clear();
  job.spec.service->app_token = make_secret(auth::kAppTokenPrefix, step.random);
  job.reason = "waits to be placed";
  step.begin("StartWarm", {}, {job.id.text(), pool.id.text(), app.id.text()}, {{"app", app.name}});
  step.known.placement_due = true;
  return step.put(std::move(job)).id;
}

void stop_one(Step& step, const JobId& id) { std::ignore = stop_job(step, {}, id); }

/// Those that ended by themselves since the last look put the next start off.
void count_failures(Step& step, WarmVolatile& known, const std::vector<JobId>& kept) {
  for (const auto& id : kept)
    if (says_ready(step.known, step.tables, step.tables.jobs.at(id))) known.failures = 0, known.reason.clear();
  for (const auto& id : known.kept) {
    const auto* job = step.tables.jobs.find(id);
    if (job == nullptr || !model::is_terminal(job->state) || job->stop_requested || !job->spec.service->warm) continue;
    known.failures += 1;
    auto delay = step.options.launch_backoff_first;
    for (int i = 1; i < known.failures && delay < step.options.launch_backoff_most; ++i) delay *= 2;
    known.next_start = step.now.steady + std::min(delay, step.options.launch_backoff_most);
    known.reason = fmt::format("the last one ended by itself: {} ({} in a row)",
                               job->reason.empty() ? "without a reason" : job->reason, known.failures);
  }
  known.kept = {kept.begin(), kept.end()};
}

void keep(Step& step, const WarmKey& key, std::vector<JobId> kept) {
  auto& known = step.known.warm[key];
  count_failures(step, known, kept);
  const auto* app = step.tables.newest_app(key.second);
  const int wanted = app == nullptr ? 0 : wanted_of(step.tables, key);
  std::erase_if(kept, [&](const JobId& id) {
    const bool old = app == nullptr || step.tables.jobs.at(id).app != app->id;
    if (old) stop_one(step, id);
    return old;
  });
  // What nobody would miss first goes first: the youngest that is not ready, then the youngest.
  std::vector<JobId> ranked;
  for (const bool ready : {true, false})
    for (const auto& id : kept)
      if (says_ready(step.known, step.tables, step.tables.jobs.at(id)) == ready) ranked.push_back(id);
  for (; static_cast<int>(ranked.size()) > wanted; ranked.pop_back()) stop_one(step, ranked.back());
  if (step.now.steady >= known.next_start)
    for (auto have = static_cast<int>(ranked.size()); have < wanted; ++have)
      known.kept.insert(start_one(step, step.tables.pools.at(key.first), *app));
  if (wanted == 0 && ranked.empty()) step.known.warm.erase(key);
}

}  // namespace

void reconcile_warm(Step& step) {
  step.known.warm_due = false;
  auto kept = kept_by_key(step.tables);
  for (const auto& [id, pool] : step.tables.pools.rows())
    for (const auto& [app, count] : pool.warm) kept.try_emplace({id, app});
  for (const auto& [key, jobs] : kept) keep(step, key, jobs);
}

const model::Job* find_warm(const Step& step, const model::App& app, const std::string& pool) {
  const model::Job* on_its_way = nullptr;
  for (const auto& [created, id] : step.tables.unclaimed()) {
    const auto& job = step.tables.jobs.at(id);
    if (job.app != app.id || job.stop_requested || (!pool.empty() && job.spec.pool != pool)) continue;
    if (!is_within_reach(step, job)) continue;
    if (says_ready(step.known, step.tables, job)) return &job;
    if (on_its_way == nullptr) on_its_way = &job;
  }
  return on_its_way;
}

std::optional<wire::ClaimAllocation> claim_order(const Tables& tables, const model::Allocation& allocation) {
  const auto& job = tables.jobs.at(allocation.job);
  if (!allocation.warm || !job.spec.service || job.spec.service->warm) return std::nullopt;
  return wire::ClaimAllocation{.allocation = allocation.id,
                               .epoch = allocation.epoch,
                               .startup = job.spec.service->startup,
                               .home = job.spec.service->home_mount};
}

bool ended_before_its_claim(const Tables& tables, const model::Allocation& allocation,
                            const wire::AllocationReport& report) {
  const auto& job = tables.jobs.at(allocation.job);
  return allocation.warm && !report.claimed && !job.stop_requested && job.spec.service && !job.spec.service->warm;
}

std::map<std::string, WarmCount> warm_counts(const Core& core, const model::Pool& pool) {
  std::map<std::string, WarmCount> counts;
  for (const auto& [app, wanted] : pool.warm) counts[app].wanted = pool.deleting ? 0 : wanted;
  for (const auto& [key, jobs] : kept_by_key(core.tables())) {
    if (key.first != pool.id) continue;
    auto& count = counts[key.second];
    for (const auto& id : jobs) {
      const auto& job = core.tables().jobs.at(id);
      const bool ready = says_ready(core.known(), core.tables(), job);
      ++(ready ? count.ready : count.starting);
      if (!ready && count.reason.empty()) count.reason = job.reason;
    }
  }
  for (auto& [app, count] : counts) {
    const auto known = core.known().warm.find({pool.id, app});
    if (known != core.known().warm.end() && !known->second.reason.empty()) count.reason = known->second.reason;
    if (count.ready >= count.wanted) count.reason.clear();
  }
  return counts;
}

std::optional<model::HomeMount> home_mount_of(const CoreOptions& options, const model::AppSpec& app,
                                              const PrincipalId& person) {
  if (!options.homes || app.home.empty()) return std::nullopt;
  auto home = *options.homes;
  home.name = person.text();
  home.quota_bytes = options.home_quota_bytes;
  return home;
}

}  // namespace slipway::controller
