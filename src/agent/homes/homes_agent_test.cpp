// Claims and homes through the whole agent, with a pretended engine and real mounts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/testing/agent_fixture.hpp"
#include "agent/testing/private_network.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;
using model::HomeTaskState;
using std::chrono::seconds;
using testing::HasSubstr;

constexpr const char* kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

struct AgentHomes : AgentWithFakeDocker {
  FixedServer app{kHello};
  std::string homes = folder.path() + "/srv";

  void SetUp() override {
    if (getuid() != 0) GTEST_SKIP() << "mounting needs root";
    std::filesystem::create_directories(homes);
    if (!runtime::run_checked({"mount", "--bind", homes, homes})) GTEST_SKIP() << "this place may not mount";
    ASSERT_TRUE(runtime::run_checked({"umount", homes}));
    start_docker();
    run_agent();
  }
  void run_agent() {
    const auto before = controller.hello_count();
    begin();
    ASSERT_TRUE(eventually([&] { return controller.hello_count() > before && controller.ready(); }));
  }
  wire::StartAllocation service(bool warm) {
    auto made = order("");
    made.spec.command = {"sleep", "1000"};
    auto& spec = made.spec.service.emplace();
    spec.ports = {{.name = "web", .port = app.port(), .kind = model::PortKind::Http}};
    spec.home = "/home/person";
    spec.warm = warm;
    return made;
  }
  model::HomeMount home(const std::string& name = "ann") {
    return {.kind = model::HomeKind::Directory, .source = homes, .name = name};
  }
  template <typename Condition>
  void wait_for_report(const wire::StartAllocation& one, Condition holds) {
    ASSERT_TRUE(eventually([&] {
      const auto report = controller.report(one.allocation);
      return report && holds(*report);
    }));
  }
  void wait_ready(const wire::StartAllocation& one) {
    wait_for_report(one, [](const auto& report) { return report.ready; });
  }
  void wait_claimed(const wire::StartAllocation& one) {
    wait_for_report(one, [](const auto& report) { return report.ready && report.claimed; });
  }
  std::string place_of(const wire::StartAllocation& one, const std::string& name) {
    return config.state_dir + "/allocations/" + one.allocation.text() + "/" + name;
  }
  void stop(const wire::StartAllocation& one) {
    controller.send(wire::StopAllocation{one.allocation, 1, seconds(1), "stopped by a test"});
    wait_end(one);
  }
  wire::ClaimAllocation claim(const wire::StartAllocation& one, const std::string& name = "ann") {
    return {.allocation = one.allocation, .epoch = 1, .startup = {{"dpi", "192"}}, .home = home(name)};
  }
  wire::HomeTaskReport wait_task(const wire::HomeTaskOrder& task) {
    wire::HomeTaskReport last;
    EXPECT_TRUE(eventually([&] {
      const auto report = controller.home_task(task.task);
      if (report) last = *report;
      return report && model::is_terminal(report->state);
    })) << "the task never ended";
    return last;
  }
};

TEST_F(AgentHomes, ColdOne_HasItsHomeBeforeItStartsAndLeavesItBehind) {
  auto one = service(false);
  one.spec.service->home_mount = home();
  controller.send(one);
  wait_ready(one);
  std::ofstream(place_of(one, "home/file")) << "saved";
  EXPECT_EQ(*runtime::read_file(homes + "/ann/file"), "saved");
  struct stat info{};
  ASSERT_EQ(stat((homes + "/ann").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kJobUid);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  stop(one);
  controller.send(wire::ForgetAllocation{one.allocation, 1});
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(place_of(one, "")); }));
  EXPECT_EQ(*runtime::read_file(homes + "/ann/file"), "saved") << "only the mount went";

  auto next = service(false);
  next.spec.service->home_mount = home();
  controller.send(next);
  wait_ready(next);
  EXPECT_EQ(*runtime::read_file(place_of(next, "home/file")), "saved");
  stop(next);
}

TEST_F(AgentHomes, OneWithoutAPerson_GetsHomeAndStartupDataWithTheClaim) {
  const auto one = service(true);
  controller.send(one);
  wait_ready(one);
  EXPECT_FALSE(controller.report(one.allocation)->claimed);
  EXPECT_TRUE(std::filesystem::is_empty(place_of(one, "startup")));
  controller.send(claim(one));
  wait_claimed(one);
  EXPECT_EQ(*runtime::read_file(place_of(one, "startup/dpi")), "192");
  EXPECT_TRUE(std::filesystem::exists(place_of(one, "startup/.ready")));
  std::ofstream(place_of(one, "home/file")) << "saved";
  EXPECT_EQ(*runtime::read_file(homes + "/ann/file"), "saved");
  controller.send(claim(one, "bob"));
  EXPECT_FALSE(std::filesystem::exists(homes + "/bob")) << "whoever came first has it";
  stop(one);
}

