// The whole agent in a test: against a controller in memory, with a pretended engine.
#pragma once
#include <memory>
#include <string>

#include "agent/agent.hpp"
#include "agent/testing/fake_controller.hpp"
#include "agent/testing/fake_docker.hpp"
#include "agent/testing/support.hpp"

namespace slipway::agent {

/// One life of the program: destroying it is what SIGKILL is, as far as the disk and Docker can tell.
class Life {
 public:
  Life(const AgentConfig& config, const std::string& boot_id) {
    auto state = StateDirectory::open(config.state_dir);
    EXPECT_TRUE(state) << state.error().text();
    if (!state) return;
    thread_.run([&] {
      agent_ = std::make_unique<Agent>(thread_.loop(), clock_, random_, config, std::move(*state),
                                       Agent::Machine{.boot_id = boot_id, .hostname = "test"},
                                       [](const Error& error) { ADD_FAILURE() << error.text(); });
      const auto begun = agent_->begin();
      EXPECT_TRUE(begun) << begun.error().text();
    });
  }
  ~Life() {
    thread_.stop();
    agent_.reset();
  }

 private:
  SystemClock clock_;
  SystemRandom random_;
  LoopThread thread_;
  std::unique_ptr<Agent> agent_;
};

struct AgentTest : testing::Test {
  TestFolder folder;
  FakeController controller;
  SystemRandom random;
  AgentConfig config;
  std::unique_ptr<Life> life;

  AgentTest() {
    config.state_dir = folder.path() + "/state";
    config.metadata_address.clear();
    config.join = wire::JoinData{.controller = "127.0.0.1:" + std::to_string(controller.port),
                                 .fingerprint = controller.fingerprint,
                                 .join_token = FakeController::kToken};
  }
  void begin(const std::string& boot_id = "boot-1") { life = std::make_unique<Life>(config, boot_id); }
  void die() { life.reset(); }

  wire::StartAllocation order(const std::string& script) {
    wire::StartAllocation made{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
    made.job_name = "test";
    made.spec.container_image = kTestImage;
    made.spec.command = {"sh", "-c", script};
    made.spec.resources = {.cpu_millis = 1000, .memory_bytes = 64 << 20};
    return made;
  }
  wire::AllocationReport run_to_end(const wire::StartAllocation& one) {
    controller.send(one);
    return wait_end(one);
  }
  wire::AllocationReport wait_end(const wire::StartAllocation& one) {
    EXPECT_TRUE(eventually([&] { return controller.ended(one.allocation); })) << "no terminal report";
    return controller.report(one.allocation).value_or(wire::AllocationReport{});
  }
  std::string whole_log(const wire::StartAllocation& one, model::LogStream stream) {
    const auto report = *controller.report(one.allocation);
    const auto length =
        static_cast<std::size_t>(stream == model::LogStream::Stdout ? report.stdout_bytes : report.stderr_bytes);
    EXPECT_TRUE(eventually([&] { return controller.log(one.allocation, stream).size() >= length; }));
    return controller.log(one.allocation, stream);
  }
};

struct AgentWithFakeDocker : AgentTest {
  LoopThread docker_thread;
  std::unique_ptr<FakeDocker> docker;

  AgentWithFakeDocker() { config.docker_socket = folder.path() + "/docker.sock"; }
  ~AgentWithFakeDocker() override {
    life.reset();
    docker_thread.run([this] { docker.reset(); });
  }
  void start_docker() {
    docker_thread.run([this] {
      docker = std::make_unique<FakeDocker>(docker_thread.loop(), config.docker_socket);
      docker->add_image(kTestImage);
    });
  }
};

/// Of the real engine, by its command.
inline void remove_containers_of(const std::string& agent_id) {
  auto found = runtime::run({"docker", "ps", "-aq", "--filter", "label=slipway.agent=" + agent_id});
  for (std::size_t at = 0; found && at + 12 <= found->standard_output.size(); at += 13) {
    EXPECT_TRUE(runtime::run({"docker", "rm", "-f", found->standard_output.substr(at, 12)}));
  }
}

}  // namespace slipway::agent
