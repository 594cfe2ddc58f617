#include "controller/workshops.hpp"

#include "controller/seat_view.hpp"
#include "controller/sessions_fixture.hpp"
#include "controller/workshop_commands.hpp"

namespace slipway::controller {
namespace {

using model::SeatState;
using model::SessionState;
using model::WorkshopState;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

class WorkshopsTest : public SessionsFixture {
 protected:
  wire::CreateWorkshopRequest request(int seats) {
    wire::CreateWorkshopRequest one{.name = "class"};
    one.spec.app = "book";
    one.spec.seats = seats;
    one.spec.end = clock_.now().wall + hours(4);
    return one;
  }
  Result<WorkshopId> try_make(const wire::CreateWorkshopRequest& wanted) {
    if (core_->tables().newest_app("book") == nullptr) {
      auto app = spec();
      app.home = "/home/user";
      register_as("book", app);
    }
    return command([&](Step& step) { return create_workshop(step, admin_, wanted); });
  }
  WorkshopId make(int seats) { return *try_make(request(seats)); }
  /// With hosts of its own.
  WorkshopId make_with_pool(int seats) {
    auto wanted = request(seats);
    wanted.spec.image = "ami-1";
    wanted.spec.instance_type = "t3.medium";
    return *try_make(wanted);
  }
  const model::Workshop& workshop(const WorkshopId& id) { return core_->tables().workshops.at(id); }
  const model::Seat& seat(const WorkshopId& id, int number) { return **seat_with_number(core_->tables(), id, number); }
  SeatState state_of(const WorkshopId& id, int number) {
    return model::seat_state(seat_facts(core_->tables(), core_->known(), seat(id, number)));
  }
  SessionState session_of(const WorkshopId& id, int number) { return session(seat(id, number).session).state; }
  /// Every order that was given since the last call.
  std::vector<wire::StartAllocation> orders() {
    std::vector<wire::StartAllocation> found;
    for (const auto& action : actions_)
      if (const auto* send = std::get_if<SendToAgent>(&action))
        if (const auto* order = std::get_if<wire::StartAllocation>(&send->message)) found.push_back(*order);
    actions_.clear();
    return found;
  }
  void make_ready(ConnectionId connection) {
    for (const auto& order : orders()) {
      by_job_[order.job] = order;
      feed(AgentSaid{connection, running(order, true)});
    }
  }
  void end_by_itself(ConnectionId connection, const SessionId& id, model::AllocationState state) {
    const auto& order = by_job_.at(session(id).job);
    auto end = report(order, state);
    end.reason = "exit code 1";
    end.stdout_bytes = end.stderr_bytes = 0;
    feed(AgentSaid{connection, end});
    feed(LogsDurable{.allocation = order.allocation});
  }
  void pass_alive(ConnectionId connection, Duration time) {
    for (Duration t{0}; t < time; t += seconds(1)) {
      clock_.advance(seconds(1));
      feed(AgentSaid{connection, wire::Heartbeat{}});
      feed(Tick{});
    }
  }
  Result<std::vector<IssuedLink>> issue(const WorkshopId& id, std::vector<int> seats = {}, bool again = false) {
    return command(
        [&](Step& step) { return issue_links(step, admin_, id, {.seats = std::move(seats), .again = again}); });
  }
  SessionView seen(const WorkshopId& id, int number) {
    return *seat_view(*core_, seat(id, number).id, clock_.now().wall);
  }
  void end(const WorkshopId& id) {
    ASSERT_TRUE(command([&](Step& step) { return end_workshop(step, admin_.id, id, "ended on request"); }));
    feed(Tick{});
  }