TEST_F(AgentHomes, RestartOfTheAgent_KeepsHomesAndReportsTheClaimAgain) {
  const auto one = service(true);
  controller.send(one);
  wait_ready(one);
  controller.send(claim(one));
  wait_claimed(one);
  die();
  run_agent();
  ASSERT_TRUE(eventually([&] { return !controller.inventory().allocations.empty(); }));
  EXPECT_TRUE(controller.inventory().allocations.at(0).claimed);
  std::ofstream(place_of(one, "home/file")) << "saved";
  EXPECT_EQ(*runtime::read_file(homes + "/ann/file"), "saved");
  stop(one);
  controller.send(wire::ForgetAllocation{one.allocation, 1});
  EXPECT_TRUE(eventually([&] { return !std::filesystem::exists(place_of(one, "")); }));
  EXPECT_EQ(*runtime::read_file(homes + "/ann/file"), "saved");
}

TEST_F(AgentHomes, TwoSessionsOfOnePerson_ShareTheHome) {
  auto one = service(false);
  auto two = service(false);
  one.spec.service->home_mount = two.spec.service->home_mount = home();
  controller.send(one);
  controller.send(two);
  wait_ready(one);
  wait_ready(two);
  std::ofstream(place_of(one, "home/file")) << "saved";
  EXPECT_EQ(*runtime::read_file(place_of(two, "home/file")), "saved");
  stop(one);
  EXPECT_EQ(*runtime::read_file(place_of(two, "home/file")), "saved") << "the other one is still at work";
  stop(two);
}

TEST_F(AgentHomes, FileSystemThatIsAway_IsSaidAndTheSessionCanBeStopped) {
  auto one = service(false);
  one.spec.service->home_mount =
      model::HomeMount{.kind = model::HomeKind::Efs, .source = "fs-none", .name = "ann", .quota_bytes = 0};
  controller.send(one);
  wait_for_report(one, [](const auto& report) {
    return report.waiting_for.find("its home: mounting the file system of homes, fs-none") != std::string::npos;
  });
  auto other = service(false);
  controller.send(other);
  wait_ready(other);  // nobody else waits for it
  stop(one);
  EXPECT_EQ(controller.report(one.allocation)->state, AllocationState::Stopped);
  stop(other);
}

TEST_F(AgentHomes, FilesOfATask_ArePlacedWhetherThePersonIsThereOrNot) {
  const wire::HomeTaskOrder task{.task = HomeTaskId::make(random),
                                 .home = home(),
                                 .files = {{.path = "a.txt", .sha256 = controller.add_blob("lesson"), .size_bytes = 6}},
                                 .directory = "lab"};
  controller.send(task);
  const auto report = wait_task(task);
  EXPECT_EQ(report.state, HomeTaskState::Succeeded) << report.reason;
  EXPECT_EQ(*runtime::read_file(homes + "/ann/lab/a.txt"), "lesson");
  struct stat info{};
  ASSERT_EQ(stat((homes + "/ann/lab/a.txt").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, kJobUid);
  EXPECT_TRUE(std::filesystem::exists(homes + "/.slipway/ann.json"));
}

TEST_F(AgentHomes, HomeOfARunningSession_IsExportedAsAnArchive) {
  auto one = service(false);
  controller.send(one);
  wait_ready(one);
  std::ofstream(place_of(one, "home/file")) << "saved";
  const wire::HomeTaskOrder task{.task = HomeTaskId::make(random),
                                 .kind = model::HomeTaskKind::ExportHome,
                                 .allocation = one.allocation,
                                 .limit_bytes = 1 << 20};
  controller.send(task);
  const auto report = wait_task(task);
  ASSERT_EQ(report.state, HomeTaskState::Succeeded) << report.reason;
  const auto archive = controller.blob(report.archive_sha256);
  EXPECT_EQ(static_cast<std::int64_t>(archive.size()), report.archive_bytes);
  std::ofstream(folder.path() + "/got.tar.gz", std::ios::binary) << archive;
  EXPECT_EQ(*runtime::run_checked({"tar", "-xzOf", folder.path() + "/got.tar.gz", "./file"}), "saved");
  stop(one);
  auto late = task;
  late.task = HomeTaskId::make(random);
  controller.send(wire::ForgetAllocation{one.allocation, 1});
  controller.send(late);
  EXPECT_THAT(wait_task(late).reason, HasSubstr("has ended"));
}

TEST_F(AgentHomes, TaskThatEnded_IsToldToEachNewConnectionUntilItIsForgotten) {
  const wire::HomeTaskOrder task{.task = HomeTaskId::make(random),
                                 .home = home(),
                                 .files = {{.path = "a.txt", .sha256 = controller.add_blob("lesson"), .size_bytes = 6}},
                                 .directory = {}};
  controller.send(task);
  wait_task(task);
  die();
  run_agent();
  ASSERT_TRUE(eventually([&] { return !controller.inventory().home_tasks.empty(); }));
  EXPECT_EQ(controller.inventory().home_tasks.at(0).state, HomeTaskState::Succeeded);
  controller.send(wire::ForgetHomeTask{task.task});
  const wire::HomeTaskOrder later{.task = HomeTaskId::make(random), .allocation = AllocationId::make(random)};
  controller.send(later);
  wait_task(later);
  die();
  run_agent();
  EXPECT_TRUE(eventually([&] {
    const auto tasks = controller.inventory().home_tasks;
    return tasks.size() == 1 && tasks[0].task == later.task;
  }));
}

}  // namespace
}  // namespace slipway::agent
