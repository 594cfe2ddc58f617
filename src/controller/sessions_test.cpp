#include "controller/sessions_fixture.hpp"

namespace slipway::controller {
namespace {
using model::SessionState;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

using SessionsTest = SessionsFixture;

// ---- apps ----

TEST_F(SessionsTest, RegisteringAnApp_MakesANewVersionOnlyIfSomethingChanged) {
  const auto first = register_as("book", spec());
  EXPECT_EQ(register_as("book", spec()), first);
  auto changed = spec();
  changed.home = "/home/user";
  const auto second = register_as("book", changed);
  EXPECT_NE(second, first);
  EXPECT_EQ(core_->tables().newest_app("book")->version, 2);
  EXPECT_EQ(core_->tables().apps.at(first).version, 1);
  EXPECT_EQ(std::ranges::count(commands_, "RegisterApp"), 2);
}

TEST_F(SessionsTest, AnAppThatCannotBe_ChangesNothing) {
  auto bad = spec();
  bad.ports.clear();
  const auto refused = command([&](Step& step) { return register_app(step, admin_, {.name = "book", .spec = bad}); });
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
  EXPECT_EQ(core_->tables().apps.size(), 0U);
}

TEST_F(SessionsTest, ARunningSession_KeepsTheVersionItStartedWith) {
  const auto id = start();
  auto changed = spec();
  changed.idle.after = hours(5);
  register_as("book", changed);
  EXPECT_EQ(session(id).app_version, 1);
  EXPECT_EQ(core_->tables().apps.at(session(id).app).spec.idle.after, minutes(10));
}

// ---- start to ready ----

TEST_F(SessionsTest, FromStartToReady_EachPhaseIsSeenWithItsTime) {
  const auto id = start();
  EXPECT_EQ(session(id).state, SessionState::Waiting);
  EXPECT_THAT(session(id).reason, HasSubstr("no READY host"));
  clock_.advance(seconds(1));
  host_for_sessions(1);
  const auto order = *told<wire::StartAllocation>();
  EXPECT_EQ(session(id).state, SessionState::Starting);
  EXPECT_THAT(session(id).reason, HasSubstr("placed on desk"));
  EXPECT_EQ(session(id).placed_at, clock_.now().wall);

  clock_.advance(seconds(1));
  auto preparing = report(order, model::AllocationState::Preparing);
  preparing.reason = "container image is being checked";
  feed(AgentSaid{1, preparing});
  EXPECT_EQ(session(id).reason, "container image is being checked");
  feed(AgentSaid{1, running(order, false, "waits for http://127.0.0.1:8888/")});
  EXPECT_EQ(session(id).state, SessionState::Starting);
  EXPECT_EQ(session(id).reason, "waits for http://127.0.0.1:8888/");
  EXPECT_EQ(session(id).started_at, clock_.now().wall);

  clock_.advance(seconds(1));
  actions_.clear();
  feed(AgentSaid{1, running(order, true)});
  EXPECT_EQ(session(id).state, SessionState::Ready);
  EXPECT_EQ(session(id).reason, "");
  EXPECT_EQ(session(id).ready_at, clock_.now().wall);
  EXPECT_TRUE(changed(id));
}

TEST_F(SessionsTest, WhatAHostGets_IsTheAppWithThePersonsStartupDataAndATokenOfItsOwn) {
  host_for_sessions(1);
  register_as("book", spec());
  const auto first = *try_start({.app = "book", .name = "thesis", .startup = {{"dpi", "192"}}});
  const auto order = *told<wire::StartAllocation>();
  EXPECT_EQ(order.job_name, "thesis");
  ASSERT_TRUE(order.spec.service);
  EXPECT_EQ(order.spec.service->startup, (std::map<std::string, std::string>{{"dpi", "192"}, {"locale", "C"}}));
  EXPECT_TRUE(order.spec.service->app_token.starts_with("slwa_"));
  EXPECT_EQ(view(first).app_token, order.spec.service->app_token);
  const auto second = *try_start({.app = "book"});
  EXPECT_NE(view(second).app_token, view(first).app_token);
}

TEST_F(SessionsTest, HostWithAnOlderAgent_IsNoFit) {
  join_by_hand(1);
  const auto id = start();
  EXPECT_EQ(session(id).state, SessionState::Waiting);
  EXPECT_EQ(session(id).reason,
            "1 host is READY, but with an agent that is too old to run sessions; update slipway-agent");
  host_for_sessions(2);
  EXPECT_EQ(session(id).state, SessionState::Starting);
}

TEST_F(SessionsTest, AnOrderThatWasRefused_GoesToAnotherHost) {
  host_for_sessions(1);
  const auto id = start();
  const auto order = *told<wire::StartAllocation>();
  feed(AgentSaid{1, wire::OrderRefused{order.allocation, order.epoch, "no tty is free"}});
  EXPECT_EQ(session(id).state, SessionState::Waiting);
  host_for_sessions(2, "other");
  EXPECT_EQ(session(id).state, SessionState::Starting);
  EXPECT_EQ(view(id).host_name, "other");
}

TEST_F(SessionsTest, AppThatEndsByItself_EndsTheSessionWithItsReason) {
  const auto id = ready_session();
  auto failed = report(order_, model::AllocationState::Failed);
  failed.reason = "exit code 7";
  failed.stdout_bytes = failed.stderr_bytes = 0;
  feed(AgentSaid{1, failed});
  feed(LogsDurable{.allocation = order_.allocation});
  EXPECT_EQ(session(id).state, SessionState::Ended);
  EXPECT_EQ(session(id).reason, "exit code 7");
  EXPECT_EQ(session(id).finished_at, clock_.now().wall);
}

TEST_F(SessionsTest, AppThatStopsAnswering_IsStartingAgain) {
  const auto id = ready_session();
  feed(AgentSaid{1, running(order_, false, "does not answer any more")});
  EXPECT_EQ(session(id).state, SessionState::Starting);
  EXPECT_EQ(session(id).reason, "does not answer any more");
  EXPECT_EQ(session(id).ready_at, WallTime{});
  feed(AgentSaid{1, running(order_, true)});
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

// ---- limits ----

TEST_F(SessionsTest, AThirdSessionWhereTwoAreAllowed_IsRefusedInWords) {
  const auto first = start();
  start();
  const auto third = try_start({.app = "book"});
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::Conflict);
  EXPECT_THAT(third.error().message, HasSubstr("you have 2 sessions of book already"));
  EXPECT_THAT(third.error().message, HasSubstr(first.text()));
  ASSERT_TRUE(stop(first));
  EXPECT_TRUE(try_start({.app = "book"}));
}

TEST_F(SessionsTest, TheLimit_IsAPersonsAndAnAppsOwn) {
  start();
  start();
  register_as("other", spec());
  EXPECT_TRUE(try_start({.app = "other"}));
  const model::Principal ann{.id = PrincipalId::make(random_), .meta = {}, .name = "ann"};
  EXPECT_TRUE(command([&](Step& step) { return start_session(step, ann, {.app = "book"}, ""); }));
}

TEST_F(SessionsTest, ManyStarts_GiveEachAnIdAJobAndATokenOfItsOwn) {
  auto app = spec();
  app.sessions_a_person = 1000;
  register_as("book", app);
  std::set<std::string> seen;
  constexpr int kStarts = 200;
  for (int i = 0; i < kStarts; ++i) {
    const auto id = *try_start({.app = "book"}, fmt::format("key-{}", i));
    seen.insert({id.text(), session(id).job.text(), view(id).app_token});
  }
  EXPECT_EQ(seen.size(), 3U * kStarts);
}

TEST_F(SessionsTest, ARepeatWithTheSameKey_IsTheSameSession) {
  register_as("book", spec());
  const auto first = *try_start({.app = "book"}, "k");
  EXPECT_EQ(*try_start({.app = "book"}, "k"), first);
  EXPECT_EQ(try_start({.app = "book", .name = "other"}, "k").error().code, Code::Conflict);
  restart();
  EXPECT_EQ(*try_start({.app = "book"}, "k"), first);
  EXPECT_EQ(core_->tables().sessions.size(), 1U);
}

TEST_F(SessionsTest, StartsThatCannotBe_ChangeNothing) {
  register_as("book", spec());
  EXPECT_EQ(try_start({.app = "boook"}).error().code, Code::NotFound);
  EXPECT_EQ(try_start({.app = "book", .startup = {{"dpi", "x"}}}).error().code, Code::InvalidInput);
  const auto too_long = try_start({.app = "book", .longest = hours(3)});
  EXPECT_EQ(too_long.error().code, Code::InvalidInput);
  EXPECT_THAT(too_long.error().message, HasSubstr("2h00m"));
  EXPECT_EQ(core_->tables().sessions.size(), 0U);
  EXPECT_EQ(core_->tables().jobs.size(), 0U);
}

// ---- hosts, restarts ----

TEST_F(SessionsTest, LostInstance_TheSameSessionStartsOnAnother) {
  const auto launched = launch("i-1");
  auto hello = hello_of(launched, "i-1");
  hello.features = {std::string(wire::kServicesFeature)};
  feed(AgentSaid{1, hello});
  ready(1);
  const auto id = start();
  order_ = *told<wire::StartAllocation>();
  feed(AgentSaid{1, running(order_, true)});
  const auto way_in = link(id);
  const auto token = view(id).app_token;
  EXPECT_EQ(view(id).connection, 1U);

  pass(seconds(10));
  EXPECT_EQ(session(id).state, SessionState::Waiting);
  EXPECT_THAT(session(id).reason, HasSubstr("is lost; waits until its instance is terminated"));
  EXPECT_EQ(view(id).connection, std::nullopt);
  EXPECT_EQ(session(id).ready_at, WallTime{});
  feed(InstancesListed{.instances = {{.instance_id = "i-1", .state = cloud::InstanceState::Terminated}},
                       .asked_at = clock_.now().steady});
  EXPECT_EQ(session(id).state, SessionState::Waiting);

  host_for_sessions(2, "other");
  const auto again = *told<wire::StartAllocation>();
  EXPECT_EQ(again.epoch, order_.epoch + 1);
  EXPECT_EQ(again.spec.service->app_token, token);
  feed(AgentSaid{2, running(again, true)});
  EXPECT_EQ(session(id).state, SessionState::Ready);
  EXPECT_EQ(view(id).host_name, "other");
  EXPECT_TRUE(link_of_secret(*core_, id, way_in.secret, clock_.now().wall));
}

TEST_F(SessionsTest, HostThatReturnsWithItsContainer_HasTheSessionReadyAgain) {
  const auto id = ready_session();
  pass(seconds(10));
  EXPECT_EQ(session(id).state, SessionState::Waiting);
  EXPECT_THAT(session(id).reason, HasSubstr("waits until it returns"));
  reconnect(3, wire::Inventory{.allocations = {running(order_, true)}});
  EXPECT_EQ(session(id).state, SessionState::Ready);
  EXPECT_EQ(view(id).connection, 3U);
}

TEST_F(SessionsTest, ReportOfAnEarlierAttempt_ChangesNothing) {
  host_for_sessions(1);
  const auto id = start();
  const auto first = *told<wire::StartAllocation>();
  feed(AgentSaid{1, wire::OrderRefused{first.allocation, first.epoch, "no tty is free"}});
  host_for_sessions(2, "other");
  ASSERT_EQ(view(id).host_name, "other");
  feed(AgentSaid{1, running(first, true)});
  EXPECT_EQ(session(id).state, SessionState::Starting);
  EXPECT_EQ(told<wire::StopAllocation>()->allocation, first.allocation);
}

TEST_F(SessionsTest, AgentThatComesAndGoes_IsToldToTheGateway) {
  const auto id = ready_session();
  actions_.clear();
  feed(AgentGone{1, "broken"});
  EXPECT_EQ(acted<AgentLost>()->connection, 1U);
  EXPECT_TRUE(changed(id));
  EXPECT_EQ(view(id).connection, std::nullopt);
  EXPECT_EQ(session(id).state, SessionState::Ready);
  reconnect(2, wire::Inventory{.allocations = {running(order_, true)}});
  EXPECT_TRUE(changed(id));
  EXPECT_EQ(view(id).connection, 2U);
}

TEST_F(SessionsTest, TunnelThatAHostRefuses_IsToldToTheGateway) {
  ready_session();
  feed(AgentSaid{1, wire::TunnelRefused{.tunnel = std::string(32, 't'), .reason = "nothing listens"}});
  const auto failed = acted<TunnelFailed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->connection, 1U);
  EXPECT_EQ(failed->tunnel, std::string(32, 't'));
  EXPECT_EQ(failed->reason, "nothing listens");
}

TEST_F(SessionsTest, Restart_KeepsSessionsLinksAndApps) {
  const auto id = ready_session();
  const auto way_in = link(id);
  const auto before = session(id);
  restart();
  take(core_->start(clock_.now()));
  EXPECT_EQ(session(id).state, SessionState::Ready);
  EXPECT_EQ(session(id).ready_at, before.ready_at);
  EXPECT_EQ(session(id).ends_at, before.ends_at);
  EXPECT_EQ(*link_of_secret(*core_, id, way_in.secret, clock_.now().wall), way_in.id);
  EXPECT_EQ(core_->tables().newest_app("book")->version, 1);
  EXPECT_EQ(view(id).app_token, order_.spec.service->app_token);
  EXPECT_EQ(view(id).connection, std::nullopt);

  reconnect(9, wire::Inventory{.allocations = {running(order_, true)}});
  EXPECT_EQ(session(id).state, SessionState::Ready);
  EXPECT_EQ(view(id).connection, 9U);
  pass(seconds(2));
  EXPECT_EQ(session(id).state, SessionState::Ready);  // nobody is idle because we were away
}

TEST_F(SessionsTest, RestartAfterAnAppEnded_FindsTheSessionEnded) {
  const auto id = start();
  ASSERT_TRUE(stop(id));
  restart();
  take(core_->start(clock_.now()));
  EXPECT_EQ(session(id).state, SessionState::Ended);
  EXPECT_TRUE(core_->tables().live_sessions().empty());
}

}  // namespace
}  // namespace slipway::controller
