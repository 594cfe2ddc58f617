#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "agent/core/core.hpp"
#include "agent/journal/journal.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;
using std::chrono::seconds;

template <typename T>
std::vector<T> actions_of(const Core::Output& output) {
  std::vector<T> found;
  for (const Action& action : output.actions) {
    if (const auto* one = std::get_if<T>(&action)) found.push_back(*one);
  }
  return found;
}

const SlotInventory kDevices{.ttys = {10, 11}, .uinputs = 6, .gpus = {0}, .directory = "/dev"};

struct ServiceCore : testing::Test {
  SeededRandom random{7};
  ManualClock clock;
  Core core{"boot-1", kDevices};
  std::vector<JournalEntry> journal;
  wire::StartAllocation order = make_order();

  wire::StartAllocation make_order() {
    wire::StartAllocation made{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
    made.spec.container_image = "img:1";
    made.spec.stop_grace = seconds(10);
    auto& service = made.spec.service.emplace();
    service.ports = {{.name = "web", .port = 8888}};
    service.probe.timeout = seconds(60);
    service.slots = {.ttys = 1, .uinputs = 3};
    return made;
  }
  Core::Output give(const Event& event) {
    Core::Output output = core.handle(event, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    return output;
  }
  /// As after SIGKILL: what the journal's own encoding kept is all there is.
  Core::Output restart(const std::string& boot_id = "boot-1") {
    std::vector<JournalEntry> read;
    for (const JournalEntry& entry : journal) {
      auto decoded = decode_entry(encode_entry(entry));
      EXPECT_TRUE(decoded) << decoded.error().text();
      if (decoded) read.push_back(std::move(*decoded));
    }
    core = Core(boot_id, kDevices);
    Core::Output output = core.restore(read, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    return output;
  }
  Core::Output run(const wire::StartAllocation& one) {
    give(one);
    give(SourcePrepared{one.allocation, {}});
    give(ContainerCreated{one.allocation, "c-" + one.allocation.text()});
    return give(ContainerStarted{one.allocation, {}});
  }
  Core::Output docker_says(ContainerStatus status) {
    return give(EngineAnswers{{{order.allocation.text(), {.id = "c-" + order.allocation.text(), .status = status}}}});
  }
  void gone(const wire::StartAllocation& one) { give(ContainerGone{one.allocation, {}}); }
  wire::AllocationReport report() { return report_of(*core.find(order.allocation)); }
};

TEST_F(ServiceCore, Running_IsReadyOnceItsProbeWasAnswered) {
  auto output = run(order);
  ASSERT_EQ(actions_of<BeginService>(output).size(), 1U);
  EXPECT_EQ(actions_of<SendReport>(output).at(0).report.state, AllocationState::Running);
  EXPECT_FALSE(report().ready);
  EXPECT_EQ(report().waiting_for, "the app to answer");
  output = give(ServiceSilent{order.allocation, "nothing listens on port 8888"});
  EXPECT_EQ(actions_of<SendReport>(output).at(0).report.waiting_for, "the app to answer: nothing listens on port 8888");
  EXPECT_TRUE(give(ServiceSilent{order.allocation, "nothing listens on port 8888"}).actions.empty()) << "nothing new";
  output = give(ServiceAnswered{order.allocation});
  ASSERT_EQ(actions_of<SendReport>(output).size(), 1U);
  EXPECT_TRUE(actions_of<SendReport>(output)[0].report.ready);
  EXPECT_EQ(actions_of<SendReport>(output)[0].report.waiting_for, "");
  EXPECT_EQ(report().state, AllocationState::Running);
  EXPECT_FALSE(core.next_deadline().has_value());
}

TEST_F(ServiceCore, EarlierPhases_SayWhatIsAwaited) {
  give(order);
  EXPECT_EQ(report().waiting_for, "its files to be in place");
  give(SourcePrepared{order.allocation, {}});
  EXPECT_EQ(report().waiting_for, "its container to start");
}

TEST_F(ServiceCore, NoAnswerInTime_EndsAsFailedAndSaysWhatDidNotAnswer) {
  run(order);
  give(ServiceSilent{order.allocation, "nothing listens on port 8888"});
  EXPECT_EQ(*core.next_deadline(), clock.now().steady + seconds(60));
  clock.advance(seconds(59));
  EXPECT_TRUE(give(Tick{}).actions.empty());
  clock.advance(seconds(1));
  auto output = give(Tick{});
  EXPECT_EQ(actions_of<SignalContainer>(output).at(0).signal, Signal::Terminate);
  EXPECT_EQ(actions_of<SendReport>(output).at(0).report.state, AllocationState::Stopping);
  EXPECT_TRUE(give(ServiceAnswered{order.allocation}).actions.empty()) << "too late";
  give(ContainerSeen{order.allocation, {.id = "c", .status = ContainerStatus::Exited, .exit_code = 143}});
  give(LogsClosed{order.allocation, 0, 0});
  give(ArtifactsStored{order.allocation, model::Manifest{}, ""});
  EXPECT_EQ(report().state, AllocationState::Failed);
  EXPECT_EQ(report().reason,
            "did not become ready within " + format_duration(seconds(60)) + ": nothing listens on port 8888");
  EXPECT_EQ(report().exit_code, 143);
}

TEST_F(ServiceCore, RestartWhileItIsBeingEnded_StillFails) {
  run(order);
  clock.advance(seconds(60));
  give(Tick{});
  restart();
  docker_says(ContainerStatus::Running);
  give(ContainerSeen{order.allocation, {.id = "c", .status = ContainerStatus::Exited, .exit_code = 0}});
  give(LogsClosed{order.allocation, 0, 0});
  give(ArtifactsStored{order.allocation, model::Manifest{}, ""});
  EXPECT_EQ(report().state, AllocationState::Failed);
  EXPECT_THAT(report().reason, testing::HasSubstr("its probe was never answered"));
}

TEST_F(ServiceCore, RestartOfTheAgent_AsksAgainAndStaysReady) {
  run(order);
  give(ServiceAnswered{order.allocation});
  EXPECT_TRUE(restart().actions.empty());
  EXPECT_TRUE(core.inventory().allocations.at(0).ready);
  EXPECT_EQ(actions_of<BeginService>(docker_says(ContainerStatus::Running)).size(), 1U);
  EXPECT_TRUE(give(ServiceSilent{order.allocation, "x"}).actions.empty()) << "no word before the time is over";
  const auto output = give(ServiceAnswered{order.allocation});
  EXPECT_TRUE(actions_of<SendReport>(output).at(0).report.ready);
  EXPECT_TRUE(output.writes.empty()) << "nothing changed";
}

TEST_F(ServiceCore, NoAnswerAfterARestart_IsNotReadyButNotEnded) {
  run(order);
  give(ServiceAnswered{order.allocation});
  restart();
  docker_says(ContainerStatus::Running);
  give(ServiceSilent{order.allocation, "port 8888 answers with status 502"});
  clock.advance(seconds(60));
  const auto output = give(Tick{});
  EXPECT_TRUE(actions_of<SignalContainer>(output).empty()) << "somebody's work may be in it";
  EXPECT_FALSE(actions_of<SendReport>(output).at(0).report.ready);
  EXPECT_THAT(report().waiting_for, testing::HasSubstr("status 502"));
  clock.advance(seconds(600));
  EXPECT_TRUE(give(Tick{}).actions.empty());
  EXPECT_TRUE(actions_of<SendReport>(give(ServiceAnswered{order.allocation})).at(0).report.ready);
}

TEST_F(ServiceCore, TimeThatPassedWithoutAnAgent_LeavesSomeForTheNewOne) {
  run(order);
  clock.advance(seconds(55));
  restart();
  docker_says(ContainerStatus::Running);
  EXPECT_EQ(*core.next_deadline(), clock.now().steady + kProbeAfterRestart);
  clock.advance(seconds(5));
  docker_says(ContainerStatus::Running);
  EXPECT_EQ(*core.next_deadline(), clock.now().steady + seconds(5)) << "Docker's absence prolongs nothing";
}

TEST_F(ServiceCore, Stop_EndsTheWaitForItsProbe) {
  run(order);
  give(wire::StopAllocation{order.allocation, 1, seconds(100), "stopped by a person"});
  clock.advance(seconds(60));
  EXPECT_TRUE(give(Tick{}).actions.empty());
  EXPECT_TRUE(give(ServiceAnswered{order.allocation}).actions.empty());
  const auto output = give(ContainerGone{order.allocation, {}});
  EXPECT_EQ(actions_of<EndService>(output).size(), 1U);
}

TEST_F(ServiceCore, Job_HasNothingOfAService) {
  order.spec.service.reset();
  auto output = run(order);
  EXPECT_TRUE(actions_of<BeginService>(output).empty());
  EXPECT_FALSE(core.next_deadline().has_value());
  EXPECT_EQ(report().waiting_for, "");
  output = give(ContainerGone{order.allocation, {}});
  EXPECT_TRUE(actions_of<EndService>(output).empty());
}

// ---- what it may have ----

TEST_F(ServiceCore, Slots_AreHeldUntilTheEndAndThenGivenToOthers) {
  run(order);
  EXPECT_EQ(core.find(order.allocation)->progress.slots, (SlotGrant{.ttys = {10}, .uinputs = {0, 1, 2}}));
  const auto second = make_order();
  run(second);
  const auto third = make_order();
  const auto refused = actions_of<RefuseOrder>(give(third));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_EQ(refused[0].refusal.reason, "0 of this host's 2 TTY slots are free, 1 asked for");
  gone(order);
  EXPECT_TRUE(actions_of<RefuseOrder>(give(third)).empty()) << "a refused order may come again";
  EXPECT_EQ(core.find(third.allocation)->progress.slots.ttys, (std::vector<int>{10}));
  EXPECT_EQ(core.slots().free().ttys, 0);
}

TEST_F(ServiceCore, HostWithoutTheDevice_RefusesAndSaysWhy) {
  core = Core("boot-1");
  const auto refused = actions_of<RefuseOrder>(give(order));
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_THAT(refused[0].refusal.reason, testing::StartsWith("this host has 0 TTY slots, 1 asked for"));
}

TEST_F(ServiceCore, Restart_KeepsWhatIsHeldAndFreesWhatTheEndOfTheHostEnded) {
  run(order);
  restart();
  EXPECT_EQ(core.slots().free().ttys, 1);
  EXPECT_EQ(core.slots().free().uinputs, 3);
  journal = core.snapshot();  // compaction keeps it too
  restart();
  EXPECT_EQ(core.slots().free().ttys, 1);
  const auto output = restart("boot-2");
  EXPECT_EQ(core.slots().free().ttys, 2);
  EXPECT_EQ(actions_of<EndService>(output).size(), 1U);
}

TEST_F(ServiceCore, CrashAtTheEnd_GivesTheDevicesBackToTheHostOnceMore) {
  run(order);
  gone(order);
  const auto output = restart();
  EXPECT_EQ(actions_of<EndService>(output).size(), 1U);
  EXPECT_EQ(core.slots().free().ttys, 2) << "but counts them once";
}

/// Whatever happens to three services, and however often the agent dies: what the live ones hold and what is free make
/// up the whole, and no terminal has two holders.
RC_GTEST_PROP(ServiceCoreProperty, Slots_AreHeldByTheLivingOnly, (const std::vector<int>& steps)) {
  SeededRandom random(3);
  ManualClock clock;
  Core core("boot", kDevices);
  std::vector<JournalEntry> journal;
  std::vector<wire::StartAllocation> orders;
  for (int i = 0; i < 3; ++i) {
    wire::StartAllocation one{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
    one.spec.service.emplace().slots = {.ttys = 1, .uinputs = 2};
    one.spec.service->ports = {{.name = "web", .port = 1}};
    orders.push_back(std::move(one));
  }
  const auto give = [&](const Event& event) {
    auto output = core.handle(event, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
  };
  for (const int step : steps) {
    const auto bits = static_cast<unsigned>(step);
    const auto& one = orders[bits % 3];
    clock.advance(seconds(bits / 64 % 40));
    switch (bits / 3 % 11) {
      case 0:
      case 1:
        give(one);
        break;
      case 2:
        give(SourcePrepared{one.allocation, {}});
        break;
      case 3:
        give(ContainerCreated{one.allocation, one.allocation.text()});
        break;
      case 4:
        give(ContainerStarted{one.allocation, {}});
        break;
      case 5:
        give(ServiceAnswered{one.allocation});
        break;
      case 6:
        give(ContainerGone{one.allocation, 0});
        break;
      case 7:
        give(wire::StopAllocation{one.allocation, 1, {}, "s"});
        break;
      case 8:
        give(LogsClosed{one.allocation, 0, 0});
        break;
      case 9:
        give(Tick{});
        break;
      default:
        core = Core("boot", kDevices);
        core.restore(journal, clock.now());
    }
    std::set<int> ttys;
    int uinputs = 0;
    for (const auto& [id, record] : core.records()) {
      if (record.progress.phase >= Phase::Ended) continue;
      for (const int tty : record.progress.slots.ttys) RC_ASSERT(ttys.insert(tty).second);
      uinputs += static_cast<int>(record.progress.slots.uinputs.size());
    }
    RC_ASSERT(core.slots().free().ttys + static_cast<int>(ttys.size()) == 2);
    RC_ASSERT(core.slots().free().uinputs + uinputs == 6);
  }
}

}  // namespace
}  // namespace slipway::agent