  std::map<JobId, wire::StartAllocation> by_job_;
};

TEST_F(WorkshopsTest, Seats_StartAtOnce_EachWithAPersonOfItsOwn) {
  host_for_sessions(1);
  const auto id = make(3);
  EXPECT_EQ(workshop(id).state, WorkshopState::Open);
  std::set<PrincipalId> people;
  for (int number = 1; number <= 3; ++number) {
    people.insert(seat(id, number).principal);
    EXPECT_EQ(session(seat(id, number).session).meta.owner, seat(id, number).principal);
    EXPECT_EQ(session(seat(id, number).session).ends_at, workshop(id).spec.end);
    EXPECT_EQ(state_of(id, number), SeatState::Waiting);
  }
  EXPECT_EQ(people.size(), 3U);
  make_ready(1);
  EXPECT_EQ(state_of(id, 1), SeatState::Ready);
}

TEST_F(WorkshopsTest, WithoutAnEnd_OrUnderATakenName_IsRefused) {
  auto wanted = request(1);
  wanted.spec.end = {};
  EXPECT_EQ(try_make(wanted).error().code, Code::InvalidInput);
  make(1);
  EXPECT_EQ(try_make(request(1)).error().code, Code::Conflict);
  wanted = request(1);
  wanted.name = "other";
  wanted.spec.app = "nothing";
  EXPECT_EQ(try_make(wanted).error().code, Code::NotFound);
  wanted.spec.app = "book";
  wanted.spec.pool = "nowhere";
  EXPECT_EQ(try_make(wanted).error().code, Code::NotFound);
}

TEST_F(WorkshopsTest, BeforeItsTime_NothingIsLaunched) {
  auto wanted = request(4);
  wanted.spec.image = "ami-1";
  wanted.spec.instance_type = "t3.medium";
  wanted.spec.spare_percent = 25;
  wanted.spec.start = clock_.now().wall + hours(1);
  const auto id = *try_make(wanted);
  feed(Tick{});
  EXPECT_EQ(workshop(id).state, WorkshopState::Planned);
  EXPECT_FALSE(acted<LaunchInstance>());
  EXPECT_THAT(seen(id, 1).reason, HasSubstr("begins at"));
  restart();
  clock_.advance(hours(1) - model::kWorkshopLead);
  feed(Tick{});
  EXPECT_EQ(workshop(id).state, WorkshopState::Open);
  EXPECT_EQ(core_->tables().pools.at(workshop(id).pool).size, 5);
  EXPECT_TRUE(acted<LaunchInstance>());
  EXPECT_EQ(session_of(id, 4), SessionState::Waiting);
}

TEST_F(WorkshopsTest, ASpareSeat_StartsWhenSomebodyComes) {
  host_for_sessions(1);
  auto wanted = request(1);
  wanted.spec.spare_percent = 100;
  const auto id = *try_make(wanted);
  EXPECT_TRUE(seat(id, 2).spare);
  EXPECT_EQ(state_of(id, 2), SeatState::Spare);
  ASSERT_TRUE(command([&](Step& step) { return open_seat(step, seat(id, 2).id); }));
  EXPECT_EQ(state_of(id, 2), SeatState::Waiting);
  EXPECT_FALSE(seat(id, 2).session.empty());
}

TEST_F(WorkshopsTest, ASeatsOwnSize_IsAskedForInsteadOfTheApps) {
  host_for_sessions(1);
  auto wanted = request(1);
  wanted.spec.resources = model::Resources{250, kGiB / 2};
  const auto id = *try_make(wanted);
  ASSERT_EQ(orders().at(0).spec.resources.cpu_millis, 250);
  EXPECT_EQ(session_of(id, 1), SessionState::Starting);
}

TEST_F(WorkshopsTest, ASessionThatFails_IsStartedAgainOnTheSameLink) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  const auto link = issue(id)->at(0).secret;
  const auto first = seat(id, 1).session;
  end_by_itself(1, first, model::AllocationState::Failed);
  EXPECT_EQ(session(first).state, SessionState::Ended);
  EXPECT_THAT(seen(id, 1).reason, HasSubstr("being started again"));
  EXPECT_EQ(seen(id, 1).state, SessionState::Waiting);
  restart();
  pass_alive(1, seconds(2));
  EXPECT_NE(seat(id, 1).session, first);
  EXPECT_EQ(seat(id, 1).failures, 1);
  EXPECT_TRUE(link_of_secret(*core_, seat(id, 1).id, link, clock_.now().wall));
}

TEST_F(WorkshopsTest, ASessionStoppedOnPurpose_StaysStopped) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  ASSERT_TRUE(stop(seat(id, 1).session));
  end_by_itself(1, seat(id, 1).session, model::AllocationState::Stopped);
  const auto first = seat(id, 1).session;
  pass_alive(1, minutes(2));
  EXPECT_EQ(seat(id, 1).session, first);
  EXPECT_EQ(state_of(id, 1), SeatState::Ended);
}

