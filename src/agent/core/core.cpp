#include "agent/core/core.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace slipway::agent {
namespace {

using model::AllocationState;

bool engine_is_away(const Error& error) { return error.code == Code::Unreachable || error.code == Code::Timeout; }

ProcessWish process_wish(const model::JobSpec& spec) {
  if (!is_process(spec)) return {};
  ProcessWish wish{.user = true};
  for (const model::AppPort& port : spec.service->ports) wish.ports.push_back(port.port);
  return wish;
}

}  // namespace

Core::Output Core::handle(const Event& event, Now now) {
  out_ = {};
  std::visit([&](const auto& one) { on(one, now); }, event);
  return std::exchange(out_, {});
}

std::optional<SteadyTime> Core::next_deadline() const {
  std::optional<SteadyTime> first;
  for (const auto& [id, timer] : stop_timers_) {
    if (!first || timer.at < *first) first = timer.at;
  }
  for (const auto& [id, at] : probe_deadlines_) {
    if (!first || at < *first) first = at;
  }
  return first;
}

wire::Inventory Core::inventory() const {
  wire::Inventory inventory;
  for (const auto& [id, record] : records_) inventory.allocations.push_back(report_of(record));
  for (const auto& [id, task] : home_tasks_) inventory.home_tasks.push_back(task.report);
  return inventory;
}

const Record* Core::find(const AllocationId& allocation) const {
  const auto found = records_.find(allocation);
  return found == records_.end() ? nullptr : &found->second;
}

/// The record if it is in that phase: an answer that comes late finds it elsewhere and changes nothing.
Record* Core::live(const AllocationId& allocation, Phase phase) {
  const auto found = records_.find(allocation);
  return found == records_.end() || found->second.progress.phase != phase ? nullptr : &found->second;
}

void Core::save(const Record& record) { out_.writes.push_back(ProgressMade{record.order.allocation, record.progress}); }

void Core::report(const Record& record) { out_.actions.push_back(SendReport{report_of(record)}); }

// ---- orders ----

std::optional<std::string> Core::refusal_of(const wire::StartAllocation& order) const {
  const auto last = epochs_.find(order.job);
  if (last != epochs_.end() && order.epoch <= last->second) {
    return fmt::format("epoch {} of {} is not newer than {}, which was accepted before", order.epoch, order.job,
                       last->second);
  }
  for (const auto& [id, record] : records_) {
    if (record.order.job == order.job && record.progress.phase < Phase::Ended) {
      return fmt::format("{} of the same job has not ended here yet", id);
    }
  }
  return std::nullopt;
}

void Core::remember_epoch(const JobId& job, std::int64_t epoch) {
  if (job.empty()) return;
  const auto [place, added] = epochs_.try_emplace(job, epoch);
  place->second = std::max(place->second, epoch);
  if (!added) return;
  epoch_order_.push_back(job);
  if (epoch_order_.size() <= kRememberedEpochs) return;
  epochs_.erase(epoch_order_.front());
  epoch_order_.erase(epoch_order_.begin());
}

void Core::on(const wire::StartAllocation& order, Now) {
  if (const Record* known = find(order.allocation)) {
    if (order.epoch >= known->order.epoch) return report(*known);  // the order again: as it stands
  }
  if (auto why = refusal_of(order)) {
    out_.actions.push_back(RefuseOrder{{order.allocation, order.epoch, std::move(*why)}});
    return;
  }
  auto slots = slots_.take(order.allocation, order.spec.service ? order.spec.service->slots : model::Slots{},
                           process_wish(order.spec));
  if (!slots) {
    out_.actions.push_back(RefuseOrder{{order.allocation, order.epoch, slots.error().text()}});
    return;
  }
  remember_epoch(order.job, order.epoch);
  Record& record = records_[order.allocation];
  record = Record{.order = order, .progress = {.boot_id = boot_id_, .slots = std::move(*slots)}};
  out_.writes.push_back(OrderAccepted{order});
  save(record);
  report(record);
  out_.actions.push_back(PrepareSource{order.allocation});
}

