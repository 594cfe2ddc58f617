#include "controller/home_tasks.hpp"

#include "controller/sessions_fixture.hpp"

namespace slipway::controller {
namespace {
using model::HomeTaskState;
using std::chrono::seconds;
using testing::HasSubstr;

class HomeTasksTest : public SessionsFixture {
 protected:
  void SetUp() override {
    auto app = spec();
    app.home = "/home/person";
    register_as("book", app);
  }
  void with_lasting_homes() {
    options_.homes = model::parse_homes("nfs:files:/homes").value();
    restart();
    take(core_->start(clock_.now()));
  }
  static model::Manifest files() { return {{.path = "a.txt", .sha256 = std::string(64, 'a'), .size_bytes = 1}}; }
  HomeTaskId place(const PrincipalId& person, const std::string& directory = "lab") {
    return *command([&](Step& step) { return place_files(step, admin_.id, person, files(), directory, false); });
  }
  HomeTaskId pack(const PrincipalId& person) {
    return *command([&](Step& step) { return export_home(step, admin_.id, person); });
  }
  const model::HomeTask& task(const HomeTaskId& id) { return core_->tables().home_tasks.at(id); }
  wire::HomeTaskReport ended(const HomeTaskId& id, HomeTaskState state = HomeTaskState::Succeeded) {
    return {.task = id, .state = state};
  }
};

TEST_F(HomeTasksTest, ATask_IsGivenToAHostAndEndsWithItsReport) {
  with_lasting_homes();
  const auto id = place(admin_.id);
  EXPECT_EQ(task(id).state, HomeTaskState::Queued);
  EXPECT_THAT(task(id).reason, HasSubstr("no host is READY"));
  const auto host = host_for_sessions(1);
  const auto order = *told<wire::HomeTaskOrder>();
  EXPECT_EQ(order.task, id);
  EXPECT_EQ(order.kind, model::HomeTaskKind::PlaceFiles);
  EXPECT_EQ(order.home->source, "files:/homes");
  EXPECT_EQ(order.home->name, admin_.id.text());
  EXPECT_EQ(order.directory, "lab");
  EXPECT_EQ(order.files, files());
  EXPECT_EQ(task(id).state, HomeTaskState::Running);
  EXPECT_EQ(task(id).host, host);

  feed(AgentSaid{1, wire::HomeTaskReport{.task = id, .reason = "the server does not answer"}});
  EXPECT_EQ(task(id).reason, "the server does not answer");
  actions_.clear();
  auto report = ended(id);
  report.kept = {"lab/a.txt"};
  feed(AgentSaid{1, report});
  EXPECT_EQ(task(id).state, HomeTaskState::Succeeded);
  EXPECT_EQ(task(id).kept, report.kept);
  EXPECT_EQ(task(id).finished_at, clock_.now().wall);
  EXPECT_EQ(told<wire::ForgetHomeTask>()->task, id);
  EXPECT_EQ(acted<HomeTaskChanged>()->task, id);
}

TEST_F(HomeTasksTest, AnExport_BringsTheArchivesDigest) {
  with_lasting_homes();
  host_for_sessions(1);
  const auto id = pack(admin_.id);
  EXPECT_EQ(told<wire::HomeTaskOrder>()->limit_bytes, kDefaultExportLimitBytes);
  auto report = ended(id);
  report.archive_sha256 = std::string(64, 'c');
  report.archive_bytes = 77;
  feed(AgentSaid{1, report});
  EXPECT_EQ(task(id).archive_sha256, report.archive_sha256);
  EXPECT_EQ(task(id).archive_bytes, 77);
}

TEST_F(HomeTasksTest, WithoutLastingHomes_TheHostOfThePersonsSessionDoesIt) {
  const auto id = pack(admin_.id);
  host_for_sessions(1);
  feed(Tick{});
  EXPECT_THAT(task(id).reason, HasSubstr("waits for a session of this person"));
  start();
  order_ = *told<wire::StartAllocation>();
  feed(AgentSaid{1, running(order_, true)});
  const auto order = told<wire::HomeTaskOrder>();
  ASSERT_TRUE(order);
  EXPECT_FALSE(order->home);
  EXPECT_EQ(order->allocation, order_.allocation);
}

TEST_F(HomeTasksTest, WherePeopleWork_IsPreferred) {
  with_lasting_homes();
  host_for_sessions(1, "one");
  const auto at_work = host_for_sessions(2, "two");
  auto app = spec();
  app.home = "/home/person";
  app.resources = {.cpu_millis = 1500, .memory_bytes = kGiB};
  register_as("big", app);
  const model::Principal other{.id = PrincipalId::make(random_), .name = "ann"};
  ASSERT_TRUE(try_start({.app = "big"}));  // fills one
  const auto session_id = command([&](Step& step) { return start_session(step, other, {.app = "big"}, ""); });
  ASSERT_TRUE(session_id);
  const auto start_two = *told<wire::StartAllocation>();
  const auto& host = core_->tables().allocations.at(start_two.allocation).host;
  feed(AgentSaid{host == at_work ? 2U : 1U, running(start_two, true)});
  const auto id = place(other.id);
  EXPECT_EQ(task(id).host, host);
}

TEST_F(HomeTasksTest, NoMoreThanAHostShouldDoAtOnce_TheOthersWait) {
  with_lasting_homes();
  host_for_sessions(1);
  std::vector<HomeTaskId> ids;
  for (int i = 0; i < 6; ++i) {
    clock_.advance(Duration(1));
    ids.push_back(place(PrincipalId::make(random_)));
  }
  const auto running_now =
      std::ranges::count_if(ids, [&](const HomeTaskId& id) { return task(id).state == HomeTaskState::Running; });
  EXPECT_EQ(running_now, options_.home_tasks_a_host);
  EXPECT_EQ(task(ids[5]).reason, "every host is busy with other homes");
  feed(AgentSaid{1, ended(ids[0])});
  EXPECT_EQ(task(ids[4]).state, HomeTaskState::Running);
}

TEST_F(HomeTasksTest, LostHost_AnotherTakesOverAndTheLateReportIsForgotten) {
  with_lasting_homes();
  const auto lost = host_for_sessions(1);
  const auto id = place(admin_.id);
  pass(seconds(10));
  ASSERT_EQ(core_->tables().hosts.at(lost).state, model::HostState::Lost);
  EXPECT_EQ(task(id).state, HomeTaskState::Queued);
  const auto second = host_for_sessions(2, "other");
  EXPECT_EQ(task(id).host, second);
  feed(AgentSaid{2, ended(id)});
  actions_.clear();
  feed(AgentSaid{2, ended(id, HomeTaskState::Failed)});
  EXPECT_EQ(task(id).state, HomeTaskState::Succeeded);
  EXPECT_TRUE(told<wire::ForgetHomeTask>());
}

TEST_F(HomeTasksTest, OrderThatNeverArrived_IsToldAgain) {
  with_lasting_homes();
  host_for_sessions(1);
  const auto id = place(admin_.id);
  restart();
  take(core_->start(clock_.now()));
  EXPECT_EQ(task(id).state, HomeTaskState::Running);
  actions_.clear();
  reconnect(3, {});
  EXPECT_EQ(told<wire::HomeTaskOrder>()->task, id);
  actions_.clear();
  reconnect(4, wire::Inventory{.home_tasks = {{.task = id}}});
  EXPECT_FALSE(told<wire::HomeTaskOrder>());
  reconnect(5, wire::Inventory{.home_tasks = {ended(id)}});
  EXPECT_EQ(task(id).state, HomeTaskState::Succeeded);
}

TEST_F(HomeTasksTest, Cancelled_ItFailsWithTheReasonAndTheHostIsTold) {
  with_lasting_homes();
  host_for_sessions(1);
  const auto id = place(admin_.id);
  EXPECT_EQ(command([&](Step& step) { return drop_home_task(step, admin_.id, id); }).error().code, Code::Conflict);
  ASSERT_TRUE(command([&](Step& step) { return cancel_home_task(step, admin_.id, id, "the workshop is over"); }));
  EXPECT_EQ(task(id).state, HomeTaskState::Failed);
  EXPECT_EQ(task(id).reason, "the workshop is over");
  EXPECT_EQ(told<wire::ForgetHomeTask>()->task, id);
  ASSERT_TRUE(command([&](Step& step) { return drop_home_task(step, admin_.id, id); }));
  EXPECT_EQ(core_->tables().home_tasks.find(id), nullptr);
}

TEST_F(HomeTasksTest, WhatCannotBe_IsRefused) {
  const auto refused = [&](model::Manifest manifest, const std::string& directory) {
    return command([&](Step& step) {
             return place_files(step, admin_.id, admin_.id, std::move(manifest), directory, false);
           })
        .error()
        .code;
  };
  EXPECT_EQ(refused({}, ""), Code::InvalidInput);
  EXPECT_EQ(refused(files(), "../other"), Code::InvalidInput);
  EXPECT_EQ(refused({{.path = "/etc/passwd", .sha256 = std::string(64, 'a')}}, ""), Code::InvalidInput);
  EXPECT_TRUE(core_->tables().home_tasks.rows().empty());
}

}  // namespace
}  // namespace slipway::controller
