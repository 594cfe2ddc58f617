// What a restart means: of the agent, of the machine, of Docker.
#include <set>

#include "agent/core/core.hpp"

namespace slipway::agent {

using model::AllocationState;

Core::Output Core::restore(const std::vector<JournalEntry>& entries, Now now) {
  out_ = {};
  for (const JournalEntry& entry : entries) {
    if (const auto* accepted = std::get_if<OrderAccepted>(&entry)) {
      records_[accepted->order.allocation] = Record{.order = accepted->order, .progress = {}};
      remember_epoch(accepted->order.job, accepted->order.epoch);
    } else if (const auto* made = std::get_if<ProgressMade>(&entry)) {
      const auto found = records_.find(made->allocation);
      if (found != records_.end()) found->second.progress = made->progress;
    } else if (const auto* forgotten = std::get_if<Forgotten>(&entry)) {
      records_.erase(forgotten->allocation);
    } else if (const auto* epoch = std::get_if<EpochAccepted>(&entry)) {
      remember_epoch(epoch->job, epoch->epoch);
    } else if (const auto* task = std::get_if<HomeTaskAccepted>(&entry)) {
      home_tasks_[task->order.task] = {.order = task->order, .report = {.task = task->order.task}};
    } else if (const auto* ended = std::get_if<HomeTaskEnded>(&entry)) {
      const auto found = home_tasks_.find(ended->report.task);
      if (found != home_tasks_.end()) found->second.report = ended->report;
    } else if (const auto* dropped = std::get_if<HomeTaskForgotten>(&entry)) {
      home_tasks_.erase(dropped->task);
    }
  }
  for (const auto& [id, record] : records_) {
    if (record.progress.phase < Phase::Ended) slots_.restore(id, record.progress.slots);
  }
  for (auto& [id, record] : records_) {
    if (record.progress.boot_id.empty()) record.progress.boot_id = boot_id_;  // torn off right after the order
    if (record.progress.phase < Phase::Ended && record.progress.boot_id != boot_id_) {
      end(record, AllocationState::Lost, "the host restarted", {}, now);
    } else if (record.progress.phase == Phase::Ended) {
      end_service(record);  // the crash may have come before it was performed
      collect(record);
    } else if (record.progress.phase == Phase::Preparing) {
      out_.actions.push_back(PrepareSource{id});
    } else {
      apply_claim(record);
    }  // and for the rest these wait for Docker's word
  }
  for (const auto& [id, task] : home_tasks_) {
    if (!model::is_terminal(task.report.state)) out_.actions.push_back(RunHomeTask{id});
  }
  return std::exchange(out_, {});
}

void Core::on(const EngineAnswers& event, Now now) {
  std::set<AllocationId> seen;
  for (const auto& [label, state] : event.containers) {
    auto id = AllocationId::parse(label);
    const auto found = id ? records_.find(*id) : records_.end();
    if (found == records_.end()) {
      out_.actions.push_back(RemoveContainer{state.id});
      continue;
    }
    seen.insert(*id);
    resume(found->second, &state, now);
  }
  const bool processes = event.runtime == Runtime::Processes;
  for (auto& [id, record] : records_) {
    if (!seen.contains(id) && is_process(record.order.spec) == processes) resume(record, nullptr, now);
  }
}

/// Brings a record and what Docker has of it together. `state`: nothing if Docker has no such container.
void Core::resume(Record& record, const ContainerState* state, Now now) {
  Progress& progress = record.progress;
  const auto& id = record.order.allocation;
  if (progress.phase == Phase::Preparing || progress.phase >= Phase::Ended) return;
  if (state == nullptr) {
    // The list may be older than an answer that came meanwhile, so its silence alone proves nothing: asking again does.
    if (progress.phase == Phase::Running) {
      out_.actions.push_back(WatchContainer{id, progress.container_id});
    } else if (progress.phase == Phase::Starting) {
      out_.actions.push_back(StartContainer{id, progress.container_id});
    } else if (progress.stop) {
      end(record, AllocationState::Stopped, "stopped before it started", {}, now);
    } else {
      out_.actions.push_back(CreateContainer{id});
    }
    return;
  }
  progress.container_id = state->id;
  switch (state->status) {
    case ContainerStatus::Created:
      if (progress.stop) return end(record, AllocationState::Stopped, "stopped before it started", {}, now);
      progress.phase = Phase::Starting;
      save(record);
      out_.actions.push_back(StartContainer{id, state->id});
      return;
    case ContainerStatus::Running:
      return became_running(record, state->started_at, now);
    case ContainerStatus::Exited:
      return end_exited(record, *state, now);
  }
}

std::vector<JournalEntry> Core::snapshot() const {
  std::vector<JournalEntry> entries;
  for (const JobId& job : epoch_order_) entries.emplace_back(EpochAccepted{job, epochs_.at(job)});
  for (const auto& [id, record] : records_) {
    entries.emplace_back(OrderAccepted{record.order});
    entries.emplace_back(ProgressMade{id, record.progress});
  }
  for (const auto& [id, task] : home_tasks_) {
    entries.emplace_back(HomeTaskAccepted{task.order});
    if (model::is_terminal(task.report.state)) entries.emplace_back(HomeTaskEnded{task.report});
  }
  return entries;
}

}  // namespace slipway::agent