void Core::on(const wire::StopAllocation& stop, Now now) {
  const auto found = records_.find(stop.allocation);
  if (found == records_.end()) {
    // Its start never came here, and now it must not any more: a record that is over from the beginning sees to that.
    Record& record = records_[stop.allocation];
    record.order.allocation = stop.allocation;
    record.order.epoch = stop.epoch;
    out_.writes.push_back(OrderAccepted{record.order});
    record.progress = {.phase = Phase::Done, .boot_id = boot_id_, .outcome = AllocationState::Stopped};
    record.progress.reason = "stopped before it started";
    record.progress.finished_at = now.wall;
    record.progress.stdout_bytes = record.progress.stderr_bytes = 0;
    record.progress.artifacts.emplace();
    save(record);
    return report(record);
  }
  Record& record = found->second;
  if (stop.epoch < record.order.epoch) {
    out_.actions.push_back(RefuseOrder{{stop.allocation, stop.epoch, "a newer order was accepted"}});
    return;
  }
  if (record.progress.phase >= Phase::Ended) return report(record);
  if (record.progress.stop) return report(record);  // under way already
  record.progress.stop = StopRequest{.reason = stop.reason, .grace = stop.grace};
  save(record);
  report(record);
  if (record.progress.phase == Phase::Preparing) {
    out_.actions.push_back(CancelSource{stop.allocation});
  } else if (record.progress.phase == Phase::Running) {
    begin_stop(record, now);
  }  // Creating and Starting: the answer of Docker comes first
}

void Core::begin_stop(Record& record, Now now) {
  const auto& id = record.order.allocation;
  probe_deadlines_.erase(id);
  out_.actions.push_back(SignalContainer{id, record.progress.container_id, Signal::Terminate});
  stop_timers_[id] = {.at = now.steady + record.progress.stop->grace, .next = Signal::KillInside};
}

void Core::on(const wire::ForgetAllocation& forget, Now) {
  const auto found = records_.find(forget.allocation);
  // Only what is over may go; a running allocation that the controller does not know stays in the inventory.
  if (found == records_.end() || found->second.progress.phase != Phase::Done) return;
  if (forget.epoch < found->second.order.epoch) return;
  out_.writes.push_back(Forgotten{forget.allocation});
  out_.actions.push_back(DiscardAllocation{forget.allocation, found->second.progress.container_id});
  records_.erase(found);
}

// ---- on the way up ----

void Core::on(const SourcePrepared& event, Now now) {
  Record* record = live(event.allocation, Phase::Preparing);
  if (record == nullptr) return;
  if (record->progress.stop) return end(*record, AllocationState::Stopped, "stopped before it started", {}, now);
  if (!event.result) return end(*record, AllocationState::Failed, event.result.error().text(), {}, now);
  record->progress.phase = Phase::Creating;
  record->home_waits.clear();
  save(*record);
  out_.actions.push_back(CreateContainer{event.allocation});
  apply_claim(*record);
}

void Core::on(const ContainerCreated& event, Now now) {
  Record* record = live(event.allocation, Phase::Creating);
  if (record == nullptr) return;
  if (!event.container_id) {
    if (engine_is_away(event.container_id.error())) return;  // EngineAnswers will say what became of it
    if (record->progress.stop) return end(*record, AllocationState::Stopped, "stopped before it started", {}, now);
    return end(*record, AllocationState::Failed, event.container_id.error().text(), {}, now);
  }
  record->progress.container_id = *event.container_id;
  if (record->progress.stop) return end(*record, AllocationState::Stopped, "stopped before it started", {}, now);
  record->progress.phase = Phase::Starting;
  save(*record);
  out_.actions.push_back(StartContainer{event.allocation, *event.container_id});
}

void Core::on(const ContainerStarted& event, Now now) {
  Record* record = live(event.allocation, Phase::Starting);
  if (record == nullptr) return;
  if (event.result) return became_running(*record, now.wall, now);
  const Error& error = event.result.error();
  if (engine_is_away(error)) return;
  if (error.code == Code::NotFound) return end_gone(*record, {}, now);
  end(*record, AllocationState::Failed, error.text(), {}, now);
}

namespace {

/// Docker's word and our own clock's both come late, ours later: the earlier one is nearer to the truth.
void take_earlier(WallTime& known, WallTime other) {
  if (other != WallTime{} && (known == WallTime{} || other < known)) known = other;
}

}  // namespace

