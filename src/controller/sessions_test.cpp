#include "base/digest.hpp"
#include "controller/core_fixture.hpp"
#include "controller/session_view.hpp"

namespace slipway::controller {
namespace {
using model::SessionState;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

class SessionsTest : public CoreFixture {
 protected:
  static model::AppSpec spec() {
    model::AppSpec spec;
    spec.container_image = "tiny:1";
    spec.resources = {.cpu_millis = 500, .memory_bytes = kGiB};
    spec.ports = {{.name = "web", .port = 8888, .kind = model::PortKind::Http}};
    spec.auth = {.header = "Authorization", .value = "token {token}"};
    spec.idle = {.after = minutes(10), .cpu_millis_below = 50, .warning = minutes(1)};
    spec.startup = {{"dpi", "96"}, {"locale", "C"}};
    spec.longest = hours(2);
    spec.sessions_a_person = 2;
    return spec;
  }
  AppId register_as(const std::string& name, const model::AppSpec& app) {
    return *command([&](Step& step) { return register_app(step, admin_, {.name = name, .spec = app}); });
  }
  Result<SessionId> try_start(const wire::StartSessionRequest& request, const std::string& key = "") {
    return command([&](Step& step) { return start_session(step, admin_, request, key); });
  }
  SessionId start() {
    if (core_->tables().newest_app("book") == nullptr) register_as("book", spec());
    return *try_start({.app = "book"});
  }
  Result<void> stop(const SessionId& id) {
    return command([&](Step& step) { return stop_session(step, admin_.id, id, "stopped on request"); });
  }
  NewLink link(const SessionId& id, Duration lifetime = {}) {
    return *command([&](Step& step) { return create_link(step, admin_, id, lifetime); });
  }
  /// A machine that joined by hand, whose agent can run sessions.
  HostId host_for_sessions(ConnectionId connection, const std::string& name = "desk") {
    const auto token = *command([&](Step& step) { return create_join_token(step, admin_); });
    feed(AgentSaid{connection, wire::Hello{.agent_version = "1",
                                           .features = {std::string(wire::kServicesFeature)},
                                           .join_token = token.secret,
                                           .hostname = name,
                                           .boot_id = "b"}});
    credential_ = told<wire::Welcome>()->credential;
    ready(connection);
    return token.host;
  }
  /// The agent is back with what it holds.
  void reconnect(ConnectionId connection, wire::Inventory inventory) {
    feed(AgentSaid{connection, wire::Hello{.agent_version = "1",
                                           .features = {std::string(wire::kServicesFeature)},
                                           .credential = credential_,
                                           .hostname = "desk",
                                           .boot_id = "b"}});
    feed(AgentSaid{connection, std::move(inventory)});
  }
  static wire::AllocationReport running(const wire::StartAllocation& order, bool is_ready,
                                        const std::string& waiting_for = "") {
    auto one = report(order, model::AllocationState::Running);
    one.ready = is_ready;
    one.waiting_for = waiting_for;
    return one;
  }
  /// A session whose app has answered, on a host of its own.
  SessionId ready_session() {
    host_for_sessions(1);
    const auto id = start();
    order_ = *told<wire::StartAllocation>();
    feed(AgentSaid{1, running(order_, true)});
    return id;
  }
  /// The agent goes on with its heartbeats and says how busy the app is.
  void pass_with_activity(Duration time, std::int64_t cpu_millis) {
    for (Duration t{0}; t < time; t += seconds(1)) {
      clock_.advance(seconds(1));
      feed(AgentSaid{1, wire::Heartbeat{}});
      feed(AgentSaid{1, wire::ServiceActivity{.allocation = order_.allocation, .cpu_millis = cpu_millis}});
      feed(Tick{});
    }
  }
  const model::Session& session(const SessionId& id) { return core_->tables().sessions.at(id); }
  SessionView view(const SessionId& id) { return *session_view(*core_, id); }
  bool changed(const SessionId& id) {
    bool found = false;
    for (const auto& action : actions_)
      if (const auto* one = std::get_if<SessionChanged>(&action)) found = found || one->session == id;
    actions_.clear();
    return found;
  }

