#include "model/job.hpp"

#include "model/state_names.hpp"

namespace slipway::model {
namespace {

constexpr std::array kJobStates = {
    StateName{JobState::Queued, "QUEUED"},
    StateName{JobState::Placed, "PLACED"},
    StateName{JobState::Running, "RUNNING"},
    StateName{JobState::Stopping, "STOPPING"},
    StateName{JobState::Succeeded, "SUCCEEDED"},
    StateName{JobState::Failed, "FAILED"},
    StateName{JobState::OutOfMemory, "OUT_OF_MEMORY"},
    StateName{JobState::Stopped, "STOPPED"},
    StateName{JobState::Lost, "LOST"},
};

constexpr std::array kAllocationStates = {
    StateName{AllocationState::Placed, "PLACED"},
    StateName{AllocationState::Preparing, "PREPARING"},
    StateName{AllocationState::Running, "RUNNING"},
    StateName{AllocationState::Stopping, "STOPPING"},
    StateName{AllocationState::Succeeded, "SUCCEEDED"},
    StateName{AllocationState::Failed, "FAILED"},
    StateName{AllocationState::OutOfMemory, "OUT_OF_MEMORY"},
    StateName{AllocationState::Stopped, "STOPPED"},
    StateName{AllocationState::Lost, "LOST"},
};

constexpr std::array kLogStreams = {
    StateName{LogStream::Stdout, "stdout"},
    StateName{LogStream::Stderr, "stderr"},
};

/// How far along a state is; terminal ones are all equally far.
int stage(AllocationState state) {
  switch (state) {
    case AllocationState::Placed:
      return 0;
    case AllocationState::Preparing:
      return 1;
    case AllocationState::Running:
      return 2;
    case AllocationState::Stopping:
      return 3;
    default:
      return 4;
  }
}

}  // namespace

std::string_view job_state_name(JobState state) { return name_in(kJobStates, state); }
Result<JobState> job_state_from_name(std::string_view name) { return state_in(kJobStates, name, "job state"); }

bool is_terminal(JobState state) {
  return state == JobState::Succeeded || state == JobState::Failed || state == JobState::OutOfMemory ||
         state == JobState::Stopped;
}

bool may_follow(JobState from, JobState to) {
  if (from == to || is_terminal(from)) return false;
  switch (from) {
    case JobState::Queued:
      return to == JobState::Placed || to == JobState::Stopped || to == JobState::Failed;
    case JobState::Placed:
      return true;
    case JobState::Running:
      return to != JobState::Placed;
    case JobState::Stopping:
      return is_terminal(to) || to == JobState::Lost;
    case JobState::Lost:
      return true;
    default:
      return false;
  }
}

std::string_view allocation_state_name(AllocationState state) { return name_in(kAllocationStates, state); }
Result<AllocationState> allocation_state_from_name(std::string_view name) {
  return state_in(kAllocationStates, name, "state of an allocation");
}

bool is_terminal(AllocationState state) { return stage(state) == 4; }

bool may_follow(AllocationState from, AllocationState to) {
  if (from == AllocationState::Lost) return to != AllocationState::Lost;
  return stage(to) > stage(from);
}

JobState job_state_of(AllocationState state) {
  switch (state) {
    case AllocationState::Placed:
    case AllocationState::Preparing:
      return JobState::Placed;
    case AllocationState::Running:
      return JobState::Running;
    case AllocationState::Stopping:
      return JobState::Stopping;
    case AllocationState::Succeeded:
      return JobState::Succeeded;
    case AllocationState::Failed:
      return JobState::Failed;
    case AllocationState::OutOfMemory:
      return JobState::OutOfMemory;
    case AllocationState::Stopped:
      return JobState::Stopped;
    case AllocationState::Lost:
      return JobState::Lost;
  }
  return JobState::Lost;
}

std::string_view log_stream_name(LogStream stream) { return name_in(kLogStreams, stream); }
Result<LogStream> log_stream_from_name(std::string_view name) { return state_in(kLogStreams, name, "log stream"); }

}  // namespace slipway::model
