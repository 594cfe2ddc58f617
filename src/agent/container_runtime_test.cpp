// What every runtime promises: containers of a pretended Docker, of the real one, and processes of the host.
#include "agent/container_runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/docker/docker_client.hpp"
#include "agent/init/embedded.hpp"
#include "agent/logs/spool.hpp"
#include "agent/process/process_runtime.hpp"
#include "agent/testing/fake_docker.hpp"
#include "agent/testing/process_support.hpp"

namespace slipway::agent {
namespace {

enum class Kind { FakeDocker, RealDocker, Process };

class RuntimeContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (GetParam() == Kind::RealDocker) SLIPWAY_NEEDS_DOCKER();
    if (GetParam() == Kind::Process) SLIPWAY_NEEDS_PROCESSES();
    std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
    if (GetParam() == Kind::Process) return begin_processes();
    std::string socket = real_docker_socket();
    if (GetParam() == Kind::FakeDocker) {
      socket = folder_.path() + "/docker.sock";
      fake_ = thread_.run([&] { return std::make_unique<FakeDocker>(thread_.loop(), socket); });
      thread_.run([&] { fake_->add_image(kTestImage); });
    }
    docker_ = std::make_unique<DockerClient>(thread_.loop(), socket);
    ASSERT_TRUE(runtime::write_file_durably(folder_.path() + "/init", embedded_init(), 0755));
    ASSERT_TRUE(thread_.await<EngineVersion>([&](auto done) { docker_->connect(done); }));
    runtime_ = docker_.get();
  }
  void begin_processes() {
    processes_ = std::make_unique<ProcessRuntime>(thread_.loop(), paths_, RestartRule{.most = 0});
    ASSERT_TRUE(processes_->begin(install_supervisor(folder_.path())));
    runtime_ = processes_.get();
  }
  void TearDown() override {
    for (const auto& id : made_) EXPECT_TRUE(remove(id));
    thread_.run([&] { fake_.reset(); });
    thread_.stop();
  }

  wire::StartAllocation order(std::vector<std::string> command) {
    wire::StartAllocation made{.allocation = AllocationId::make(random_), .epoch = 1, .job = JobId::make(random_)};
    made.spec.container_image = kTestImage;
    made.spec.command = std::move(command);
    made.spec.resources = {.cpu_millis = 500, .memory_bytes = 64 << 20};
    return made;
  }
  Result<std::string> create(std::vector<std::string> command) {
    const auto one = order(std::move(command));
    const AllocationId& id = one.allocation;
    const bool process = processes_ != nullptr;
    const unsigned uid = process ? kFirstProcessUser : kJobUid;
    for (const auto& directory : {paths_.work(id), paths_.artifacts(id)}) {
      std::filesystem::create_directories(directory);
      EXPECT_EQ(chown(directory.c_str(), uid, uid), 0);
    }
    EXPECT_TRUE(Spool::make(paths_.log(id), process ? 0 : uid));
    auto made = thread_.await<std::string>([&](auto done) {
      if (process) return processes_->create(one, {.slots = {.user = uid}}, done);
      const ContainerPaths paths{.work = paths_.work(id),
                                 .artifacts = paths_.artifacts(id),
                                 .log = paths_.log(id),
                                 .init = folder_.path() + "/init"};
      docker_->create(container_name(one), container_json(one, paths, "contract"), done);
    });
    EXPECT_TRUE(made) << made.error().text();
    if (made) made_.insert(*made);
    return made;
  }
  Result<void> start(const std::string& id) {
    return thread_.await<void>([&](auto done) { runtime_->start(id, done); });
  }
  Result<ContainerEnd> wait(const std::string& id) {
    return thread_.await<ContainerEnd>([&](auto done) { runtime_->wait(id, done); });
  }
  Result<ContainerState> inspect(const std::string& id) {
    return thread_.await<ContainerState>([&](auto done) { runtime_->inspect(id, done); });
  }
  Result<void> signal(const std::string& id, const std::string& name) {
    return thread_.await<void>([&](auto done) { runtime_->signal(id, name, done); });
  }
  Result<void> remove(const std::string& id) {
    return thread_.await<void>([&](auto done) { runtime_->remove(id, done); });
  }
  /// Of one that never was.
  std::string unknown_id() {
    return GetParam() == Kind::Process ? process_id(AllocationId::make(random_)) : "slipway-no-such-container";
  }