TEST_F(WorkshopsTest, ALostHost_LeavesSessionAndLink) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  const auto link = issue(id)->at(0).secret;
  const auto first = seat(id, 1).session;
  feed(AgentGone{1, "reset"});
  pass(seconds(20));
  EXPECT_EQ(seat(id, 1).session, first);
  EXPECT_EQ(session_of(id, 1), SessionState::Waiting);
  EXPECT_EQ(state_of(id, 1), SeatState::Waiting);
  EXPECT_TRUE(link_of_secret(*core_, seat(id, 1).id, link, clock_.now().wall));
}

// ---- links ----

TEST_F(WorkshopsTest, Links_AreToldOnce_AndReissuedOnRequest) {
  host_for_sessions(1);
  const auto id = make(2);
  const auto first = issue(id);
  ASSERT_EQ(first->size(), 2U);
  EXPECT_TRUE(first->at(1).secret.starts_with("slws_"));
  EXPECT_EQ(issue(id)->at(0).secret, "");
  const auto again = issue(id, {2}, true);
  ASSERT_EQ(again->size(), 1U);
  EXPECT_FALSE(link_of_secret(*core_, seat(id, 2).id, first->at(1).secret, clock_.now().wall));
  EXPECT_TRUE(link_of_secret(*core_, seat(id, 2).id, again->at(0).secret, clock_.now().wall));
  EXPECT_FALSE(link_of_secret(*core_, seat(id, 1).id, again->at(0).secret, clock_.now().wall));
  EXPECT_EQ(issue(id, {3}).error().code, Code::NotFound);
}

TEST_F(WorkshopsTest, ASeatsLink_LetsIntoItsCurrentSessionOnly) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  const auto link = *link_of_secret(*core_, seat(id, 1).id, issue(id)->at(0).secret, clock_.now().wall);
  const auto before = seat(id, 1).session;
  EXPECT_TRUE(link_lets_in(*core_, before, link, clock_.now().wall));
  ASSERT_TRUE(command([&](Step& step) { return replace_seat(step, admin_, seat(id, 1).id); }));
  EXPECT_FALSE(link_lets_in(*core_, before, link, clock_.now().wall));
  EXPECT_TRUE(link_lets_in(*core_, seat(id, 1).session, link, clock_.now().wall));
  EXPECT_TRUE(link_lets_in(*core_, seat(id, 1).id, link, clock_.now().wall));
}

// ---- replace ----

TEST_F(WorkshopsTest, Replace_GoesToAnotherHost) {
  const auto bad = host_for_sessions(1, "bad");
  const auto id = make(1);
  make_ready(1);
  const auto before = seat(id, 1).session;
  ASSERT_TRUE(command([&](Step& step) { return replace_seat(step, admin_, seat(id, 1).id); }));
  EXPECT_EQ(session(before).state, SessionState::Stopping);
  EXPECT_EQ(session_of(id, 1), SessionState::Waiting) << "the old host has room, but is not asked";
  host_for_sessions(2, "good");
  EXPECT_EQ(view(seat(id, 1).session).host_name, "good");
  EXPECT_EQ(seat(id, 1).leaving, before);
  end_by_itself(1, before, model::AllocationState::Stopped);
  pass_alive(1, seconds(1));
  EXPECT_TRUE(seat(id, 1).leaving.empty());
  EXPECT_EQ(host(bad).state, model::HostState::Ready) << "a machine that joined by hand is not ours to end";
}

