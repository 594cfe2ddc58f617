#include "agent/core/core.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <cerrno>

namespace slipway::agent {
namespace {

using model::AllocationState;

template <typename T>
std::vector<T> only(const Core::Output& output) {
  std::vector<T> found;
  for (const Action& action : output.actions) {
    if (const auto* one = std::get_if<T>(&action)) found.push_back(*one);
  }
  return found;
}

struct AgentCore : testing::Test {
  SeededRandom random{7};
  ManualClock clock;
  Core core{"boot-1"};
  std::vector<JournalEntry> journal;  ///< all that was written, in order
  wire::StartAllocation order = make_order(1);

  wire::StartAllocation make_order(std::int64_t epoch) {
    wire::StartAllocation made{.allocation = AllocationId::make(random), .epoch = epoch};
    made.job = epoch == 1 ? JobId::make(random) : order.job;
    made.spec.container_image = "img:1";
    made.spec.command = {"train", "--fast"};
    made.spec.resources.memory_bytes = 100 * kMiBytes;
    return made;
  }
  static constexpr std::int64_t kMiBytes = 1 << 20;

  Core::Output give(const Event& event) {
    Core::Output output = core.handle(event, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    return output;
  }
  Core::Output restart(const std::string& boot_id = "boot-1") {
    core = Core(boot_id);
    Core::Output output = core.restore(journal, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    return output;
  }
  void run_until_started() {
    give(order);
    give(SourcePrepared{order.allocation, {}});
    give(ContainerCreated{order.allocation, "c1"});
    give(ContainerStarted{order.allocation, {}});
  }
  ContainerState exited(int code) { return {.id = "c1", .status = ContainerStatus::Exited, .exit_code = code}; }
  EngineAnswers listing(ContainerState state) { return {{{order.allocation.text(), std::move(state)}}}; }
  /// Brings an ended allocation to its terminal report.
  wire::AllocationReport finish() {
    give(LogsClosed{order.allocation, 10, 2});
    auto reports = only<SendReport>(give(ArtifactsStored{order.allocation, model::Manifest{}, ""}));
    EXPECT_EQ(reports.size(), 1U);
    return reports.empty() ? wire::AllocationReport{} : reports.front().report;
  }
  Phase phase() { return core.find(order.allocation)->progress.phase; }
};

TEST_F(AgentCore, StartAllocation_GoesStepByStepToSucceeded) {
  auto output = give(order);
  EXPECT_EQ(only<SendReport>(output).at(0).report.state, AllocationState::Preparing);
  EXPECT_EQ(only<PrepareSource>(output).size(), 1U);
  output = give(SourcePrepared{order.allocation, {}});
  EXPECT_EQ(only<CreateContainer>(output).size(), 1U);
  output = give(ContainerCreated{order.allocation, "c1"});
  EXPECT_EQ(only<StartContainer>(output).at(0).container_id, "c1");
  output = give(ContainerStarted{order.allocation, {}});
  EXPECT_EQ(only<SendReport>(output).at(0).report.state, AllocationState::Running);
  EXPECT_EQ(only<WatchContainer>(output).size(), 1U);
  output = give(ContainerSeen{order.allocation, exited(0)});
  EXPECT_TRUE(only<SendReport>(output).empty()) << "not before log and artifacts are in";
  EXPECT_EQ(only<CloseLogs>(output).size(), 1U);
  EXPECT_EQ(only<StoreArtifacts>(output).size(), 1U);
  const auto report = finish();
  EXPECT_EQ(report.state, AllocationState::Succeeded);
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_EQ(report.stdout_bytes, 10);
  EXPECT_TRUE(report.artifacts.has_value());
}

TEST_F(AgentCore, AContainerThatEndedBeforeItsStartWasAnswered_StartedBeforeItEnded) {
  const WallTime started = clock.now().wall;
  clock.advance(std::chrono::milliseconds(40));
  run_until_started();
  ContainerState state = exited(0);
  state.started_at = started;
  state.finished_at = started + std::chrono::milliseconds(5);
  give(ContainerSeen{order.allocation, state});
  const auto report = finish();
  EXPECT_EQ(report.started_at, started);
  EXPECT_EQ(report.finished_at, started + std::chrono::milliseconds(5));
}

TEST_F(AgentCore, EachStep_IsJournaledBeforeItIsDone) {
  const auto phase_written = [](const Core::Output& output) {
    return std::get<ProgressMade>(output.writes.back()).progress.phase;
  };
  EXPECT_EQ(phase_written(give(order)), Phase::Preparing);
  EXPECT_EQ(phase_written(give(SourcePrepared{order.allocation, {}})), Phase::Creating);
  EXPECT_EQ(phase_written(give(ContainerCreated{order.allocation, "c1"})), Phase::Starting);
  EXPECT_EQ(phase_written(give(ContainerStarted{order.allocation, {}})), Phase::Running);
  EXPECT_EQ(phase_written(give(ContainerSeen{order.allocation, exited(3)})), Phase::Ended);
}

TEST_F(AgentCore, SameOrderAgain_IsAnsweredWithTheStateAndNotRunTwice) {
  run_until_started();
  const auto output = give(order);
  EXPECT_EQ(only<SendReport>(output).at(0).report.state, AllocationState::Running);
  EXPECT_TRUE(only<PrepareSource>(output).empty());
}

TEST_F(AgentCore, OlderEpoch_IsRefusedAlsoAfterForgetAndRestart) {
  auto newer = make_order(1);
  newer.job = order.job;
  newer.epoch = 5;
  give(newer);
  give(SourcePrepared{newer.allocation, fail(Code::NotFound, "gone")});
  give(LogsClosed{newer.allocation, 0, 0});
  give(wire::ForgetAllocation{newer.allocation, newer.epoch});
  EXPECT_EQ(core.find(newer.allocation), nullptr);
  EXPECT_EQ(only<RefuseOrder>(give(order)).size(), 1U);
  restart();
  EXPECT_EQ(only<RefuseOrder>(give(order)).size(), 1U);
  journal = core.snapshot();  // compaction keeps it too
  restart();
  EXPECT_EQ(only<RefuseOrder>(give(order)).size(), 1U);
}

TEST_F(AgentCore, NewerEpochWhileTheOldOneRuns_IsRefused) {
  run_until_started();
  const auto refused = only<RefuseOrder>(give(make_order(2)));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused[0].refusal.reason, testing::HasSubstr("has not ended here yet"));
}

TEST_F(AgentCore, SourceThatCannotBeFetched_FailsWithTheReason) {
  give(order);
  give(SourcePrepared{order.allocation, fail(Code::NotFound, "no blob abc")});
  give(LogsClosed{order.allocation, 0, 0});
  const auto report = report_of(*core.find(order.allocation));
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_EQ(report.reason, "no blob abc");
  EXPECT_EQ(report.exit_code, std::nullopt);
}

TEST_F(AgentCore, EngineAwayWhileCreating_TriesAgainWhenItAnswers) {
  give(order);
  give(SourcePrepared{order.allocation, {}});
  give(ContainerCreated{order.allocation, fail(Code::Unreachable, "no socket")});
  EXPECT_EQ(phase(), Phase::Creating);
  EXPECT_EQ(only<CreateContainer>(give(EngineAnswers{})).size(), 1U);
}

TEST_F(AgentCore, EngineRefusesContainer_FailsWithItsWords) {
  give(order);
  give(SourcePrepared{order.allocation, {}});
  give(ContainerCreated{order.allocation, fail(Code::NotFound, "No such image: img:1")});
  give(LogsClosed{order.allocation, 0, 0});
  EXPECT_EQ(report_of(*core.find(order.allocation)).reason, "No such image: img:1");
}

// ---- how it ended ----

TEST_F(AgentCore, Outcomes_AreNamedForPeople) {
  Record record{.order = order, .progress = {}};
  auto state = exited(0);
  EXPECT_EQ(outcome_of(record, state).state, AllocationState::Succeeded);
  state.exit_code = 7;
  EXPECT_EQ(outcome_of(record, state).reason, "exit code 7");
  state.exit_code = 137;
  EXPECT_EQ(outcome_of(record, state).state, AllocationState::Failed);
  EXPECT_EQ(outcome_of(record, state).reason, "ended by signal 9 (SIGKILL)");
  state.out_of_memory = true;
  EXPECT_EQ(outcome_of(record, state).state, AllocationState::OutOfMemory);
  EXPECT_EQ(outcome_of(record, state).reason, "took more than its memory limit of 100 MiB");
  state.exit_code = 0;
  EXPECT_EQ(outcome_of(record, state).state, AllocationState::Succeeded) << "a child was killed and the job coped";
  state = exited(127);
  EXPECT_EQ(outcome_of(record, state).reason, "exit code 127") << "a shell's 127 is the shell's";
  state.start_errno = ENOENT;
  EXPECT_EQ(outcome_of(record, state).reason, "command not found: train");
  state = exited(126);
  state.start_errno = EACCES;
  EXPECT_EQ(outcome_of(record, state).reason, "cannot execute train: Permission denied");
}

// ---- stops ----

TEST_F(AgentCore, StopOfARunningJob_TermsThenKillsInsideThenKills) {
  run_until_started();
  auto output = give(wire::StopAllocation{order.allocation, 1, std::chrono::seconds(10), "stopped by admin"});
  EXPECT_EQ(only<SignalContainer>(output).at(0).signal, Signal::Terminate);
  EXPECT_EQ(only<SendReport>(output).at(0).report.state, AllocationState::Stopping);
  clock.advance(std::chrono::seconds(9));
  EXPECT_TRUE(give(Tick{}).actions.empty());
  clock.advance(std::chrono::seconds(1));
  EXPECT_EQ(only<SignalContainer>(give(Tick{})).at(0).signal, Signal::KillInside);
  clock.advance(kKillInsidePatience);
  EXPECT_EQ(only<SignalContainer>(give(Tick{})).at(0).signal, Signal::Kill);
  give(ContainerSeen{order.allocation, exited(137)});
  EXPECT_FALSE(core.next_deadline().has_value());
  const auto report = finish();
  EXPECT_EQ(report.state, AllocationState::Stopped);
  EXPECT_EQ(report.exit_code, 137);
  EXPECT_THAT(report.reason, testing::StartsWith("stopped by admin; it ignored SIGTERM for 10"));
}

TEST_F(AgentCore, StopThatTheProcessObeys_SaysNothingOfAKill) {
  run_until_started();
  give(wire::StopAllocation{order.allocation, 1, std::chrono::seconds(10), "stopped by admin"});
  give(ContainerSeen{order.allocation, exited(143)});
  EXPECT_EQ(finish().reason, "stopped by admin");
}

TEST_F(AgentCore, StopWhilePreparing_NeverStarts) {
  give(order);
  EXPECT_EQ(only<CancelSource>(give(wire::StopAllocation{order.allocation, 1, {}, "x"})).size(), 1U);
  const auto output = give(SourcePrepared{order.allocation, fail(Code::Cancelled, "cancelled")});
  EXPECT_TRUE(only<CreateContainer>(output).empty());
  give(LogsClosed{order.allocation, 0, 0});
  const auto report = report_of(*core.find(order.allocation));
  EXPECT_EQ(report.state, AllocationState::Stopped);
  EXPECT_EQ(report.reason, "stopped before it started");
  EXPECT_EQ(report.artifacts_note, "none: it never started");
}

TEST_F(AgentCore, StopWhileTheContainerIsCreated_NeverStarts) {
  give(order);
  give(SourcePrepared{order.allocation, {}});
  give(wire::StopAllocation{order.allocation, 1, {}, "x"});
  EXPECT_TRUE(only<StartContainer>(give(ContainerCreated{order.allocation, "c1"})).empty());
  give(LogsClosed{order.allocation, 0, 0});
  EXPECT_EQ(report_of(*core.find(order.allocation)).state, AllocationState::Stopped);
  EXPECT_EQ(only<DiscardAllocation>(give(wire::ForgetAllocation{order.allocation, order.epoch})).at(0).container_id,
            "c1");
}

TEST_F(AgentCore, StopBeforeItsStart_MakesTheLateStartHarmless) {
  const auto first = only<SendReport>(give(wire::StopAllocation{order.allocation, 1, {}, "x"}));
  EXPECT_EQ(first.at(0).report.state, AllocationState::Stopped);
  restart();
  const auto output = give(order);
  EXPECT_TRUE(only<PrepareSource>(output).empty());
  EXPECT_EQ(only<SendReport>(output).at(0).report.state, AllocationState::Stopped);
}

// ---- what survives ----

TEST_F(AgentCore, RestartWhileRunning_WatchesOn) {
  run_until_started();
  EXPECT_TRUE(restart().actions.empty()) << "Docker's word comes first";
  const auto output = give(listing({.id = "c1", .status = ContainerStatus::Running}));
  EXPECT_EQ(only<WatchContainer>(output).size(), 1U);
  EXPECT_EQ(phase(), Phase::Running);
}

TEST_F(AgentCore, EndedWhileTheAgentWasDead_KeepsItsExitCode) {
  for (const int code : {0, 137, 3}) {
    core = Core("boot-1");
    journal.clear();
    order = make_order(1);
    run_until_started();
    restart();
    give(listing(exited(code)));
    const auto report = finish();
    EXPECT_EQ(report.exit_code, code);
    EXPECT_EQ(report.state, code == 0 ? AllocationState::Succeeded : AllocationState::Failed);
  }
}

TEST_F(AgentCore, RemovedByHandWhileTheAgentWasDead_FailsWithoutAnExitCode) {
  run_until_started();
  restart();
  EXPECT_EQ(only<WatchContainer>(give(EngineAnswers{})).size(), 1U) << "asked again before it is believed";
  give(ContainerGone{order.allocation, {}});
  const auto report = finish();
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_EQ(report.reason, "container removed");
  EXPECT_EQ(report.exit_code, std::nullopt);
}

TEST_F(AgentCore, RemovedByHandWhileWatched_KeepsTheExitCodeThatDockerTold) {
  run_until_started();
  give(ContainerGone{order.allocation, 137});
  EXPECT_EQ(finish().exit_code, 137);
}

TEST_F(AgentCore, CrashBetweenCreateAndItsRecord_TakesTheContainerOver) {
  give(order);
  give(SourcePrepared{order.allocation, {}});
  restart();
  const auto output = give(listing({.id = "c9", .status = ContainerStatus::Created}));
  EXPECT_EQ(only<StartContainer>(output).at(0).container_id, "c9");
  EXPECT_TRUE(only<CreateContainer>(output).empty());
}

TEST_F(AgentCore, CrashBetweenStartAndItsRecord_DoesNotStartTwice) {
  give(order);
  give(SourcePrepared{order.allocation, {}});
  give(ContainerCreated{order.allocation, "c1"});
  restart();
  const auto output = give(listing({.id = "c1", .status = ContainerStatus::Running}));
  EXPECT_TRUE(only<StartContainer>(output).empty());
  EXPECT_EQ(phase(), Phase::Running);
}

TEST_F(AgentCore, CrashWhileArtifactsAreSent_SendsThemAgain) {
  run_until_started();
  give(ContainerSeen{order.allocation, exited(0)});
  give(LogsClosed{order.allocation, 10, 2});
  const auto output = restart();
  EXPECT_EQ(only<StoreArtifacts>(output).size(), 1U);
  EXPECT_EQ(finish().state, AllocationState::Succeeded);
}

TEST_F(AgentCore, CrashAfterTheReport_ReportsItInTheInventory) {
  run_until_started();
  give(ContainerSeen{order.allocation, exited(5)});
  finish();
  restart();
  const auto inventory = core.inventory();
  ASSERT_EQ(inventory.allocations.size(), 1U);
  EXPECT_EQ(inventory.allocations[0].state, AllocationState::Failed);
  EXPECT_EQ(inventory.allocations[0].exit_code, 5);
}

TEST_F(AgentCore, HostRestarted_IsLostAndSaysSo) {
  run_until_started();
  const auto output = restart("boot-2");
  EXPECT_EQ(only<CloseLogs>(output).size(), 1U);
  EXPECT_TRUE(only<StoreArtifacts>(output).empty());
  give(LogsClosed{order.allocation, 4, 0});
  const auto report = report_of(*core.find(order.allocation));
  EXPECT_EQ(report.state, AllocationState::Lost);
  EXPECT_EQ(report.reason, "the host restarted");
  EXPECT_EQ(report.artifacts_note, "not recovered: the host restarted");
}

TEST_F(AgentCore, HostRestartedAfterTheEndWasSeen_KeepsTheResult) {
  run_until_started();
  give(ContainerSeen{order.allocation, exited(0)});
  restart("boot-2");
  EXPECT_EQ(finish().state, AllocationState::Succeeded);
}

TEST_F(AgentCore, ContainerOfNobody_IsRemoved) {
  const auto output = give(EngineAnswers{{{AllocationId::make(random).text(), {.id = "stray"}}}});
  EXPECT_EQ(only<RemoveContainer>(output).at(0).container_id, "stray");
}

TEST_F(AgentCore, ForgetOfWhatRuns_ChangesNothing) {
  run_until_started();
  EXPECT_TRUE(give(wire::ForgetAllocation{order.allocation, order.epoch}).actions.empty());
  EXPECT_NE(core.find(order.allocation), nullptr);
}

/// Whatever the order of events, restarts and stops: a container is created at most once for each time that Docker
/// has none, never started after the terminal report, and a terminal state never changes.
RC_GTEST_PROP(AgentCoreProperty, TerminalStates_NeverChange, (std::vector<int> steps)) {
  SeededRandom random(1);
  ManualClock clock;
  Core core("boot");
  std::vector<JournalEntry> journal;
  wire::StartAllocation order{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
  order.spec.command = {"x"};
  std::optional<AllocationState> terminal;
  const auto id = order.allocation;
  const auto give = [&](const Event& event) {
    auto output = core.handle(event, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    for (const auto& action : output.actions) {
      if (const auto* sent = std::get_if<SendReport>(&action);
          sent != nullptr && model::is_terminal(sent->report.state)) {
        RC_ASSERT(!terminal || *terminal == sent->report.state);
        terminal = sent->report.state;
      }
      if (terminal) RC_ASSERT(!std::holds_alternative<StartContainer>(action));
    }
  };
  for (const int step : steps) {
    clock.advance(std::chrono::seconds(1));
    switch (static_cast<unsigned>(step) % 12) {
      case 0:
        give(order);
        break;
      case 1:
        give(SourcePrepared{id, {}});
        break;
      case 2:
        give(ContainerCreated{id, "c"});
        break;
      case 3:
        give(ContainerStarted{id, {}});
        break;
      case 4:
        give(ContainerSeen{id, {.id = "c", .status = ContainerStatus::Exited, .exit_code = step & 255}});
        break;
      case 5:
        give(LogsClosed{id, 1, 1});
        break;
      case 6:
        give(ArtifactsStored{id, model::Manifest{}, ""});
        break;
      case 7:
        give(wire::StopAllocation{id, 1, {}, "s"});
        break;
      case 8:
        give(Tick{});
        break;
      case 9:
        give(EngineAnswers{});
        break;
      case 10:
        give(EngineAnswers{{{id.text(), {.id = "c", .status = ContainerStatus::Running}}}});
        break;
      default:
        core = Core("boot");
        core.restore(journal, clock.now());
    }
  }
}

}  // namespace
}  // namespace slipway::agent
