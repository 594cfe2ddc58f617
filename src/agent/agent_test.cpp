// The whole agent against a controller in memory; with the real engine where there is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/testing/agent_fixture.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;
using model::LogStream;

TEST_F(AgentWithFakeDocker, Join_ExchangesTheTokenAndKeepsTheCredential) {
  start_docker();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  EXPECT_EQ(controller.hello(0).join_token, FakeController::kToken);
  struct stat info{};
  ASSERT_EQ(stat((config.state_dir + "/credential.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  die();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.hello_count() == 2; }));
  EXPECT_EQ(controller.hello(1).credential, FakeController::kCredential);
  EXPECT_EQ(controller.hello(1).join_token, "");
}

TEST_F(AgentWithFakeDocker, WithoutDocker_IsJoinedButNotReadyUntilItAnswers) {
  begin();
  ASSERT_TRUE(eventually([&] { return controller.hello_count() == 1; }));
  EXPECT_FALSE(controller.ready());
  start_docker();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  EXPECT_THAT(controller.statuses.back().container_images, testing::Contains(kTestImage));
  EXPECT_GT(controller.statuses.back().capacity.memory_bytes, 0);
}

TEST_F(AgentWithFakeDocker, ControllerGoesAndReturns_TheAgentReconnectsWithItsInventory) {
  start_docker();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  auto one = order("exit 4");
  EXPECT_EQ(run_to_end(one).exit_code, 4);
  controller.go_away();
  controller.come_back();
  ASSERT_TRUE(eventually([&] { return controller.hello_count() == 2; }));
  ASSERT_TRUE(eventually([&] { return !controller.inventory().allocations.empty(); }));
  EXPECT_EQ(controller.inventory().allocations.at(0).exit_code, 4);
  controller.send(wire::ForgetAllocation{one.allocation, 1});
  EXPECT_TRUE(
      eventually([&] { return !std::filesystem::exists(config.state_dir + "/allocations/" + one.allocation.text()); }));
}

TEST_F(AgentWithFakeDocker, DockerGoesAndReturns_IsNotReadyMeanwhileAndTheJobsResultIsKnown) {
  start_docker();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  auto one = order("exit 0");
  one.spec.command = {"sleep", "60"};
  controller.send(one);
  ASSERT_TRUE(eventually([&] { return controller.saw(one.allocation, AllocationState::Running); }));
  docker_thread.run([this] { docker.reset(); });  // and with it every container it pretended
  ASSERT_TRUE(eventually([&] { return !controller.ready(); }));
  start_docker();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  EXPECT_EQ(wait_end(one).reason, "container removed");
}

TEST_F(AgentWithFakeDocker, Refused_TriesAgainWhenTold) {
  controller.refuse_next({.code = Code::Unavailable, .reason = "starting", .retry_after = Duration(50)});
  start_docker();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  EXPECT_EQ(controller.hello_count(), 2U);
}

TEST_F(AgentWithFakeDocker, WrongFingerprint_NeverSaysHello) {
  config.join->fingerprint = std::string(64, 'a');
  start_docker();
  begin();
  std::this_thread::sleep_for(std::chrono::milliseconds(700));  // several tries
  EXPECT_EQ(controller.hello_count(), 0U);
}

TEST_F(AgentWithFakeDocker, SecondAgentOfAStateDirectory_IsRefused) {
  begin();
  auto second = StateDirectory::open(config.state_dir);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::Conflict);
}

TEST_F(AgentWithFakeDocker, MissingSource_FailsWithTheReason) {
  start_docker();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  auto one = order("exit 0");
  one.spec.source = {{.path = "x", .sha256 = std::string(64, 'b'), .size_bytes = 1}};
  const auto report = run_to_end(one);
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_THAT(report.reason, testing::HasSubstr("fetching the job's source files"));
}

TEST_F(AgentWithFakeDocker, OtherInstance_DiscardsCredentialAndJournal) {
  LoopThread metadata_thread;
  std::string instance = "i-one";
  std::unique_ptr<net::HttpServer> metadata;
  const std::string user_data = wire::encode_user_data(*config.join);
  metadata_thread.run([&] {
    metadata = std::move(
        *net::HttpServer::listen(metadata_thread.loop(), {}, [&](const std::shared_ptr<net::Exchange>& exchange) {
          const auto& target = exchange->head().target;
          const std::string body =
              target.ends_with("token") ? "t" : (target.ends_with("instance-id") ? instance : user_data);
          exchange->respond({.body = body});
        }));
  });
  config.join.reset();
  config.metadata_address = "127.0.0.1:" + std::to_string(metadata->port());
  start_docker();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  EXPECT_EQ(controller.hello(0).instance_id, "i-one");
  auto one = order("exit 0");
  run_to_end(one);
  die();
  instance = "i-two";
  begin();
  ASSERT_TRUE(eventually([&] { return controller.hello_count() == 2; }));
  EXPECT_EQ(controller.hello(1).credential, "") << "another machine's";
  EXPECT_EQ(controller.hello(1).join_token, FakeController::kToken);
  EXPECT_EQ(controller.hello(1).instance_id, "i-two");
  ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  EXPECT_TRUE(controller.inventory().allocations.empty());
  die();
  metadata_thread.run([&] { metadata.reset(); });
}

struct AgentWithRealDocker : AgentTest {
  void SetUp() override {
    SLIPWAY_NEEDS_DOCKER();
    config.docker_socket = real_docker_socket();
    begin();
    ASSERT_TRUE(eventually([&] { return controller.ready(); }));
  }
  void TearDown() override {
    die();
    if (!real_docker_is_there()) return;
    if (auto id = runtime::read_file(config.state_dir + "/agent-id")) remove_containers_of(*id);
  }
  std::string container_of(const wire::StartAllocation& one) {
    std::string id =
        *runtime::run_checked({"docker", "ps", "-aq", "--filter", "label=slipway.allocation=" + one.allocation.text()});
    return id.substr(0, 12);
  }
  void wait_running(const wire::StartAllocation& one) {
    ASSERT_TRUE(eventually([&] { return controller.saw(one.allocation, AllocationState::Running); }));
  }
};

TEST_F(AgentWithRealDocker, Job_GetsItsSourceAndBringsLogAndArtifactsBack) {
  auto one = order(
      "cat data/in; printf 'e\\377' >&2; ./tool; mkdir -p $SLIPWAY_ARTIFACTS/sub; echo result > "
      "$SLIPWAY_ARTIFACTS/sub/r; "
      "ln -s /etc/passwd $SLIPWAY_ARTIFACTS/link; exit 7");
  one.spec.source = {
      {.path = "data/in", .sha256 = controller.add_blob("input\n"), .size_bytes = 6},
      {.path = "tool", .sha256 = controller.add_blob("#!/bin/sh\nid -u; printf end"), .size_bytes = 27, .mode = 0755}};
  const auto report = run_to_end(one);
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_EQ(report.exit_code, 7);
  EXPECT_EQ(whole_log(one, LogStream::Stdout), "input\n10001\nend");
  EXPECT_EQ(whole_log(one, LogStream::Stderr), "e\xff");
  ASSERT_TRUE(report.artifacts);
  ASSERT_EQ(report.artifacts->size(), 1U);
  EXPECT_EQ(report.artifacts->front().path, "sub/r");
  EXPECT_EQ(controller.blob(report.artifacts->front().sha256), "result\n");
  EXPECT_THAT(report.artifacts_note, testing::HasSubstr("link"));
}

TEST_F(AgentWithRealDocker, Endings_AreNamedRight) {
  auto missing = order("");
  missing.spec.command = {"no-such-program", "x"};
  auto report = run_to_end(missing);
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_EQ(report.exit_code, 127);
  EXPECT_EQ(report.reason, "command not found: no-such-program");

  auto hog = order("exec tail /dev/zero");
  report = run_to_end(hog);
  EXPECT_EQ(report.state, AllocationState::OutOfMemory);
  EXPECT_EQ(report.exit_code, 137);
  EXPECT_THAT(report.reason, testing::HasSubstr("64 MiB"));

  auto image = order("true");
  image.spec.container_image = "no-such-image:1";
  report = run_to_end(image);
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_THAT(report.reason, testing::HasSubstr("no-such-image"));
}

TEST_F(AgentWithRealDocker, StopThatIsIgnored_KillsAfterTheGraceAndKeepsTheLog) {
  auto one = order("trap '' TERM; echo begun; while true; do sleep 1; done");
  controller.send(one);
  ASSERT_TRUE(eventually([&] { return controller.log(one.allocation, LogStream::Stdout) == "begun\n"; }));
  controller.send(wire::StopAllocation{one.allocation, 1, std::chrono::seconds(1), "stopped by a test"});
  const auto report = wait_end(one);
  EXPECT_EQ(report.state, AllocationState::Stopped);
  EXPECT_EQ(report.exit_code, 137);
  EXPECT_THAT(report.reason, testing::StartsWith("stopped by a test; it ignored SIGTERM"));
  EXPECT_EQ(whole_log(one, LogStream::Stdout), "begun\n");
}

TEST_F(AgentWithRealDocker, AgentDiesWhileItRuns_LogAndResultAreExact) {
  auto one = order(
      "i=0; while [ $i -lt 60 ]; do printf 'line %d \\377\\n' $i; i=$((i+1)); sleep 0.05; done; printf end; exit 3");
  controller.send(one);
  ASSERT_TRUE(eventually([&] { return controller.log(one.allocation, LogStream::Stdout).size() > 50; }));
  die();
  begin();
  const auto report = wait_end(one);
  EXPECT_EQ(report.exit_code, 3);
  std::string expected;
  for (int i = 0; i < 60; ++i) expected += fmt::format("line {} \xff\n", i);
  EXPECT_EQ(whole_log(one, LogStream::Stdout), expected + "end");
}

TEST_F(AgentWithRealDocker, ContainerEndsWhileTheAgentIsDead_IsReportedAsItWas) {
  auto clean = order("sleep 1; echo done");
  auto killed = order("sleep 60");
  auto removed = order("sleep 61");
  for (const auto& one : {clean, killed, removed}) {
    controller.send(one);
    wait_running(one);
  }
  const std::string last = container_of(clean);
  die();
  ASSERT_TRUE(runtime::run_checked({"docker", "kill", container_of(killed)}));
  ASSERT_TRUE(runtime::run_checked({"docker", "rm", "-f", container_of(removed)}));
  ASSERT_TRUE(runtime::run_checked({"docker", "wait", last}));
  begin();
  EXPECT_EQ(wait_end(clean).state, AllocationState::Succeeded);
  EXPECT_EQ(wait_end(clean).exit_code, 0);
  EXPECT_EQ(whole_log(clean, LogStream::Stdout), "done\n");
  EXPECT_EQ(wait_end(killed).state, AllocationState::Failed);
  EXPECT_EQ(wait_end(killed).exit_code, 137);
  EXPECT_EQ(wait_end(removed).state, AllocationState::Failed);
  EXPECT_EQ(wait_end(removed).reason, "container removed");
  EXPECT_EQ(wait_end(removed).exit_code, std::nullopt);
}

TEST_F(AgentWithRealDocker, HostRestarted_IsLost) {
  auto one = order("sleep 60");
  controller.send(one);
  wait_running(one);
  die();
  begin("boot-2");
  const auto report = wait_end(one);
  EXPECT_EQ(report.state, AllocationState::Lost);
  EXPECT_EQ(report.reason, "the host restarted");
}

TEST_F(AgentWithRealDocker, ControllerAwayForTheWholeJob_GetsEverythingAfterwards) {
  auto one = order("sleep 1; head -c 3000000 /dev/zero; echo late > $SLIPWAY_ARTIFACTS/a");
  controller.send(one);
  wait_running(one);
  controller.go_away();
  ASSERT_TRUE(runtime::run_checked({"docker", "wait", container_of(one)}));
  controller.come_back();
  const auto report = wait_end(one);
  EXPECT_EQ(report.state, AllocationState::Succeeded);
  EXPECT_EQ(whole_log(one, LogStream::Stdout).size(), 3'000'000U);
  ASSERT_EQ(report.artifacts->size(), 1U);
  EXPECT_EQ(controller.blob(report.artifacts->front().sha256), "late\n");
}

}  // namespace
}  // namespace slipway::agent
