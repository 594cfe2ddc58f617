#include "controller/warm.hpp"

#include "controller/sessions_fixture.hpp"

namespace slipway::controller {
namespace {
using model::SessionState;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

/// A pool "p" whose hosts are there, with an agent that runs what it is told.
class WarmTest : public SessionsFixture {
 protected:
  HostId pool_host(ConnectionId connection, std::int64_t cpu_millis = 100'000) {
    const auto launched = *acted<LaunchInstance>();
    const auto instance = fmt::format("i-{}", connection);
    feed(LaunchAnswered{launched.host, cloud::Instance{.instance_id = instance}});
    auto hello = hello_of(launched, instance);
    hello.features = {std::string(wire::kServicesFeature)};
    feed(AgentSaid{connection, hello});
    credential_ = told<wire::Welcome>()->credential;
    feed(AgentSaid{connection, wire::Inventory{}});
    feed(AgentSaid{connection, wire::HostStatus{.ready = true,
                                                .capacity = {.cpu_millis = cpu_millis, .memory_bytes = 1000 * kGiB},
                                                .container_images = {"tiny:1"}}});
    return launched.host;
  }
  void one_host(std::int64_t cpu_millis = 100'000) {
    pool_ = pool(1);
    host_ = pool_host(1, cpu_millis);
    auto app = spec();
    app.sessions_a_person = 1000;
    register_as("book", app);
  }
  Result<void> warm(int count, const std::string& app = "book") {
    return command([&](Step& step) { return set_warm(step, admin_, pool_, app, count); });
  }
  /// Orders since the last call.
  std::vector<wire::StartAllocation> orders() {
    std::vector<wire::StartAllocation> found;
    for (const auto& action : std::exchange(actions_, {}))
      if (const auto* send = std::get_if<SendToAgent>(&action))
        if (const auto* order = std::get_if<wire::StartAllocation>(&send->message)) found.push_back(*order);
    return found;
  }
  void make_ready(const std::vector<wire::StartAllocation>& some) {
    for (const auto& order : some) feed(AgentSaid{1, running(order, true)});
  }
  void claimed(const AllocationId& allocation) {
    const auto& row = core_->tables().allocations.at(allocation);
    feed(AgentSaid{1, wire::AllocationReport{.allocation = allocation,
                                             .epoch = row.epoch,
                                             .state = model::AllocationState::Running,
                                             .ready = true,
                                             .claimed = true}});
  }
  WarmCount count(const std::string& app = "book") { return warm_counts(*core_, core_->tables().pools.at(pool_))[app]; }
  model::Principal person(const std::string& name) { return {.id = PrincipalId::make(random_), .name = name}; }
  Result<SessionId> start_as(const model::Principal& who, wire::StartSessionRequest request = {.app = "book"}) {
    return command([&](Step& step) { return start_session(step, who, request, ""); });
  }
  AllocationId place(const SessionId& id) {
    return core_->tables().current_of(core_->tables().jobs.at(session(id).job))->id;
  }

