#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/core_fixture.hpp"

namespace slipway::controller {
namespace {
using std::chrono::seconds;
using testing::HasSubstr;

using CoreTest = CoreFixture;

TEST_F(CoreTest, HelloBeforeTheLaunchIsRecorded_IsToldToComeBackSoon) {
  pool(1);
  const auto launched = *acted<LaunchInstance>();
  feed(AgentSaid{1, hello_of(launched, "i-1")});
  EXPECT_EQ(told<wire::Refused>()->code, Code::Unavailable);
  EXPECT_EQ(told<wire::Refused>()->retry_after, Duration(200));
}

TEST_F(CoreTest, HelloOfAnotherInstance_IsRefusedForGood) {
  const auto launched = launch("i-1");
  feed(AgentSaid{1, hello_of(launched, "i-2")});
  EXPECT_EQ(told<wire::Refused>()->code, Code::Denied);
  EXPECT_EQ(told<wire::Refused>()->retry_after, Duration(0));
  EXPECT_EQ(host(launched.host).state, model::HostState::Pending);
}

TEST_F(CoreTest, JoinToken_WorksOnce) {
  const auto launched = launch("i-1");
  feed(AgentSaid{1, hello_of(launched, "i-1")});
  ASSERT_TRUE(told<wire::Welcome>());
  ready(1);
  EXPECT_EQ(host(launched.host).state, model::HostState::Ready);
  feed(AgentSaid{2, hello_of(launched, "i-1")});
  EXPECT_EQ(told<wire::Refused>()->code, Code::Unauthenticated);
}

TEST_F(CoreTest, WelcomeThatGotLost_IsGivenAgainToTheSameBootOnly) {
  const auto launched = launch("i-1");
  feed(AgentSaid{1, hello_of(launched, "i-1")});
  const auto first = told<wire::Welcome>()->credential;
  feed(AgentGone{1, "broken"});
  auto other = hello_of(launched, "i-1");
  other.boot_id = "another";
  feed(AgentSaid{2, other});
  EXPECT_EQ(told<wire::Refused>()->code, Code::Unauthenticated);
  feed(AgentSaid{3, hello_of(launched, "i-1")});
  EXPECT_NE(told<wire::Welcome>()->credential, first);
}

TEST_F(CoreTest, AgentWithoutACommonProtocol_MakesItsHostIncompatible) {
  const auto launched = launch("i-1");
  auto hello = hello_of(launched, "i-1");
  hello.protocol_min = hello.protocol_max = 99;
  feed(AgentSaid{1, hello});
  EXPECT_EQ(told<wire::Refused>()->code, Code::Incompatible);
  EXPECT_EQ(host(launched.host).state, model::HostState::Incompatible);
  EXPECT_THAT(host(launched.host).reason, HasSubstr("protocol 99"));
}

TEST_F(CoreTest, RestartBeforeTheAnswer_RepeatsTheLaunchWithTheSameTokenAndData) {
  pool(1);
  const auto first = *acted<LaunchInstance>();
  actions_.clear();
  restart();
  take(core_->start(clock_.now()));
  const auto again = *acted<LaunchInstance>();
  EXPECT_EQ(again.request.client_token, first.request.client_token);
  EXPECT_EQ(again.request.user_data, first.request.user_data);
}

TEST_F(CoreTest, InstanceThatNoRowKnows_IsTerminated) {
  feed(InstancesListed{{cloud::Instance{.instance_id = "i-stray", .state = cloud::InstanceState::Running}},
                       clock_.now().steady});
  EXPECT_EQ(acted<TerminateInstance>()->instance_id, "i-stray");
}

TEST_F(CoreTest, BuilderOfABake_IsNoStray) {
  feed(InstancesListed{
      {cloud::Instance{
          .instance_id = "i-b", .state = cloud::InstanceState::Running, .tags = {{cloud::kTagBake, "bake-1"}}}},
      clock_.now().steady});
  EXPECT_FALSE(acted<TerminateInstance>());
}

TEST_F(CoreTest, HostThatNeverJoins_IsReplaced_AndThePoolSaysWhy) {
  const auto launched = launch("i-1");
  pass(options_.join_timeout + seconds(1));
  EXPECT_EQ(acted<TerminateInstance>()->instance_id, "i-1");
  EXPECT_EQ(host(launched.host).state, model::HostState::Terminating);
  actions_.clear();
  feed(InstancesListed{{cloud::Instance{.instance_id = "i-1", .state = cloud::InstanceState::Terminated}},
                       clock_.now().steady});
  pass(seconds(3));
  ASSERT_TRUE(acted<LaunchInstance>());
  EXPECT_NE(acted<LaunchInstance>()->host, launched.host);
  EXPECT_THAT(core_->tables().pools.rows().begin()->second.reason, HasSubstr("did not join within"));
}

TEST_F(CoreTest, CloudThatRefuses_IsAskedAgainWithBackOff_AndThePoolSaysWhy) {
  pool(1);
  const auto launched = *acted<LaunchInstance>();
  feed(LaunchAnswered{launched.host, fail(Code::Exhausted, "InsufficientInstanceCapacity: no room")});
  EXPECT_THAT(core_->tables().pools.rows().begin()->second.reason, HasSubstr("no room"));
  actions_.clear();
  feed(Tick{});
  EXPECT_FALSE(acted<LaunchInstance>()) << "at once";
  pass(seconds(2));
  EXPECT_EQ(acted<LaunchInstance>()->request.client_token, launched.request.client_token);
}

TEST_F(CoreTest, LostInstance_IsFencedBeforeItsJobRunsElsewhere) {
  const auto launched = launch("i-1");
  feed(AgentSaid{1, hello_of(launched, "i-1")});
  ready(1);
  clock_.advance(seconds(1));  // hosts are tried in the order of their creation
  join_by_hand(2);
  const auto id = submit();
  const auto order = *told<wire::StartAllocation>();
  ASSERT_EQ(core_->tables().allocations.at(order.allocation).host, launched.host);
  feed(AgentSaid{1, report(order, model::AllocationState::Running)});
  for (int i = 0; i < 24; ++i) {
    pass(Duration(500));
    feed(AgentSaid{2, wire::Heartbeat{}});
  }
  EXPECT_EQ(host(launched.host).state, model::HostState::Lost);
  EXPECT_EQ(job(id).state, model::JobState::Lost);
  EXPECT_EQ(acted<TerminateInstance>()->instance_id, "i-1");
  feed(InstancesListed{{cloud::Instance{.instance_id = "i-1", .state = cloud::InstanceState::ShuttingDown}},
                       clock_.now().steady});
  EXPECT_EQ(job(id).state, model::JobState::Lost) << "not yet seen gone";
  feed(InstancesListed{{cloud::Instance{.instance_id = "i-1", .state = cloud::InstanceState::Terminated}},
                       clock_.now().steady});
  EXPECT_EQ(job(id).state, model::JobState::Placed);
  EXPECT_EQ(told<wire::StartAllocation>()->epoch, 2);
  EXPECT_THAT(core_->tables().allocations.at(order.allocation).artifacts_note, HasSubstr("not recovered"));
}

TEST_F(CoreTest, MachineJoinedByHand_ThatReturns_KeepsItsJob) {
  join_by_hand(1);
  const auto id = submit();
  const auto order = *told<wire::StartAllocation>();
  feed(AgentSaid{1, report(order, model::AllocationState::Running)});
  pass(seconds(12));
  EXPECT_EQ(job(id).state, model::JobState::Lost);
  feed(AgentGone{1, "closed"});
  feed(
      AgentSaid{2, wire::Hello{.agent_version = "1", .credential = credential_, .hostname = "byhand", .boot_id = "b"}});
  feed(AgentSaid{2, wire::Inventory{{report(order, model::AllocationState::Running)}}});
  EXPECT_EQ(job(id).state, model::JobState::Running);
  auto ended = report(order, model::AllocationState::Succeeded);
  ended.exit_code = 0;
  ended.stdout_bytes = ended.stderr_bytes = 10;
  feed(AgentSaid{2, ended});
  feed(LogsDurable{.allocation = order.allocation, .stdout_bytes = 10, .stderr_bytes = 9});
  EXPECT_EQ(job(id).state, model::JobState::Running) << "a byte of its output is missing";
  feed(LogsDurable{.allocation = order.allocation, .stdout_bytes = 10, .stderr_bytes = 10});
  EXPECT_EQ(job(id).state, model::JobState::Succeeded);
  EXPECT_EQ(told<wire::ForgetAllocation>()->allocation, order.allocation);
}

TEST_F(CoreTest, JobThatMayRunTwice_IsQueuedAtOnceWhenItsMachineIsLost) {
  join_by_hand(1);
  const auto id = submit(true);
  const auto order = *told<wire::StartAllocation>();
  pass(seconds(12));
  EXPECT_EQ(job(id).state, model::JobState::Queued);
  feed(AgentGone{1, "closed"});
  feed(
      AgentSaid{2, wire::Hello{.agent_version = "1", .credential = credential_, .hostname = "byhand", .boot_id = "b"}});
  feed(AgentSaid{2, wire::Inventory{{report(order, model::AllocationState::Running)}}});
  EXPECT_EQ(told<wire::StopAllocation>()->allocation, order.allocation) << "the old attempt is no longer wanted";
}

TEST_F(CoreTest, StallOfTheController_IsNoSilenceOfHosts) {
  const auto id = join_by_hand(1);
  feed(Tick{});
  clock_.advance(seconds(30));
  feed(Tick{});
  EXPECT_EQ(host(id).state, model::HostState::Ready);
}

TEST_F(CoreTest, BakeThatRanWhenTheControllerDied_IsFailed) {
  const auto id =
      *command([&](Step& step) { return start_bake(step, admin_, {.recipe_path = "r", .recipe = "x"}, "i"); });
  ASSERT_TRUE(acted<RunBake>());
  restart();
  take(core_->start(clock_.now()));
  EXPECT_EQ(core_->tables().bakes.at(id).state, model::BakeState::Failed);
  EXPECT_THAT(core_->tables().bakes.at(id).reason, HasSubstr("restarted"));
}

TEST_F(CoreTest, EveryChange_LeavesOneHistoryEntryEach) {
  submit();
  EXPECT_EQ(commands_.back(), "SubmitJob");
  const auto history = store_->history(0, 100);
  ASSERT_TRUE(history);
  EXPECT_EQ(history->size(), commands_.size());
}

}  // namespace
}  // namespace slipway::controller