TEST_F(WorkshopsTest, Replace_EndsTheOldMachineOfItsOwnPool) {
  const auto id = make_with_pool(1);
  const auto launched = *acted<LaunchInstance>();
  feed(LaunchAnswered{launched.host, cloud::Instance{.instance_id = "i-1"}});
  auto hello = hello_of(launched, "i-1");
  hello.features = {std::string(wire::kServicesFeature)};
  actions_.clear();
  feed(AgentSaid{1, hello});
  ready(1);
  make_ready(1);
  const auto before = seat(id, 1).session;
  ASSERT_EQ(session(before).state, SessionState::Ready);
  ASSERT_TRUE(command([&](Step& step) { return replace_seat(step, admin_, seat(id, 1).id); }));
  end_by_itself(1, before, model::AllocationState::Stopped);
  restart();
  feed(Tick{});
  EXPECT_EQ(host(launched.host).state, model::HostState::Terminating);
}

// ---- use ----

TEST_F(WorkshopsTest, Board_TellsActiveFromIdle_AndNobodyIsSentAway) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  order_ = by_job_.begin()->second;
  feed(SessionUsed{.session = seat(id, 1).session, .connections = 1});
  EXPECT_EQ(state_of(id, 1), SeatState::Active);
  feed(SessionUsed{.session = seat(id, 1).session, .connections = 0});
  pass_with_activity(minutes(6), 0);
  EXPECT_EQ(state_of(id, 1), SeatState::Idle);
  pass_with_activity(minutes(10), 0);
  EXPECT_EQ(session_of(id, 1), SessionState::Ready) << "the app's own rule is ten minutes";
  EXPECT_EQ(view(seat(id, 1).session).idle_ends_at, WallTime{});
}

TEST_F(WorkshopsTest, AParticipant_CannotOutstayTheWorkshop) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  const auto session = seat(id, 1).session;
  const auto longer = command([&](Step& step) { return extend_session(step, admin_.id, session, hours(9)); });
  EXPECT_EQ(longer.error().code, Code::Denied);
  EXPECT_TRUE(command([&](Step& step) { return extend_session(step, admin_.id, session, Duration{0}); }));
}

TEST_F(WorkshopsTest, Extend_MovesTheEndOfEverySession) {
  host_for_sessions(1);
  const auto id = make(2);
  make_ready(1);
  const auto until = clock_.now().wall + hours(6);
  ASSERT_TRUE(command([&](Step& step) { return extend_workshop(step, admin_, id, until); }));
  EXPECT_EQ(session(seat(id, 2).session).ends_at, until);
  const auto past = command([&](Step& step) { return extend_workshop(step, admin_, id, clock_.now().wall); });
  EXPECT_EQ(past.error().code, Code::InvalidInput);
}

TEST_F(WorkshopsTest, Files_GoIntoEveryHome_NowAndLater) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  const model::Manifest files{{.path = "a.ipynb", .sha256 = std::string(64, 'a'), .size_bytes = 1}};
  ASSERT_TRUE(command([&](Step& step) { return send_files(step, admin_, id, files, false); }));
  ASSERT_EQ(seat(id, 1).placing.size(), 1U);
  EXPECT_EQ(core_->tables().home_tasks.at(seat(id, 1).placing[0]).home, seat(id, 1).principal);
  ASSERT_TRUE(command([&](Step& step) { return replace_seat(step, admin_, seat(id, 1).id); }));
  EXPECT_EQ(seat(id, 1).placing.size(), 2U);
}

// ---- the end ----

TEST_F(WorkshopsTest, NearTheEnd_PagesSaySo) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  EXPECT_EQ(seen(id, 1).notice, "");
  clock_.advance(hours(4) - minutes(5));
  EXPECT_EQ(seen(id, 1).notice, "The workshop ends in 5m00s. Save your work.");
}

