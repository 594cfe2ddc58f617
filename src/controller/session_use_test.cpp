// How sessions end: on request, when their time is over, when nobody uses them; and who is let in until then.
#include "base/digest.hpp"
#include "controller/sessions_fixture.hpp"

namespace slipway::controller {
namespace {
using model::SessionState;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::HasSubstr;

using SessionUseTest = SessionsFixture;

// ---- ends ----

TEST_F(SessionUseTest, StoppedWhileItWaits_HasEndedAtOnce) {
  const auto id = start();
  ASSERT_TRUE(stop(id));
  EXPECT_EQ(session(id).state, SessionState::Ended);
  EXPECT_EQ(session(id).reason, "stopped on request");
  EXPECT_EQ(stop(id).error().code, Code::Conflict);
}

TEST_F(SessionUseTest, StoppedWhileReady_EndsWithItsContainer) {
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

TEST_F(SessionUseTest, HardEnd_EndsItAlsoWhenItOnlyWaits) {
  register_as("book", spec());
  const auto id = *try_start({.app = "book", .longest = minutes(1)});
  pass(seconds(59));
  EXPECT_EQ(session(id).state, SessionState::Waiting);
  pass(seconds(1));
  EXPECT_EQ(session(id).state, SessionState::Ended);
  EXPECT_EQ(session(id).reason, "its time was over");
}

TEST_F(SessionUseTest, Extending_MovesTheEndWithinWhatTheAppAllows) {
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

TEST_F(SessionUseTest, NobodyThereAndNothingComputed_EndsIt) {
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

TEST_F(SessionUseTest, AnOpenConnection_KeepsItAndItsEndStartsTheCountdown) {
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

TEST_F(SessionUseTest, AnAppThatComputes_KeepsIt) {
  const auto id = ready_session();
  pass_with_activity(minutes(30), 50);
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(SessionUseTest, AnAppOfWhichNothingIsHeard_IsNotEndedForBeingIdle) {
  const auto id = ready_session();
  for (int i = 0; i < 3600; ++i) {
    clock_.advance(seconds(1));
    feed(AgentSaid{1, wire::Heartbeat{}});
    feed(Tick{});
  }
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(SessionUseTest, ActivityThatIsNotOfThisAttemptOnThisHost_IsIgnored) {
  const auto id = ready_session();
  host_for_sessions(2, "other");
  const wire::ServiceActivity busy{.allocation = order_.allocation, .cpu_millis = 5000};
  for (int i = 0; i < 11 * 60; ++i) {
    feed(AgentSaid{2, busy});  // another host's word counts for nothing
    feed(AgentSaid{1, wire::ServiceActivity{.allocation = AllocationId::make(random_), .cpu_millis = 5000}});
    pass_with_activity(seconds(1), 10);
  }
  EXPECT_EQ(session(id).state, SessionState::Stopping);
  feed(AgentSaid{1, busy});
  feed(AgentSaid{1, busy});  // repeated, and after the stop
  EXPECT_EQ(session(id).state, SessionState::Stopping);
}

TEST_F(SessionUseTest, Extending_StartsTheCountdownAnew) {
  const auto id = ready_session();
  pass_with_activity(minutes(9), 10);
  EXPECT_NE(view(id).idle_ends_at, WallTime{});
  ASSERT_TRUE(command([&](Step& step) { return extend_session(step, admin_.id, id, Duration(0)); }));
  EXPECT_EQ(view(id).idle_ends_at, WallTime{});
  pass_with_activity(minutes(9), 10);
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(SessionUseTest, UseAlone_CostsNoCommit) {
  const auto id = ready_session();
  auto outcome = core_->handle(SessionUsed{id, 1}, clock_.now());
  EXPECT_TRUE(outcome.sets.empty());
  clock_.advance(seconds(1));
  EXPECT_TRUE(core_->handle(SessionUsed{id, 0}, clock_.now()).sets.empty());
  clock_.advance(seconds(1));
  EXPECT_TRUE(core_->handle(Tick{}, clock_.now()).sets.empty());
}

// ---- links ----

TEST_F(SessionUseTest, Link_LetsInUntilItIsRevoked) {
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

TEST_F(SessionUseTest, LinkOfAnotherSession_DoesNotLetIn) {
  const auto id = ready_session();
  const auto other = start();
  const auto way_in = link(other);
  EXPECT_FALSE(link_of_secret(*core_, id, way_in.secret, clock_.now().wall));
  EXPECT_FALSE(link_lets_in(*core_, id, way_in.id, clock_.now().wall));
}

TEST_F(SessionUseTest, Link_ExpiresWithItsLifetime) {
  const auto id = ready_session();
  const auto way_in = link(id, minutes(5));
  EXPECT_TRUE(link_lets_in(*core_, id, way_in.id, clock_.now().wall + minutes(5) - Duration(1)));
  EXPECT_FALSE(link_lets_in(*core_, id, way_in.id, clock_.now().wall + minutes(5)));
  EXPECT_FALSE(link_of_secret(*core_, id, way_in.secret, clock_.now().wall + minutes(5)));
}

TEST_F(SessionUseTest, Links_DieWithTheirSession) {
  const auto id = start();
  link(id);
  ASSERT_TRUE(stop(id));
  EXPECT_EQ(core_->tables().links.size(), 0U);
  const auto late = command([&](Step& step) { return create_link(step, admin_, id, {}); });
  EXPECT_EQ(late.error().code, Code::Conflict);
}

TEST_F(SessionUseTest, History_NamesWhatWasDone) {
  const auto id = ready_session();
  link(id);
  ASSERT_TRUE(stop(id));
  for (const auto* name : {"RegisterApp", "StartSession", "RecordSession", "CreateLink", "StopSession", "StopJob"})
    EXPECT_THAT(commands_, Contains(name));
}

}  // namespace
}  // namespace slipway::controller