  PoolId pool_;
  HostId host_;
};

TEST_F(WarmTest, AsManyAsWanted_AreStartedWithoutAPerson) {
  one_host();
  ASSERT_TRUE(warm(3));
  const auto started = orders();
  ASSERT_EQ(started.size(), 3U);
  for (const auto& order : started) {
    EXPECT_TRUE(order.spec.service->warm);
    EXPECT_TRUE(order.spec.service->startup.empty());
    EXPECT_FALSE(order.spec.service->home_mount);
    EXPECT_TRUE(order.spec.service->app_token.starts_with("slwa_"));
  }
  EXPECT_EQ(count().ready, 0);
  EXPECT_EQ(count().starting, 3);
  make_ready(started);
  EXPECT_EQ(count().ready, 3);
  EXPECT_TRUE(core_->tables().sessions.rows().empty());
}

TEST_F(WarmTest, AStart_TakesOverAReadyOneInTheSameTurnAndItIsRefilled) {
  options_.homes = model::parse_homes("directory:/srv/homes").value();
  options_.home_quota_bytes = kGiB;
  restart();
  take(core_->start(clock_.now()));
  one_host();
  ASSERT_TRUE(warm(1));
  const auto kept = orders().at(0);
  make_ready({kept});
  orders();
  const auto ann = person("ann");
  const auto id = *start_as(ann, {.app = "book", .name = "thesis", .startup = {{"dpi", "192"}}});
  EXPECT_EQ(place(id), kept.allocation);
  EXPECT_EQ(session(id).state, SessionState::Starting);
  EXPECT_EQ(session(id).reason, "your files and settings are brought into the app");
  const auto claim = *told<wire::ClaimAllocation>();
  EXPECT_EQ(claim.allocation, kept.allocation);
  EXPECT_EQ(claim.startup, (std::map<std::string, std::string>{{"dpi", "192"}, {"locale", "C"}}));
  EXPECT_FALSE(claim.home) << "the app has no home";
  EXPECT_EQ(core_->tables().allocations.at(kept.allocation).meta.owner, ann.id);
  EXPECT_EQ(core_->tables().jobs.at(session(id).job).meta.owner, ann.id);
  EXPECT_EQ(view(id).app_token, kept.spec.service->app_token);

  const auto refill = *told<wire::StartAllocation>();
  EXPECT_NE(refill.allocation, kept.allocation);
  EXPECT_TRUE(refill.spec.service->warm);
  claimed(kept.allocation);
  EXPECT_EQ(session(id).state, SessionState::Ready);
  EXPECT_EQ(session(id).reason, "");
  EXPECT_GE(session(id).placed_at, session(id).meta.created_at);
}

TEST_F(WarmTest, AClaim_CarriesTheHomeOfItsPerson) {
  options_.homes = model::parse_homes("directory:/srv/homes").value();
  options_.home_quota_bytes = kGiB;
  restart();
  take(core_->start(clock_.now()));
  one_host();
  auto app = spec();
  app.home = "/home/person";
  register_as("book", app);
  ASSERT_TRUE(warm(1));
  make_ready(orders());
  const auto ann = person("ann");
  const auto id = *start_as(ann);
  const auto claim = *told<wire::ClaimAllocation>();
  ASSERT_TRUE(claim.home);
  EXPECT_EQ(claim.home->source, "/srv/homes");
  EXPECT_EQ(claim.home->name, ann.id.text());
  EXPECT_EQ(claim.home->quota_bytes, kGiB);
  EXPECT_TRUE(session(id).home_lasts);
}

TEST_F(WarmTest, TwoPeople_NeverGetTheSame) {
  one_host();
  ASSERT_TRUE(warm(1));
  make_ready(orders());
  const auto first = *start_as(person("ann"));
  const auto second = *start_as(person("bob"));
  EXPECT_NE(session(first).job, session(second).job);
  EXPECT_NE(place(first), place(second));
}

TEST_F(WarmTest, TwoHundredStartsOnFifty_FiftyAreThereAndTheOthersWaitInWords) {
  one_host(25'000);  // room for fifty
  ASSERT_TRUE(warm(50));
  make_ready(orders());
  ASSERT_EQ(count().ready, 50);
  std::set<AllocationId> given;
  std::map<AllocationId, PrincipalId> owners;
  int waiting = 0;
  std::vector<SessionId> sessions;
  for (int i = 0; i < 200; ++i) {
    const auto who = person(fmt::format("p{}", i));
    clock_.advance(Duration(1));
    sessions.push_back(*start_as(who));
    const auto& row = session(sessions.back());
    if (row.state == SessionState::Waiting) {
      ++waiting;
      EXPECT_THAT(row.reason, HasSubstr("needs 0.5 CPU; the largest free host has 0"));
      continue;
    }
    EXPECT_TRUE(given.insert(place(row.id)).second) << "given twice";
    EXPECT_EQ(core_->tables().allocations.at(place(row.id)).meta.owner, who.id);
    claimed(place(row.id));
    EXPECT_EQ(session(row.id).state, SessionState::Ready);
  }
  EXPECT_EQ(given.size(), 50U);
  EXPECT_EQ(waiting, 150);

  // Room goes to who waits longest, not to what is kept for others.
  actions_.clear();
  ASSERT_TRUE(stop(sessions[0]));
  auto over = report({.allocation = place(sessions[0]), .epoch = 1}, model::AllocationState::Stopped);
  over.claimed = true;
  over.stdout_bytes = over.stderr_bytes = 0;
  feed(AgentSaid{1, over});
  feed(LogsDurable{.allocation = over.allocation});
  const auto next = told<wire::StartAllocation>();
  ASSERT_TRUE(next);
  EXPECT_FALSE(next->spec.service->warm);
  EXPECT_EQ(session(sessions[50]).state, SessionState::Starting);
}

TEST_F(WarmTest, OneThatIsOnItsWay_IsTakenWhereNoneIsReady) {
  one_host(500);  // room for one: without it the person would wait for ever
  ASSERT_TRUE(warm(1));
  const auto kept = orders().at(0);
  const auto id = *start_as(person("ann"));
  EXPECT_EQ(place(id), kept.allocation);
  feed(AgentSaid{1, running(kept, true)});
  EXPECT_EQ(session(id).state, SessionState::Starting) << "it is not theirs yet";
  EXPECT_TRUE(told<wire::ClaimAllocation>()) << "told again until it is confirmed";
  claimed(kept.allocation);
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(WarmTest, ClaimThatWasLost_IsToldAgainAfterTheAgentCameBack) {
  one_host();
  ASSERT_TRUE(warm(1));
  const auto kept = orders().at(0);
  make_ready({kept});
  const auto id = *start_as(person("ann"));
  restart();
  take(core_->start(clock_.now()));
  actions_.clear();
  EXPECT_EQ(session(id).state, SessionState::Starting);
  // The agent comes back to a controller that was killed between the commit and the order.
  feed(AgentSaid{2, wire::Hello{.agent_version = "1",
                                .features = {std::string(wire::kServicesFeature)},
                                .credential = credential_,
                                .instance_id = core_->tables().hosts.at(host_).instance_id,
                                .hostname = "h",
                                .boot_id = "b"}});
  feed(AgentSaid{2, wire::Inventory{.allocations = {running(kept, true)}}});
  const auto claim = told<wire::ClaimAllocation>();
  ASSERT_TRUE(claim);
  EXPECT_EQ(claim->allocation, kept.allocation);
  auto done = running(kept, true);
  done.claimed = true;
  feed(AgentSaid{2, done});
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(WarmTest, OneThatEndedBeforeItsPersonWasInIt_IsMadeAnewForThem) {
  one_host();
  ASSERT_TRUE(warm(1));
  const auto kept = orders().at(0);
  make_ready({kept});
  const auto id = *start_as(person("ann"));
  actions_.clear();
  auto failed = report(kept, model::AllocationState::Failed);
  failed.reason = "exit code 1";
  failed.stdout_bytes = failed.stderr_bytes = 0;
  feed(AgentSaid{1, failed});
  const auto again = told<wire::StartAllocation>();
  ASSERT_TRUE(again);
  EXPECT_FALSE(again->spec.service->warm) << "it is a cold start now";
  EXPECT_EQ(again->epoch, kept.epoch + 1);
  EXPECT_EQ(again->spec.service->startup.size(), 2U);
  EXPECT_TRUE(told<wire::ForgetAllocation>());
  feed(AgentSaid{1, running(*again, true)});
  EXPECT_EQ(session(id).state, SessionState::Ready);
}

TEST_F(WarmTest, ANewVersion_ReplacesThoseOfTheOldOneThatAreNobodys) {
  one_host();
  ASSERT_TRUE(warm(2));
  const auto old = orders();
  make_ready(old);
  const auto id = *start_as(person("ann"));
  orders();
  auto changed = spec();
  changed.idle.after = minutes(1);
  const auto app = register_as("book", changed);
  int stopped = 0;
  std::vector<wire::StartAllocation> fresh;
  for (const auto& action : std::exchange(actions_, {}))
    if (const auto* send = std::get_if<SendToAgent>(&action)) {
      if (std::holds_alternative<wire::StopAllocation>(send->message)) ++stopped;
      if (const auto* order = std::get_if<wire::StartAllocation>(&send->message)) fresh.push_back(*order);
    }
  EXPECT_EQ(stopped, 2) << "the other one and the refill";
  ASSERT_EQ(fresh.size(), 2U);
  for (const auto& order : fresh) EXPECT_EQ(core_->tables().jobs.at(order.job).app, app);
  EXPECT_FALSE(session(id).stop_requested);
}

TEST_F(WarmTest, FewerWanted_StopsThoseThatAreNotReadyFirst) {
  one_host();
  ASSERT_TRUE(warm(2));
  const auto kept = orders();
  make_ready({kept[1]});
  ASSERT_TRUE(warm(1));
  EXPECT_EQ(told<wire::StopAllocation>()->allocation, kept[0].allocation);
  ASSERT_TRUE(warm(0));
  EXPECT_EQ(told<wire::StopAllocation>()->allocation, kept[1].allocation);
  EXPECT_TRUE(core_->tables().pools.at(pool_).warm.empty());
}

TEST_F(WarmTest, PoolThatIsDeleted_KeepsNone) {
  one_host();
  ASSERT_TRUE(warm(1));
  orders();
  ASSERT_TRUE(command([&](Step& step) { return delete_pool(step, admin_, pool_); }));
  EXPECT_TRUE(told<wire::StopAllocation>());
  EXPECT_FALSE(told<wire::StartAllocation>());
  EXPECT_EQ(warm(1).error().code, Code::Conflict);
  EXPECT_EQ(count().wanted, 0);
}

TEST_F(WarmTest, AppThatEndsByItself_IsStartedAgainEverMoreSlowlyAndSaysWhy) {
  one_host();
  ASSERT_TRUE(warm(1));
  const auto end = [&](const wire::StartAllocation& order) {
    auto failed = report(order, model::AllocationState::Failed);
    failed.reason = "exit code 3";
    failed.stdout_bytes = failed.stderr_bytes = 0;
    feed(AgentSaid{1, failed});
    feed(LogsDurable{.allocation = order.allocation});
  };
  end(orders().at(0));
  feed(Tick{});
  EXPECT_TRUE(orders().empty());
  EXPECT_THAT(count().reason, HasSubstr("ended by itself: exit code 3 (1 in a row)"));
  clock_.advance(seconds(1));
  feed(AgentSaid{1, wire::Heartbeat{}});
  feed(Tick{});
  const auto second = orders();
  ASSERT_EQ(second.size(), 1U);
  end(second[0]);
  feed(Tick{});
  clock_.advance(seconds(1));
  feed(Tick{});
  EXPECT_TRUE(orders().empty()) << "two seconds now";
  clock_.advance(seconds(1));
  feed(AgentSaid{1, wire::Heartbeat{}});
  feed(Tick{});
  const auto third = orders();
  ASSERT_EQ(third.size(), 1U);
  make_ready(third);
  feed(Tick{});
  EXPECT_EQ(count().reason, "");
}

TEST_F(WarmTest, AnotherPool_IsNotTakenFrom) {
  one_host();
  ASSERT_TRUE(warm(1));
  const auto kept = orders().at(0);
  make_ready({kept});
  ASSERT_TRUE(command([&](Step& step) {
    return create_pool(step, admin_, {.name = "q", .image = "ami-1", .instance_type = "t3.medium", .size = 0});
  }));
  const auto elsewhere = *start_as(person("ann"), {.app = "book", .pool = "q"});
  EXPECT_EQ(session(elsewhere).state, SessionState::Waiting);
  const auto here = *start_as(person("bob"), {.app = "book", .pool = "p"});
  EXPECT_EQ(place(here), kept.allocation);
}

TEST_F(WarmTest, HostOutOfReach_IsNotTakenFrom) {
  one_host();
  ASSERT_TRUE(warm(1));
  make_ready(orders());
  feed(AgentGone{1, "broken"});
  const auto id = *start_as(person("ann"));
  EXPECT_EQ(session(id).state, SessionState::Waiting);
}

TEST_F(WarmTest, ARepeatedStart_IsTheSessionOfTheFirstTime) {
  one_host();
  ASSERT_TRUE(warm(2));
  make_ready(orders());
  const auto first = *try_start({.app = "book"}, "key");
  EXPECT_EQ(*try_start({.app = "book"}, "key"), first);
  EXPECT_EQ(core_->tables().sessions.size(), 1U);
}

TEST_F(WarmTest, WhatCannotBe_IsRefused) {
  one_host();
  EXPECT_EQ(warm(1, "nothing").error().code, Code::NotFound);
  EXPECT_EQ(warm(-1).error().code, Code::InvalidInput);
  EXPECT_EQ(warm(1'000'000).error().code, Code::InvalidInput);
  EXPECT_TRUE(warm(0, "nothing"));
}

TEST_F(WarmTest, Restart_KeepsWhatIsKept) {
  one_host();
  ASSERT_TRUE(warm(2));
  make_ready(orders());
  restart();
  take(core_->start(clock_.now()));
  feed(Tick{});
  EXPECT_TRUE(orders().empty());
  EXPECT_EQ(core_->tables().unclaimed().size(), 2U);
}

}  // namespace
}  // namespace slipway::controller