TEST_F(WorkshopsTest, AtItsEnd_LinksSessionsAndPoolGo) {
  const auto id = make_with_pool(1);
  const auto launched = *acted<LaunchInstance>();
  feed(LaunchAnswered{launched.host, cloud::Instance{.instance_id = "i-1"}});
  issue(id).value();
  const auto pool = workshop(id).pool;
  clock_.advance(hours(4));
  feed(Tick{});
  EXPECT_EQ(workshop(id).state, WorkshopState::Ending);
  EXPECT_EQ(core_->tables().links.size(), 0U);
  EXPECT_EQ(seen(id, 1).state, SessionState::Ended);
  EXPECT_EQ(issue(id).error().code, Code::Conflict);
  feed(Tick{});
  EXPECT_EQ(session_of(id, 1), SessionState::Ended);
  EXPECT_TRUE(core_->tables().pools.at(pool).deleting);
  restart();
  feed(InstancesListed{.instances = {}, .asked_at = clock_.now().steady});
  clock_.advance(minutes(1));
  feed(InstancesListed{.instances = {}, .asked_at = clock_.now().steady});
  feed(Tick{});
  feed(Tick{});
  EXPECT_EQ(core_->tables().pools.find(pool), nullptr);
  EXPECT_EQ(workshop(id).state, WorkshopState::Ended);
  EXPECT_EQ(state_of(id, 1), SeatState::Ended);
  EXPECT_TRUE(try_make(request(1))) << "the name is free again";
}

TEST_F(WorkshopsTest, End_ExportsHomesThatGoWithTheSession_BeforeItIsStopped) {
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  end(id);
  EXPECT_EQ(workshop(id).state, WorkshopState::Ending);
  const auto task = seat(id, 1).exporting;
  ASSERT_FALSE(task.empty());
  EXPECT_EQ(session_of(id, 1), SessionState::Ready) << "its files would go with it";
  restart();
  feed(Tick{});
  EXPECT_EQ(seat(id, 1).exporting, task) << "asked for once";
  clock_.advance(kExportPatience);
  feed(Tick{});
  EXPECT_TRUE(seat(id, 1).exported);
  EXPECT_THAT(seat(id, 1).note, HasSubstr("not exported: no host could do it in time"));
  EXPECT_NE(session_of(id, 1), SessionState::Ready);
}

TEST_F(WorkshopsTest, End_WithHomesThatLast_StopsFirstAndRecordsTheArchive) {
  options_.homes = model::HomeMount{.kind = model::HomeKind::Directory, .source = "/homes"};
  restart();
  host_for_sessions(1);
  const auto id = make(1);
  make_ready(1);
  end(id);
  EXPECT_EQ(session_of(id, 1), SessionState::Stopping);
  EXPECT_TRUE(seat(id, 1).exporting.empty());
  end_by_itself(1, seat(id, 1).session, model::AllocationState::Stopped);
  feed(Tick{});
  const auto task = seat(id, 1).exporting;
  ASSERT_FALSE(task.empty());
  std::ignore = command([&](Step& step) {
    auto done = step.tables.home_tasks.at(task);
    done.state = model::HomeTaskState::Succeeded;
    done.archive_sha256 = std::string(64, 'b');
    done.archive_bytes = 7;
    step.begin("Test", {}, {});
    step.put(std::move(done));
    return Result<void>();
  });
  feed(Tick{});
  EXPECT_EQ(seat(id, 1).archive_sha256, std::string(64, 'b'));
  EXPECT_EQ(core_->tables().home_tasks.find(task), nullptr);
  EXPECT_EQ(workshop(id).state, WorkshopState::Ended);
}

TEST_F(WorkshopsTest, End_BeforeItBegan_LeavesNothing) {
  auto wanted = request(2);
  wanted.spec.image = "ami-1";
  wanted.spec.instance_type = "t3.medium";
  wanted.spec.start = clock_.now().wall + hours(1);
  const auto id = *try_make(wanted);
  end(id);
  feed(Tick{});
  feed(Tick{});
  EXPECT_EQ(workshop(id).state, WorkshopState::Ended);
  EXPECT_EQ(core_->tables().pools.size(), 0U);
  EXPECT_EQ(seat(id, 2).note, "it was never used");
}

}  // namespace
}  // namespace slipway::controller