  wire::StartAllocation order_;
};

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
  EXPECT_EQ(third.error().code, Code::Exhausted);
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

// ---- ends ----

TEST_F(SessionsTest, StoppedWhileItWaits_HasEndedAtOnce) {
  const auto id = start();
  ASSERT_TRUE(stop(id));
  EXPECT_EQ(session(id).state, SessionState::Ended);
  EXPECT_EQ(session(id).reason, "stopped on request");
  EXPECT_EQ(stop(id).error().code, Code::Conflict);
}

TEST_F(SessionsTest, StoppedWhileReady_EndsWithItsContainer) {
  const auto id = ready_session();
  ASSERT_TRUE(stop(id));
  EXPECT_TRUE(stop(id));  // a second stop does nothing
  EXPECT_EQ(session(id).state, SessionState::Stopping);
  EXPECT_EQ(told<wire::StopAllocation>()->allocation, order_.allocation);
  auto stopped = report(order_, model::AllocationState::Stopped);
  stopped.stdout_bytes = stopped.stderr_bytes = 0;
  feed(AgentSaid{1, stopped});
  feed(LogsDurable{.allocation = order_.allocation});
  EXPECT_EQ(session(id).state, SessionState::Ended);
  EXPECT_EQ(session(id).reason, "stopped on request");
}

TEST_F(SessionsTest, HardEnd_EndsItAlsoWhenItOnlyWaits) {
  register_as("book", spec());
  const auto id = *try_start({.app = "book", .longest = minutes(1)});
  pass(seconds(59));
  EXPECT_EQ(session(id).state, SessionState::Waiting);
  pass(seconds(1));
  EXPECT_EQ(session(id).state, SessionState::Ended);
  EXPECT_EQ(session(id).reason, "its time was over");
}

TEST_F(SessionsTest, Extending_MovesTheEndWithinWhatTheAppAllows) {
  register_as("book", spec());
  const auto id = *try_start({.app = "book", .longest = minutes(1)});
  const auto extend = [&](Duration longer) {
    return command([&](Step& step) { return extend_session(step, admin_.id, id, longer); });
  };
  ASSERT_TRUE(extend(minutes(30)));
  EXPECT_EQ(session(id).ends_at, clock_.now().wall + minutes(30));
  ASSERT_TRUE(extend(Duration(0)));
  EXPECT_EQ(session(id).ends_at, clock_.now().wall + minutes(30));
  clock_.advance(minutes(1));
  EXPECT_EQ(extend(hours(2)).error().code, Code::InvalidInput);
  ASSERT_TRUE(stop(id));
  EXPECT_EQ(extend(Duration(0)).error().code, Code::Conflict);
  EXPECT_THAT(commands_, Contains("ExtendSession"));
}

// ---- idle ----

TEST_F(SessionsTest, NobodyThereAndNothingComputed_EndsIt) {
  const auto id = ready_session();
  pass_with_activity(minutes(9) - seconds(1), 10);
  EXPECT_EQ(session(id).state, SessionState::Ready);
  actions_.clear();
  pass_with_activity(seconds(2), 10);
  EXPECT_TRUE(changed(id));  // the countdown is shown from now on
  EXPECT_LE(view(id).idle_ends_at - clock_.now().wall, minutes(1));
  pass_with_activity(minutes(1), 10);
  EXPECT_EQ(session(id).state, SessionState::Stopping);
  EXPECT_EQ(session(id).reason, "nobody used it for 10m00s");
}

TEST_F(SessionsTest, AnOpenConnection_KeepsItAndItsEndStartsTheCountdown) {
  const auto id = ready_session();
  feed(SessionUsed{id, 1});
  pass_with_activity(minutes(30), 10);
  EXPECT_EQ(session(id).state, SessionState::Ready);
  EXPECT_EQ(view(id).idle_ends_at, WallTime{});
  feed(SessionUsed{id, 0});
  pass_with_activity(minutes(9), 10);
  EXPECT_EQ(session(id).state, SessionState::Ready);
  pass_with_activity(minutes(2), 10);
  EXPECT_EQ(session(id).state, SessionState::Stopping);
}

TEST_F(SessionsTest, AnAppThatComputes_KeepsIt) {
  const auto id = ready_session();
  pass_with_activity(minutes(30), 50);
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(SessionsTest, AnAppOfWhichNothingIsHeard_IsNotEndedForBeingIdle) {
  const auto id = ready_session();
  for (int i = 0; i < 3600; ++i) {
    clock_.advance(seconds(1));
    feed(AgentSaid{1, wire::Heartbeat{}});
    feed(Tick{});
  }
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(SessionsTest, Extending_StartsTheCountdownAnew) {
  const auto id = ready_session();
  pass_with_activity(minutes(9), 10);
  EXPECT_NE(view(id).idle_ends_at, WallTime{});
  ASSERT_TRUE(command([&](Step& step) { return extend_session(step, admin_.id, id, Duration(0)); }));
  EXPECT_EQ(view(id).idle_ends_at, WallTime{});
  pass_with_activity(minutes(9), 10);
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(SessionsTest, UseAlone_CostsNoCommit) {
  const auto id = ready_session();
  auto outcome = core_->handle(SessionUsed{id, 1}, clock_.now());
  EXPECT_TRUE(outcome.sets.empty());
  clock_.advance(seconds(1));
  EXPECT_TRUE(core_->handle(SessionUsed{id, 0}, clock_.now()).sets.empty());
  clock_.advance(seconds(1));
  EXPECT_TRUE(core_->handle(Tick{}, clock_.now()).sets.empty());
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

// ---- links ----

TEST_F(SessionsTest, Link_LetsInUntilItIsRevoked) {
  const auto id = ready_session();
  const auto first = link(id);
  const auto second = link(id);
  const auto now = clock_.now().wall;
  EXPECT_TRUE(first.secret.starts_with("slws_"));
  EXPECT_EQ(*link_of_secret(*core_, id, first.secret, now), first.id);
  EXPECT_TRUE(link_lets_in(*core_, id, first.id, now));
  EXPECT_EQ(core_->tables().links.at(first.id).secret_sha256, sha256_hex(first.secret));
  actions_.clear();
  ASSERT_TRUE(command([&](Step& step) { return revoke_link(step, admin_.id, first.id); }));
  EXPECT_TRUE(changed(id));
  EXPECT_EQ(link_of_secret(*core_, id, first.secret, now).error().code, Code::Unauthenticated);
  EXPECT_FALSE(link_lets_in(*core_, id, first.id, now));
  EXPECT_TRUE(link_lets_in(*core_, id, second.id, now));
  EXPECT_EQ(command([&](Step& step) { return revoke_link(step, admin_.id, first.id); }).error().code, Code::NotFound);
  restart();
  EXPECT_FALSE(link_lets_in(*core_, id, first.id, now));
}

TEST_F(SessionsTest, LinkOfAnotherSession_DoesNotLetIn) {
  const auto id = ready_session();
  const auto other = start();
  const auto way_in = link(other);
  EXPECT_FALSE(link_of_secret(*core_, id, way_in.secret, clock_.now().wall));
  EXPECT_FALSE(link_lets_in(*core_, id, way_in.id, clock_.now().wall));
}

TEST_F(SessionsTest, Link_ExpiresWithItsLifetime) {
  const auto id = ready_session();
  const auto way_in = link(id, minutes(5));
  EXPECT_TRUE(link_lets_in(*core_, id, way_in.id, clock_.now().wall + minutes(5) - Duration(1)));
  EXPECT_FALSE(link_lets_in(*core_, id, way_in.id, clock_.now().wall + minutes(5)));
  EXPECT_FALSE(link_of_secret(*core_, id, way_in.secret, clock_.now().wall + minutes(5)));
}

TEST_F(SessionsTest, Links_DieWithTheirSession) {
  const auto id = start();
  link(id);
  ASSERT_TRUE(stop(id));
  EXPECT_EQ(core_->tables().links.size(), 0U);
  const auto late = command([&](Step& step) { return create_link(step, admin_, id, {}); });
  EXPECT_EQ(late.error().code, Code::Conflict);
}

TEST_F(SessionsTest, History_NamesWhatWasDone) {
  const auto id = ready_session();
  link(id);
  ASSERT_TRUE(stop(id));
  for (const auto* name : {"RegisterApp", "StartSession", "RecordSession", "CreateLink", "StopSession", "StopJob"})
    EXPECT_THAT(commands_, Contains(name));
}

}  // namespace
}  // namespace slipway::controller
