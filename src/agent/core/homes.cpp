// Claims of services that were started without a person, and what is done to homes.
#include "agent/core/core.hpp"

namespace slipway::agent {

// ---- claims ----

void Core::on(const wire::ClaimAllocation& claim, Now) {
  const auto found = records_.find(claim.allocation);
  if (found == records_.end() || claim.epoch < found->second.order.epoch) return;
  Record& record = found->second;
  const auto& service = record.order.spec.service;
  // The first one holds: whoever came later must never see what this container has seen.
  const bool open = service && service->warm && !record.progress.claim && record.progress.phase < Phase::Ended;
  if (!open) return report(record);
  record.progress.claim = claim;
  save(record);
  apply_claim(record);
}

/// Once the container's directories are made, whether it runs already or not.
void Core::apply_claim(const Record& record) {
  const Progress& progress = record.progress;
  const bool possible = progress.phase > Phase::Preparing && progress.phase < Phase::Ended;
  if (possible && progress.claim && !progress.claimed) out_.actions.push_back(ApplyClaim{record.order.allocation});
}

void Core::on(const ClaimApplied& event, Now) {
  const auto found = records_.find(event.allocation);
  if (found == records_.end()) return;
  Record& record = found->second;
  if (record.progress.phase >= Phase::Ended || !record.progress.claim || record.progress.claimed) return;
  record.home_waits = event.result ? "" : event.result.error().text();
  if (event.result) {
    record.progress.claimed = true;
    save(record);
  }
  report(record);
}

void Core::on(const HomeWaits& event, Now) {
  const auto found = records_.find(event.allocation);
  if (found == records_.end() || found->second.progress.phase >= Phase::Ended) return;
  if (std::exchange(found->second.home_waits, event.what) != event.what) report(found->second);
}

// ---- home tasks ----

const HomeTaskRecord* Core::find(const HomeTaskId& task) const {
  const auto found = home_tasks_.find(task);
  return found == home_tasks_.end() ? nullptr : &found->second;
}

void Core::on(const wire::HomeTaskOrder& order, Now) {
  if (const auto* known = find(order.task)) {
    out_.actions.push_back(SendHomeTaskReport{known->report});
    return;
  }
  home_tasks_[order.task] = {.order = order, .report = {.task = order.task}};
  out_.writes.push_back(HomeTaskAccepted{order});
  out_.actions.push_back(RunHomeTask{order.task});
}

void Core::on(const wire::ForgetHomeTask& forget, Now) {
  if (home_tasks_.erase(forget.task) == 0) return;
  out_.writes.push_back(HomeTaskForgotten{forget.task});
  out_.actions.push_back(CancelHomeTask{forget.task});
}

void Core::on(const HomeTaskWent& event, Now) {
  const auto found = home_tasks_.find(event.report.task);
  if (found == home_tasks_.end() || model::is_terminal(found->second.report.state)) return;
  const bool same = found->second.report.reason == event.report.reason;
  found->second.report = event.report;
  if (model::is_terminal(event.report.state)) {
    out_.writes.push_back(HomeTaskEnded{event.report});
  } else if (same) {
    return;
  }
  out_.actions.push_back(SendHomeTaskReport{event.report});
}

}  // namespace slipway::agent
