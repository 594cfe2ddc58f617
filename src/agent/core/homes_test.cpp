#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/core/core.hpp"
#include "agent/journal/journal.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;
using model::HomeTaskState;

template <typename T>
std::vector<T> wanted(const Core::Output& output) {
  std::vector<T> found;
  for (const Action& action : output.actions) {
    if (const auto* one = std::get_if<T>(&action)) found.push_back(*one);
  }
  return found;
}

struct HomesCore : testing::Test {
  SeededRandom random{7};
  ManualClock clock;
  Core core{"boot-1"};
  std::vector<JournalEntry> journal;
  wire::StartAllocation order = make_order(true);
  wire::HomeTaskOrder task{.task = HomeTaskId::make(random),
                           .home = model::HomeMount{.source = "/homes", .name = "ann"},
                           .files = {{.path = "a", .sha256 = std::string(64, 'a'), .size_bytes = 1}},
                           .directory = "lab"};

  wire::StartAllocation make_order(bool warm) {
    wire::StartAllocation made{.allocation = AllocationId::make(random), .epoch = 3, .job = JobId::make(random)};
    made.spec.container_image = "img:1";
    auto& service = made.spec.service.emplace();
    service.ports = {{.name = "web", .port = 8888}};
    service.home = "/home/person";
    service.warm = warm;
    return made;
  }
  wire::ClaimAllocation claim(const std::string& person = "ann") {
    return {.allocation = order.allocation,
            .epoch = 3,
            .startup = {{"dpi", "192"}},
            .home = model::HomeMount{.source = "/homes", .name = person, .quota_bytes = 5}};
  }
  Core::Output give(const Event& event) {
    Core::Output output = core.handle(event, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    return output;
  }
  /// As after SIGKILL: what the journal's own encoding kept is all there is.
  Core::Output restart() {
    std::vector<JournalEntry> read;
    for (const JournalEntry& entry : journal) {
      auto decoded = decode_entry(encode_entry(entry));
      EXPECT_TRUE(decoded) << decoded.error().text();
      if (decoded) read.push_back(std::move(*decoded));
    }
    core = Core("boot-1");
    Core::Output output = core.restore(read, clock.now());
    journal.insert(journal.end(), output.writes.begin(), output.writes.end());
    return output;
  }
  void run() {
    give(order);
    give(SourcePrepared{order.allocation, {}});
    give(ContainerCreated{order.allocation, "c"});
    give(ContainerStarted{order.allocation, {}});
    give(ServiceAnswered{order.allocation});
  }
  wire::AllocationReport report() { return report_of(*core.find(order.allocation)); }
};

// ---- claims ----

TEST_F(HomesCore, OneWithoutAPerson_IsReadyAndNotClaimed) {
  run();
  EXPECT_TRUE(report().ready);
  EXPECT_FALSE(report().claimed);
  order = make_order(false);
  run();
  EXPECT_TRUE(report().claimed) << "whoever ordered it said whose it is";
}

TEST_F(HomesCore, Claim_IsAppliedAndThenReported) {
  run();
  const auto output = give(claim());
  EXPECT_EQ(wanted<ApplyClaim>(output).size(), 1U);
  EXPECT_FALSE(output.writes.empty());
  EXPECT_FALSE(report().claimed);
  const auto applied = give(ClaimApplied{order.allocation, {}});
  EXPECT_FALSE(applied.writes.empty());
  EXPECT_TRUE(wanted<SendReport>(applied).at(0).report.claimed);
  EXPECT_TRUE(wanted<ApplyClaim>(give(claim())).empty()) << "a repeat does nothing more";
}

TEST_F(HomesCore, ASecondPerson_IsNotLetIn) {
  run();
  give(claim("ann"));
  EXPECT_TRUE(wanted<ApplyClaim>(give(claim("bob"))).empty());
  EXPECT_EQ(core.find(order.allocation)->progress.claim->home->name, "ann");
  give(ClaimApplied{order.allocation, {}});
  EXPECT_TRUE(wanted<ApplyClaim>(give(claim("bob"))).empty());
  EXPECT_EQ(core.find(order.allocation)->progress.claim->home->name, "ann");
}

TEST_F(HomesCore, ClaimOfAnOlderEpochOrOfNothing_ChangesNothing) {
  run();
  auto old = claim();
  old.epoch = 2;
  EXPECT_TRUE(give(old).actions.empty());
  auto unknown = claim();
  unknown.allocation = AllocationId::make(random);
  EXPECT_TRUE(give(unknown).actions.empty());
  EXPECT_FALSE(core.find(order.allocation)->progress.claim);
}

TEST_F(HomesCore, ClaimBeforeTheDirectoriesAreMade_WaitsForThem) {
  give(order);
  EXPECT_TRUE(wanted<ApplyClaim>(give(claim())).empty());
  EXPECT_EQ(wanted<ApplyClaim>(give(SourcePrepared{order.allocation, {}})).size(), 1U);
}

TEST_F(HomesCore, Restart_AppliesWhatWasAcceptedAndKeepsWhatWasApplied) {
  run();
  give(claim());
  auto output = restart();
  EXPECT_EQ(wanted<ApplyClaim>(output).size(), 1U);
  EXPECT_EQ(core.find(order.allocation)->progress.claim->startup.at("dpi"), "192");
  EXPECT_EQ(core.find(order.allocation)->progress.claim->home, claim().home);
  give(ClaimApplied{order.allocation, {}});
  output = restart();
  EXPECT_TRUE(wanted<ApplyClaim>(output).empty());
  EXPECT_TRUE(report().claimed);
}

TEST_F(HomesCore, HomeThatDoesNotCome_SaysWhatIsAwaited) {
  run();
  give(claim());
  const auto output = give(HomeWaits{order.allocation, "mount: no answer"});
  EXPECT_EQ(wanted<SendReport>(output).at(0).report.waiting_for, "the home: mount: no answer");
  EXPECT_TRUE(give(HomeWaits{order.allocation, "mount: no answer"}).actions.empty());
  give(ClaimApplied{order.allocation, {}});
  EXPECT_EQ(report().waiting_for, "");

  order = make_order(false);
  give(order);
  give(HomeWaits{order.allocation, "mount: no answer"});
  EXPECT_EQ(report().waiting_for, "its home: mount: no answer");
}

TEST_F(HomesCore, EndOfAClaimedOne_SaysThatItWas) {
  run();
  give(claim());
  give(ClaimApplied{order.allocation, {}});
  give(ContainerGone{order.allocation, 1});
  give(LogsClosed{order.allocation, 0, 0});
  give(ArtifactsStored{order.allocation, model::Manifest{}, ""});
  EXPECT_EQ(report().state, AllocationState::Failed);
  EXPECT_TRUE(report().claimed);
}

// ---- home tasks ----

TEST_F(HomesCore, Task_IsJournaledRunAndReportedUntilItIsForgotten) {
  auto output = give(task);
  EXPECT_EQ(wanted<RunHomeTask>(output).size(), 1U);
  EXPECT_EQ(output.writes.size(), 1U);
  EXPECT_TRUE(wanted<RunHomeTask>(give(task)).empty()) << "a repeat is answered with how far it is";
  output = give(HomeTaskWent{{.task = task.task, .reason = "waits"}});
  EXPECT_TRUE(output.writes.empty());
  EXPECT_EQ(wanted<SendHomeTaskReport>(output).at(0).report.reason, "waits");
  output = give(HomeTaskWent{{.task = task.task, .state = HomeTaskState::Succeeded, .kept = {"lab/a"}}});
  EXPECT_EQ(output.writes.size(), 1U);
  ASSERT_EQ(core.inventory().home_tasks.size(), 1U);
  EXPECT_EQ(core.inventory().home_tasks[0].kept, std::vector<std::string>{"lab/a"});
  output = give(wire::ForgetHomeTask{task.task});
  EXPECT_EQ(wanted<CancelHomeTask>(output).size(), 1U);
  EXPECT_TRUE(core.inventory().home_tasks.empty());
  EXPECT_TRUE(give(wire::ForgetHomeTask{task.task}).actions.empty());
}

TEST_F(HomesCore, Restart_RunsATaskAgainThatHadNotEnded) {
  give(task);
  auto output = restart();
  EXPECT_EQ(wanted<RunHomeTask>(output).size(), 1U);
  ASSERT_NE(core.find(task.task), nullptr);
  EXPECT_EQ(core.find(task.task)->order.files, task.files);
  EXPECT_EQ(core.find(task.task)->order.home, task.home);
  give(HomeTaskWent{{.task = task.task, .state = HomeTaskState::Failed, .reason = "quota"}});
  output = restart();
  EXPECT_TRUE(wanted<RunHomeTask>(output).empty());
  EXPECT_EQ(core.inventory().home_tasks.at(0).reason, "quota");
  journal = core.snapshot();
  restart();
  EXPECT_EQ(core.inventory().home_tasks.at(0).state, HomeTaskState::Failed);
  give(wire::ForgetHomeTask{task.task});
  restart();
  EXPECT_TRUE(core.inventory().home_tasks.empty());
}

}  // namespace
}  // namespace slipway::agent
