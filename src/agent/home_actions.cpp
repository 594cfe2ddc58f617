// What the core wants done about people's homes.
#include "agent/agent.hpp"
#include "agent/services/startup_data.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

unsigned user_of(const Record& record) {
  return record.progress.slots.user != 0 ? record.progress.slots.user : kJobUid;
}

/// What it has by its order, or by its claim.
const std::optional<model::HomeMount>& home_of(const Record& record) {
  static const std::optional<model::HomeMount> kNone;
  if (!record.order.spec.service) return kNone;
  return record.progress.claim ? record.progress.claim->home : record.order.spec.service->home_mount;
}

}  // namespace

/// The files are in place: now the home. One that comes with a claim needs a place that passes mounts on.
void Agent::source_prepared(const AllocationId& id, Result<void> result) {
  const Record* record = core_.find(id);
  if (record == nullptr) return;
  const auto& service = record->order.spec.service;
  const bool has_home = service && !service->home.empty();
  if (!result || !has_home || (!service->warm && !service->home_mount)) {
    return handle(SourcePrepared{id, std::move(result)});
  }
  bring_home(*record, service->home_mount,
             [this, id](Result<void> brought) { handle(SourcePrepared{id, std::move(brought)}); });
}

void Agent::bring_home(const Record& record, const std::optional<model::HomeMount>& home,
                       std::function<void(Result<void>)> done) {
  const AllocationId id = record.order.allocation;
  homes_.want(id.text(), {.home = home,
                          .uid = user_of(record),
                          .target = state_.paths().home(id),
                          .waits = [this, id](const std::string& what) { handle(HomeWaits{id, what}); },
                          .done =
                              [done = std::move(done)](const Result<std::string>& brought) {
                                done(brought ? Result<void>() : Result<void>(fail(brought.error())));
                              }});
}

void Agent::release_home(const AllocationId& id) {
  const Record* record = core_.find(id);
  const bool may_have = record == nullptr || (record->order.spec.service && !record->order.spec.service->home.empty());
  if (may_have) homes_.release(id.text(), state_.paths().home(id));
}

/// After a restart: what was mounted is still there.
void Agent::keep_homes() {
  for (const auto& [id, record] : core_.records()) {
    const bool mounted = record.progress.phase > Phase::Preparing && record.progress.phase < Phase::Ended;
    const auto& home = home_of(record);
    if (mounted && home && (!record.progress.claim || record.progress.claimed)) {
      homes_.keep(id.text(), *home, state_.paths().home(id));
    }
  }
  homes_.tidy();
}

void Agent::perform(const ApplyClaim& action) {
  const Record* record = core_.find(action.allocation);
  if (record == nullptr || !record->progress.claim) return;
  const AllocationId id = action.allocation;
  const auto fill = [this, id](const Result<void>& home) {
    const Record* still = core_.find(id);
    if (still == nullptr || !still->progress.claim || still->progress.phase >= Phase::Ended) return;
    if (!home) return handle(ClaimApplied{id, home});
    pool_.offload(
        loop_,
        [path = state_.paths().startup(id), data = still->progress.claim->startup] {
          return add_startup_data(path, data);
        },
        [this, id](Result<void> filled) { handle(ClaimApplied{id, std::move(filled)}); });
  };
  const auto& home = record->progress.claim->home;
  const bool wanted = home && !record->order.spec.service->home.empty();
  if (!wanted) return fill({});
  bring_home(*record, home, fill);
}

// ---- home tasks ----

void Agent::perform(const RunHomeTask& action) {
  const HomeTaskRecord* task = core_.find(action.task);
  if (task == nullptr) return;
  const HomeTaskId id = action.task;
  const auto& order = task->order;
  home_jobs_[id] = std::make_shared<HomeTaskJob>(
      loop_, home_pool_, blobs_, order, [this](const wire::HomeTaskReport& report) { home_task_went(report); });
  if (order.home) {
    return homes_.want(id.text(),
                       {.home = order.home,
                        .uid = kJobUid,
                        .target = {},
                        .waits =
                            [this, id](const std::string& what) {
                              if (home_jobs_.contains(id)) home_jobs_[id]->waits(what);
                            },
                        .done = [this, id](Result<std::string> home) { begin_home_task(id, std::move(home)); }});
  }
  const Record* record = core_.find(order.allocation);
  const bool there = record != nullptr && record->order.spec.service && !record->order.spec.service->home.empty() &&
                     record->progress.phase > Phase::Preparing && record->progress.phase < Phase::Done;
  if (!there) return home_jobs_[id]->fail_with("the session has ended here, and its files with it");
  begin_home_task(id, state_.paths().home(order.allocation));
}

void Agent::begin_home_task(const HomeTaskId& id, Result<std::string> home) {
  const auto job = home_jobs_.find(id);
  const HomeTaskRecord* task = core_.find(id);
  if (job == home_jobs_.end() || task == nullptr || !home) return;
  const StatePaths& paths = state_.paths();
  if (auto made = runtime::make_directories(paths.home_tasks(), 0700); !made) {
    return job->second->fail_with(made.error().text());
  }
  const auto& order = task->order;
  const Record* record = core_.find(order.allocation);
  // Of a home that lasts the record lies beside all homes, where every host finds it and no person does.
  const std::string record_path =
      order.home ? fmt::format("{}/.slipway/{}.json", home->substr(0, home->rfind('/')), order.home->name)
                 : paths.placed(order.allocation);
  job->second->begin({.home = *home,
                      .record = record_path,
                      .cache = paths.cache(),
                      .archive = fmt::format("{}/{}.tar.gz", paths.home_tasks(), id),
                      .uid = record != nullptr ? user_of(*record) : kJobUid});
}

void Agent::home_task_went(const wire::HomeTaskReport& report) {
  if (model::is_terminal(report.state)) {
    homes_.release(report.task.text(), "");
    loop_.post([this, id = report.task] { home_jobs_.erase(id); });  // not from within its own call
  }
  handle(HomeTaskWent{report});
}

void Agent::perform(const CancelHomeTask& action) {
  home_jobs_.erase(action.task);
  homes_.release(action.task.text(), "");
}

void Agent::perform(const SendHomeTaskReport& action) {
  const auto& report = action.report;
  log::info("{}: {}{}{}", report.task, model::home_task_state_name(report.state), report.reason.empty() ? "" : ": ",
            report.reason);
  if (session_) session_->send(report);
}

}  // namespace slipway::agent
