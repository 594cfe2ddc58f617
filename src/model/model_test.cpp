#include <gtest/gtest.h>

#include "model/host.hpp"
#include "model/image.hpp"
#include "model/job.hpp"
#include "model/session.hpp"

namespace slipway::model {
namespace {

template <typename State, typename Name, typename FromName>
void expect_names_round_trip(State last, Name name, FromName from_name) {
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    const auto state = static_cast<State>(i);
    EXPECT_NE(name(state), "UNKNOWN") << i;
    EXPECT_EQ(from_name(name(state)).value(), state);
  }
  EXPECT_EQ(from_name("running around").error().code, Code::InvalidInput);
}

TEST(StateNames, EveryState_RoundTrips) {
  expect_names_round_trip(JobState::Lost, job_state_name, job_state_from_name);
  expect_names_round_trip(AllocationState::Lost, allocation_state_name, allocation_state_from_name);
  expect_names_round_trip(HostState::Terminated, host_state_name, host_state_from_name);
  expect_names_round_trip(BakeState::Stopped, bake_state_name, bake_state_from_name);
  expect_names_round_trip(LogStream::Stderr, log_stream_name, log_stream_from_name);
  expect_names_round_trip(SessionState::Ended, session_state_name, session_state_from_name);
  expect_names_round_trip(PortKind::Tcp, port_kind_name, port_kind_from_name);
}

TEST(JobTransitions, TerminalJob_NeverChanges) {
  for (int from = 0; from <= static_cast<int>(JobState::Lost); ++from) {
    for (int to = 0; to <= static_cast<int>(JobState::Lost); ++to) {
      if (is_terminal(static_cast<JobState>(from))) {
        EXPECT_FALSE(may_follow(static_cast<JobState>(from), static_cast<JobState>(to))) << from << to;
      }
    }
  }
}

TEST(JobTransitions, QueuedJob_MustBePlacedBeforeItRuns) {
  EXPECT_TRUE(may_follow(JobState::Queued, JobState::Placed));
  EXPECT_TRUE(may_follow(JobState::Queued, JobState::Stopped));
  EXPECT_FALSE(may_follow(JobState::Queued, JobState::Running));
  EXPECT_FALSE(may_follow(JobState::Queued, JobState::Lost));
}

TEST(JobTransitions, LostJob_RunsAgainOrGetsItsHostsReport) {
  EXPECT_FALSE(is_terminal(JobState::Lost));
  EXPECT_TRUE(may_follow(JobState::Lost, JobState::Queued));
  EXPECT_TRUE(may_follow(JobState::Lost, JobState::Running));
  EXPECT_TRUE(may_follow(JobState::Lost, JobState::Succeeded));
}

TEST(JobTransitions, StoppingJob_IsNotQueuedAgain) { EXPECT_FALSE(may_follow(JobState::Stopping, JobState::Queued)); }

TEST(AllocationTransitions, OnlyMoveForward) {
  for (int from = 0; from < static_cast<int>(AllocationState::Lost); ++from) {
    for (int to = 0; to <= from; ++to) {
      EXPECT_FALSE(may_follow(static_cast<AllocationState>(from), static_cast<AllocationState>(to))) << from << to;
    }
  }
  EXPECT_TRUE(may_follow(AllocationState::Placed, AllocationState::Stopped));
  EXPECT_FALSE(may_follow(AllocationState::Succeeded, AllocationState::Lost));
}

TEST(AllocationTransitions, LostOne_MayBeReplacedByTheHostsOwnReport) {
  EXPECT_TRUE(is_terminal(AllocationState::Lost));
  EXPECT_TRUE(may_follow(AllocationState::Lost, AllocationState::Running));
  EXPECT_TRUE(may_follow(AllocationState::Lost, AllocationState::Succeeded));
  EXPECT_FALSE(may_follow(AllocationState::Lost, AllocationState::Lost));
}

TEST(AllocationStates, EachTerminalOne_GivesItsJobTheSameName) {
  for (int i = 0; i <= static_cast<int>(AllocationState::Lost); ++i) {
    const auto state = static_cast<AllocationState>(i);
    if (state == AllocationState::Preparing) continue;  // a job has no such state
    EXPECT_EQ(job_state_name(job_state_of(state)), allocation_state_name(state));
  }
}

TEST(HostTransitions, HostTakesWork_OnlyAfterTheHandshake) {
  EXPECT_FALSE(may_follow(HostState::Pending, HostState::Ready));
  EXPECT_TRUE(may_follow(HostState::Pending, HostState::Joined));
  EXPECT_TRUE(may_follow(HostState::Joined, HostState::Ready));
  EXPECT_FALSE(may_follow(HostState::Lost, HostState::Ready));
  EXPECT_TRUE(may_follow(HostState::Lost, HostState::Joined));
}

TEST(HostTransitions, TerminatingHost_OnlyTerminates) {
  for (int to = 0; to <= static_cast<int>(HostState::Terminated); ++to) {
    const auto state = static_cast<HostState>(to);
    EXPECT_EQ(may_follow(HostState::Terminating, state), state == HostState::Terminated);
    EXPECT_FALSE(may_follow(HostState::Terminated, state));
  }
}

}  // namespace
}  // namespace slipway::model