  TestFolder folder_;
  StatePaths paths_{folder_.path() + "/state"};
  LoopThread thread_;
  SystemRandom random_;
  std::unique_ptr<FakeDocker> fake_;
  std::unique_ptr<DockerClient> docker_;
  std::unique_ptr<ProcessRuntime> processes_;
  ContainerRuntime* runtime_ = nullptr;
  std::set<std::string> made_;
};

TEST_P(RuntimeContract, ExitCode_IsToldByWaitAndInspect) {
  const std::string id = *create({"sh", "-c", "exit 3"});
  EXPECT_EQ(inspect(id)->status, ContainerStatus::Created);
  ASSERT_TRUE(start(id));
  const auto end = wait(id);
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_EQ(end->exit_code, 3);
  ASSERT_TRUE(end->state);
  EXPECT_EQ(end->state->status, ContainerStatus::Exited);
  EXPECT_EQ(end->state->exit_code, 3);
  EXPECT_NE(end->state->started_at, WallTime{});
  EXPECT_EQ(wait(id)->exit_code, 3) << "and again";
}

TEST_P(RuntimeContract, Running_HasAPidUntilItsEnd) {
  const std::string id = *create({"sleep", "60"});
  EXPECT_EQ(inspect(id)->pid, 0);
  ASSERT_TRUE(start(id));
  EXPECT_TRUE(start(id)) << "started already";
  const auto running = inspect(id);
  EXPECT_EQ(running->status, ContainerStatus::Running);
  EXPECT_TRUE(std::filesystem::exists(fmt::format("/proc/{}/ns/net", running->pid)));
  ASSERT_TRUE(signal(id, "SIGUSR1"));
  ASSERT_TRUE(wait(id));
  EXPECT_EQ(inspect(id)->pid, 0);
}

TEST_P(RuntimeContract, Terminate_EndsWith143) {
  const std::string id = *create({"sleep", "60"});
  ASSERT_TRUE(start(id));
  ASSERT_TRUE(signal(id, "SIGTERM"));
  EXPECT_EQ(wait(id)->exit_code, 143);
  EXPECT_TRUE(signal(id, "SIGTERM")) << "one that has ended needs none";
}

TEST_P(RuntimeContract, KillInsideAndKill_EndWith137) {
  for (const char* name : {"SIGUSR1", "SIGKILL"}) {
    const std::string id = *create({"sleep", "60"});
    ASSERT_TRUE(start(id));
    ASSERT_TRUE(signal(id, name)) << name;
    EXPECT_EQ(wait(id)->exit_code, 137) << name;
  }
}

TEST_P(RuntimeContract, Unknown_IsNotFoundAndItsRemovalIsFine) {
  const std::string id = unknown_id();
  EXPECT_EQ(inspect(id).error().code, Code::NotFound);
  EXPECT_EQ(start(id).error().code, Code::NotFound);
  EXPECT_EQ(signal(id, "SIGTERM").error().code, Code::NotFound);
  EXPECT_TRUE(remove(id));
  const auto end = wait(id);
  ASSERT_TRUE(end);
  EXPECT_EQ(end->exit_code, std::nullopt);
  EXPECT_FALSE(end->state);
}

TEST_P(RuntimeContract, RemovedWhileWaitedFor_EndsTheWaitAndIsGone) {
  const std::string id = *create({"sleep", "60"});
  ASSERT_TRUE(start(id));
  std::promise<Result<ContainerEnd>> promise;
  thread_.run([&] { runtime_->wait(id, [&](Result<ContainerEnd> end) { promise.set_value(std::move(end)); }); });
  ASSERT_TRUE(remove(id));
  const auto end = promise.get_future().get();
  ASSERT_TRUE(end) << end.error().text();
  EXPECT_FALSE(end->state.has_value() && end->state->status == ContainerStatus::Running);
  EXPECT_EQ(inspect(id).error().code, Code::NotFound);
  EXPECT_TRUE(remove(id)) << "gone already";
}

INSTANTIATE_TEST_SUITE_P(Runtimes, RuntimeContract, testing::Values(Kind::FakeDocker, Kind::RealDocker, Kind::Process),
                         [](const auto& info) {
                           return info.param == Kind::Process      ? "Process"
                                  : info.param == Kind::FakeDocker ? "FakeDocker"
                                                                   : "RealDocker";
                         });

}  // namespace
}  // namespace slipway::agent
