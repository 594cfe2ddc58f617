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

/// What a service that is not ready waits for.
std::string awaited(const Record& record) {
  if (record.progress.stop) return {};
  switch (record.progress.phase) {
    case Phase::Preparing:
      return "its files to be in place";
    case Phase::Creating:
    case Phase::Starting:
      return "its container to start";
    case Phase::Running:
      return record.waiting_for.empty() ? std::string("the app to answer") : "the app to answer: " + record.waiting_for;
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
  return {AllocationState::Failed, exit_text(state.exit_code)};
}

wire::AllocationReport report_of(const Record& record) {
  const Progress& progress = record.progress;
  wire::AllocationReport report{.allocation = record.order.allocation, .epoch = record.order.epoch};
  report.started_at = progress.started_at;
  if (progress.phase != Phase::Done) {
    report.ready = progress.ready && progress.phase == Phase::Running;
    if (record.order.spec.service && !report.ready) report.waiting_for = awaited(record);
    const bool started = progress.started_at != WallTime{};
    report.state =
        progress.stop ? AllocationState::Stopping : (started ? AllocationState::Running : AllocationState::Preparing);
    if (progress.stop) report.reason = progress.stop->reason;
    return report;
  }
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
