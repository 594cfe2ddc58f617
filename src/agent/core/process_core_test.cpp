// Processes of the host as the core sees them: users and ports that are given out, restarts, and whose word counts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/container_runtime.hpp"
#include "agent/core/core.hpp"
#include "agent/journal/journal.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;
using std::chrono::seconds;
using testing::HasSubstr;

template <typename T>
std::vector<T> actions_in(const Core::Output& output) {
  std::vector<T> found;
  for (const Action& action : output.actions) {
    if (const auto* one = std::get_if<T>(&action)) found.push_back(*one);
  }
  return found;
}

struct ProcessCore : testing::Test {
  SeededRandom random{11};
  ManualClock clock;
  Core core{"boot-1"};
  std::vector<JournalEntry> journal;
  wire::StartAllocation order = make_order(15500);

  wire::StartAllocation make_order(int port) {
    wire::StartAllocation made{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
    made.spec.command = {"jupyter"};
    auto& service = made.spec.service.emplace();
    service.ports = {{.name = "web", .port = port}};
    service.probe.timeout = seconds(60);
    service.process = true;
    return made;
  }
  Core::Output give(const Event& event) {
    Core::Output output = core.handle(event, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    return output;
  }
  Core::Output restart(const std::string& boot_id = "boot-1") {
    std::vector<JournalEntry> read;
    for (const JournalEntry& entry : journal) read.push_back(*decode_entry(encode_entry(entry)));
    core = Core(boot_id);
    return core.restore(read, clock.now());
  }
  void run(const wire::StartAllocation& one) {
    give(one);
    give(SourcePrepared{one.allocation, {}});
    give(ContainerCreated{one.allocation, process_id(one.allocation)});
    give(ContainerStarted{one.allocation, {}});
  }
  void end(const wire::StartAllocation& one) {
    give(ContainerSeen{one.allocation, {.id = process_id(one.allocation), .status = ContainerStatus::Exited}});
  }
  const SlotGrant& slots(const wire::StartAllocation& one) { return core.find(one.allocation)->progress.slots; }
  wire::AllocationReport report() { return report_of(*core.find(order.allocation)); }
  std::string refusal(const wire::StartAllocation& one) {
    const auto refused = actions_in<RefuseOrder>(give(one));
    return refused.empty() ? "" : refused.at(0).refusal.reason;
  }
};

TEST_F(ProcessCore, EachProcess_HasAUserOfItsOwnUntilItsEnd) {
  const auto second = make_order(15501);
  run(order);
  run(second);
  EXPECT_EQ(slots(order).user, kFirstProcessUser);
  EXPECT_EQ(slots(second).user, kFirstProcessUser + 1);
  end(order);
  const auto third = make_order(15502);
  run(third);
  EXPECT_EQ(slots(third).user, kFirstProcessUser);
}

TEST_F(ProcessCore, SamePortTwice_IsRefusedUntilTheFirstHasEnded) {
  run(order);
  auto second = make_order(15500);
  EXPECT_THAT(refusal(second), HasSubstr("port 15500 of this host is taken by " + order.allocation.text()));
  EXPECT_EQ(core.find(second.allocation), nullptr);
  end(order);
  EXPECT_EQ(refusal(second), "");
}

TEST_F(ProcessCore, PortsAfterARestart_AreStillHeld) {
  run(order);
  const SlotGrant before = slots(order);
  restart();
  EXPECT_EQ(slots(order), before);
  EXPECT_THAT(refusal(make_order(15500)), HasSubstr("is taken by"));
  const auto other = make_order(15501);
  EXPECT_EQ(refusal(other), "");
  EXPECT_EQ(slots(other).user, kFirstProcessUser + 1);
}

TEST_F(ProcessCore, PortsOfContainers_AreTheirOwn) {
  auto container = make_order(15500);
  container.spec.service->process = false;
  container.spec.container_image = "img:1";
  run(order);
  EXPECT_EQ(refusal(container), "");
  EXPECT_TRUE(slots(container).empty());
}

TEST_F(ProcessCore, WordOfDocker_SaysNothingAboutProcesses) {
  run(order);
  restart();
  EXPECT_TRUE(give(EngineAnswers{}).actions.empty());
  EngineAnswers answers{.containers = {}, .runtime = Runtime::Processes};
  const auto unseen = give(answers);
  ASSERT_EQ(actions_in<WatchContainer>(unseen).size(), 1U) << "asked again";
  answers.containers = {
      {order.allocation.text(), {.id = process_id(order.allocation), .status = ContainerStatus::Running, .pid = 77}}};
  EXPECT_EQ(actions_in<BeginService>(give(answers)).size(), 1U);
}

TEST_F(ProcessCore, Restarted_IsNotReadyUntilItAnswersAndSaysWhy) {
  run(order);
  give(ServiceAnswered{order.allocation});
  EXPECT_TRUE(report().ready);
  clock.advance(seconds(1000));
  const auto output = give(AppRestarted{order.allocation, 1, 2, 5});
  EXPECT_EQ(actions_in<BeginService>(output).size(), 1U);
  EXPECT_FALSE(report().ready);
  EXPECT_EQ(report().waiting_for, "the app to answer: it ended with exit code 1 and was started again (2 of 5)");
  give(ServiceSilent{order.allocation, "nothing listens on port 15500"});
  EXPECT_THAT(report().waiting_for, testing::EndsWith("(2 of 5); nothing listens on port 15500"));
  clock.advance(seconds(59));
  EXPECT_TRUE(give(Tick{}).actions.empty()) << "its whole time once more";
  give(ServiceAnswered{order.allocation});
  EXPECT_TRUE(report().ready);
  EXPECT_EQ(report().waiting_for, "");
}

TEST_F(ProcessCore, RestartedAndSilent_FailsWithTheReason) {
  run(order);
  give(ServiceAnswered{order.allocation});
  give(AppRestarted{order.allocation, 1, 1, 5});
  clock.advance(seconds(61));
  give(Tick{});
  end(order);
  const auto& progress = core.find(order.allocation)->progress;
  EXPECT_EQ(progress.outcome, AllocationState::Failed);
  EXPECT_THAT(progress.reason, HasSubstr("it ended with exit code 1 and was started again (1 of 5)"));
}

TEST_F(ProcessCore, RestartOfOneThatIsStopped_ChangesNothing) {
  run(order);
  give(wire::StopAllocation{order.allocation, 1, seconds(5), "enough"});
  EXPECT_TRUE(give(AppRestarted{order.allocation, 1, 1, 5}).actions.empty());
}

TEST_F(ProcessCore, GivenUp_SaysHowOftenItWasTried) {
  run(order);
  give(ContainerSeen{order.allocation, {.id = "", .status = ContainerStatus::Exited, .exit_code = 4, .restarts = 5}});
  EXPECT_EQ(core.find(order.allocation)->progress.reason, "exit code 4, after it was started again 5 times");
}

TEST(ProcessSlots, Range_AndHostsAccountsAreRespected) {
  SeededRandom random{3};
  SlotTable table{{.taken_users = {kFirstProcessUser, kFirstProcessUser + 1}}};
  const auto id = AllocationId::make(random);
  for (const int port : {80, 1024, 49151, 65535}) {
    EXPECT_EQ(table.take(id, {}, {.ports = {port}, .user = true}).error().code, Code::Unsupported) << port;
  }
  const auto grant = table.take(id, {}, {.ports = {1025, 49150}, .user = true});
  ASSERT_TRUE(grant) << grant.error().text();
  EXPECT_EQ(grant->user, kFirstProcessUser + 2);
  const auto half = table.take(AllocationId::make(random), {}, {.ports = {2000, 49150}, .user = true});
  EXPECT_EQ(half.error().code, Code::Exhausted);
  EXPECT_TRUE(table.take(AllocationId::make(random), {}, {.ports = {2000}, .user = true})) << "all or nothing";
  EXPECT_TRUE(table.give_back(id));
  EXPECT_FALSE(table.give_back(id));
  EXPECT_TRUE(table.take(AllocationId::make(random), {}, {.ports = {49150}, .user = true}));
}

}  // namespace
}  // namespace slipway::agent