void Core::became_running(Record& record, WallTime started_at, Now now) {
  record.progress.phase = Phase::Running;
  // Once told it stays, also when the agent comes back; only an end sets it right.
  if (record.progress.started_at == WallTime{}) record.progress.started_at = started_at;
  save(record);
  report(record);
  out_.actions.push_back(WatchContainer{record.order.allocation, record.progress.container_id});
  if (record.progress.stop) return begin_stop(record, now);
  begin_service(record, now);
}

// ---- the end ----

void Core::on(const ContainerGone& event, Now now) {
  const auto found = records_.find(event.allocation);
  if (found == records_.end() || found->second.progress.phase >= Phase::Ended) return;
  end_gone(found->second, event.exit_code, now);
}

void Core::end_gone(Record& record, std::optional<int> exit_code, Now now) {
  if (record.progress.stop) {
    const Outcome outcome = outcome_of(record, {});
    return end(record, outcome.state, outcome.reason + "; container removed", exit_code, now);
  }
  end(record, AllocationState::Failed, "container removed", exit_code, now);
}

void Core::on(const ContainerSeen& event, Now now) {
  const auto found = records_.find(event.allocation);
  if (found == records_.end()) return;
  Record& record = found->second;
  if (record.progress.phase != Phase::Starting && record.progress.phase != Phase::Running) return;
  if (event.state.status == ContainerStatus::Exited) end_exited(record, event.state, now);
}

void Core::end_exited(Record& record, const ContainerState& state, Now now) {
  take_earlier(record.progress.started_at, state.started_at);
  if (state.finished_at != WallTime{}) record.progress.finished_at = state.finished_at;
  Outcome outcome = outcome_of(record, state);
  end(record, outcome.state, std::move(outcome.reason), state.exit_code, now);
}

void Core::end(Record& record, AllocationState outcome, std::string reason, std::optional<int> exit_code, Now now) {
  stop_timers_.erase(record.order.allocation);
  end_service(record);
  Progress& progress = record.progress;
  progress.phase = Phase::Ended;
  progress.outcome = outcome;
  progress.reason = std::move(reason);
  progress.exit_code = exit_code;
  if (progress.finished_at == WallTime{}) progress.finished_at = now.wall;
  if (outcome == AllocationState::Lost) {
    progress.artifacts.emplace();
    progress.artifacts_note = "not recovered: " + progress.reason;
  } else if (progress.started_at == WallTime{}) {
    progress.artifacts.emplace();
    progress.artifacts_note = "none: it never started";
  }
  save(record);
  collect(record);
}

void Core::collect(const Record& record) {
  const auto& id = record.order.allocation;
  if (record.progress.stdout_bytes < 0) out_.actions.push_back(CloseLogs{id});
  if (!record.progress.artifacts) out_.actions.push_back(StoreArtifacts{id});
}

void Core::on(const LogsClosed& event, Now) {
  Record* record = live(event.allocation, Phase::Ended);
  if (record == nullptr) return;
  record->progress.stdout_bytes = event.stdout_bytes;
  record->progress.stderr_bytes = event.stderr_bytes;
  finish_if_complete(*record);
}

void Core::on(const ArtifactsStored& event, Now) {
  Record* record = live(event.allocation, Phase::Ended);
  if (record == nullptr) return;
  record->progress.artifacts = event.manifest ? *event.manifest : model::Manifest{};
  record->progress.artifacts_note = event.note;
  finish_if_complete(*record);
}

void Core::finish_if_complete(Record& record) {
  if (record.progress.stdout_bytes < 0 || !record.progress.artifacts) return;
  record.progress.phase = Phase::Done;
  save(record);
  report(record);
}

void Core::on(const Tick&, Now now) {
  for (auto& [id, timer] : stop_timers_) {
    if (timer.at > now.steady) continue;
    Record& record = records_.at(id);
    out_.actions.push_back(SignalContainer{id, record.progress.container_id, timer.next});
    if (!record.progress.stop->killed) {
      record.progress.stop->killed = true;
      save(record);
    }
    // Repeated from now on: Docker may have been away when it was asked.
    timer = {.at = now.steady + kKillInsidePatience, .next = Signal::Kill};
  }
  std::vector<AllocationId> late;
  for (const auto& [id, at] : probe_deadlines_) {
    if (at <= now.steady) late.push_back(id);
  }
  for (const auto& id : late) service_is_late(records_.at(id), now);
}

}  // namespace slipway::agent
