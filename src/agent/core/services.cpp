// What a service is beyond a job: a time to become ready, and devices that it holds while it lives.
#include <fmt/format.h>

#include <algorithm>

#include "agent/core/core.hpp"

namespace slipway::agent {
namespace {

std::string late_reason(const Record& record) {
  const model::Probe& probe = record.order.spec.service->probe;
  std::string why = record.waiting_for.empty() ? "its probe was never answered" : record.waiting_for;
  if (!record.restarted.empty()) why = record.restarted + "; " + why;
  return fmt::format("did not become ready within {}: {}", format_duration(probe.timeout), why);
}

}  // namespace

void Core::begin_service(Record& record, Now now) {
  if (!record.order.spec.service) return;
  const auto& id = record.order.allocation;
  out_.actions.push_back(BeginService{id, record.progress.container_id});
  // The time runs from the start of the container, also across a restart of the agent.
  const Duration whole = record.order.spec.service->probe.timeout;
  const auto used = std::clamp<Duration>(now.wall - record.progress.started_at, Duration(0), whole);
  const Duration left = std::max(whole - used, std::min(whole, kProbeAfterRestart));
  probe_deadlines_.try_emplace(id, now.steady + left);
}

void Core::end_service(const Record& record) {
  if (!record.order.spec.service) return;
  const auto& id = record.order.allocation;
  probe_deadlines_.erase(id);
  slots_.give_back(id);
  out_.actions.push_back(EndService{id});
}

void Core::on(const ServiceAnswered& event, Now) {
  Record* record = live(event.allocation, Phase::Running);
  if (record == nullptr || record->progress.stop) return;
  probe_deadlines_.erase(event.allocation);
  record->waiting_for.clear();
  record->restarted.clear();
  if (!std::exchange(record->progress.ready, true)) save(*record);
  report(*record);
}

void Core::on(const ServiceSilent& event, Now) {
  Record* record = live(event.allocation, Phase::Running);
  if (record == nullptr || record->progress.stop || record->waiting_for == event.what) return;
  record->waiting_for = event.what;
  if (!record->progress.ready) report(*record);  // one that was ready is only being asked again
}

void Core::on(const AppRestarted& event, Now now) {
  Record* record = live(event.allocation, Phase::Running);
  if (record == nullptr || record->progress.stop) return;
  record->restarted = fmt::format("it ended with exit code {} and was started again ({} of {})", event.exit_code,
                                  event.failures, event.most);
  record->waiting_for.clear();
  if (std::exchange(record->progress.ready, false)) {
    // Its whole time once more; one that was not ready yet has what is left of its first.
    save(*record);
    probe_deadlines_[event.allocation] = now.steady + record->order.spec.service->probe.timeout;
  }
  report(*record);
  out_.actions.push_back(BeginService{event.allocation, record->progress.container_id});
}

void Core::service_is_late(Record& record, Now now) {
  probe_deadlines_.erase(record.order.allocation);
  Progress& progress = record.progress;
  if (std::exchange(progress.ready, false)) {
    // It was ready before this agent started. Somebody's work may be in it, so it is not ended; it is asked on and on.
    save(record);
    return report(record);
  }
  progress.stop = StopRequest{
      .reason = late_reason(record), .grace = record.order.spec.stop_grace, .killed = false, .failed = true};
  save(record);
  report(record);
  begin_stop(record, now);
}

}  // namespace slipway::agent
