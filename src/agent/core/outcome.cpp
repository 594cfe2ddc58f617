#include <fmt/format.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "agent/core/core.hpp"
#include "base/units.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;

std::string command_name(const Record& record) {
  const auto& command = record.order.spec.command;
  return command.empty() ? std::string("(none)") : command.front();
}

std::string exit_text(int exit_code) {
  if (exit_code <= 128 || exit_code > 128 + SIGRTMAX) return fmt::format("exit code {}", exit_code);
  const int signal = exit_code - 128;
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? fmt::format("ended by signal {}", signal)
                         : fmt::format("ended by signal {} (SIG{})", signal, name);
}

std::string awaited_of_app(const Record& record) {
  const std::string what = "the app to answer";
  if (record.waiting_for.empty() && record.restarted.empty()) return what;
  if (record.restarted.empty()) return what + ": " + record.waiting_for;
  return what + ": " + record.restarted + (record.waiting_for.empty() ? "" : "; " + record.waiting_for);
}

/// What a service that is not ready waits for.
std::string awaited(const Record& record) {
  if (record.progress.stop) return {};
  switch (record.progress.phase) {
    case Phase::Preparing:
      return record.home_waits.empty() ? "its files to be in place" : "its home: " + record.home_waits;
    case Phase::Creating:
    case Phase::Starting:
      return is_process(record.order.spec) ? "its process to start" : "its container to start";
    case Phase::Running:
      return awaited_of_app(record);
    default:
      return {};
  }
}

std::string start_failure(const Record& record, int start_errno) {
  if (start_errno == ENOENT || start_errno == ENOTDIR) return "command not found: " + command_name(record);
  if (start_errno == ENOEXEC) {
    return fmt::format("cannot execute {}: not a program for this machine (a script needs a #! line)",
                       command_name(record));
  }
  return fmt::format("cannot execute {}: {}", command_name(record), std::strerror(start_errno));
}

}  // namespace

Outcome outcome_of(const Record& record, const ContainerState& state) {
  if (const auto& stop = record.progress.stop) {
    std::string reason = stop->reason.empty() ? "stopped on request" : stop->reason;
    if (stop->killed) {
      reason += fmt::format("; it ignored SIGTERM for {} and was killed", format_duration(stop->grace));
    }
    return {stop->failed ? AllocationState::Failed : AllocationState::Stopped, std::move(reason)};
  }
  if (state.start_errno != 0 && state.exit_code >= 126) {
    return {AllocationState::Failed, start_failure(record, state.start_errno)};
  }
  // A process that the kernel killed may have been a child whose parent coped: then the job succeeded.
  if (state.out_of_memory && state.exit_code != 0) {
    return {AllocationState::OutOfMemory, fmt::format("took more than its memory limit of {}",
                                                      format_bytes(record.order.spec.resources.memory_bytes))};
  }
  if (state.exit_code == 0) return {AllocationState::Succeeded, {}};
  if (state.restarts == 0) return {AllocationState::Failed, exit_text(state.exit_code)};
  return {AllocationState::Failed,
          fmt::format("{}, after it was started again {} times", exit_text(state.exit_code), state.restarts)};
}

wire::AllocationReport report_of(const Record& record) {
  const Progress& progress = record.progress;
  wire::AllocationReport report{.allocation = record.order.allocation, .epoch = record.order.epoch};
  report.started_at = progress.started_at;
  if (progress.phase != Phase::Done) {
    report.ready = progress.ready && progress.phase == Phase::Running;
    const auto& service = record.order.spec.service;
    report.claimed = progress.claimed || (service && !service->warm);
    if (service && !report.ready) report.waiting_for = awaited(record);
    if (report.ready && progress.claim && !progress.claimed && !record.home_waits.empty()) {
      report.waiting_for = "the home: " + record.home_waits;
    }
    const bool started = progress.started_at != WallTime{};
    report.state =
        progress.stop ? AllocationState::Stopping : (started ? AllocationState::Running : AllocationState::Preparing);
    if (progress.stop) report.reason = progress.stop->reason;
    return report;
  }
  report.claimed = progress.claimed;
  report.state = progress.outcome;
  report.reason = progress.reason;
  report.exit_code = progress.exit_code;
  report.finished_at = progress.finished_at;
  report.stdout_bytes = progress.stdout_bytes;
  report.stderr_bytes = progress.stderr_bytes;
  report.artifacts = progress.artifacts;
  report.artifacts_note = progress.artifacts_note;
  return report;
}

bool is_process(const model::JobSpec& spec) { return spec.service && spec.service->process; }

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::Preparing:
      return "preparing";
    case Phase::Creating:
      return "creating";
    case Phase::Starting:
      return "starting";
    case Phase::Running:
      return "running";
    case Phase::Ended:
      return "ended";
    case Phase::Done:
      return "done";
  }
  return "done";
}

Result<Phase> phase_from_name(std::string_view name) {
  for (Phase phase : {Phase::Preparing, Phase::Creating, Phase::Starting, Phase::Running, Phase::Ended, Phase::Done}) {
    if (phase_name(phase) == name) return phase;
  }
  return fail(Code::Corrupt, "'{}' is no phase of an allocation", name);
}

}  // namespace slipway::agent
