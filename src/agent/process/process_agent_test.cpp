// Process apps through the whole agent: real processes, users, control groups and ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "agent/testing/agent_fixture.hpp"
#include "agent/testing/private_network.hpp"
#include "agent/testing/process_support.hpp"

namespace slipway::agent {
namespace {

using model::AllocationState;
using std::chrono::seconds;
using testing::HasSubstr;

/// A number that no one listens on now, within those for processes.
int free_host_port() {
  for (int port = 20'000 + getpid() % 10'000;; ++port) {
    int wanted = port;
    if (listen_on_loopback(wanted).valid()) return port;
  }
}

struct AgentProcesses : AgentWithFakeDocker {
  const int port = free_host_port();

  void SetUp() override {
    SLIPWAY_NEEDS_PROCESSES();
    if (access("/bin/busybox", X_OK) != 0) GTEST_SKIP() << "NO /bin/busybox HERE: install busybox-static to run this";
    config.device_directory = folder.path() + "/dev";
    start_docker();
    run_agent();
  }
  void TearDown() override {
    die();
    for (const auto& id : started) {  // what a failed test left
      const ProcessGroup group(read_mounts(), id.text());
      EXPECT_TRUE(group.kill_all(seconds(20)));
      EXPECT_TRUE(group.remove(seconds(5)));
    }
  }
  void run_agent() {
    begin();
    const std::size_t lives = controller.hello_count();
    ASSERT_TRUE(eventually([&] { return controller.hello_count() > lives || controller.ready(); }));
  }
  wire::StartAllocation process(const std::string& script) {
    auto made = order(script);
    made.spec.container_image.clear();
    made.spec.command[0] = "/bin/sh";
    auto& service = made.spec.service.emplace();
    service.ports = {{.name = "web", .port = port, .kind = model::PortKind::Http}};
    service.home = "/home/person";
    service.startup = {{"dpi", "192"}};
    service.app_token = "secret";
    service.process = true;
    started.push_back(made.allocation);
    return made;
  }
  std::string server(const std::string& address = "127.0.0.1") const {
    return "exec busybox httpd -f -p " + address + ":$PORT_WEB -h /slipway/startup";
  }
  bool becomes(const wire::StartAllocation& one, const std::function<bool(const wire::AllocationReport&)>& so) {
    return eventually([&] {
      const auto report = controller.report(one.allocation);
      return report && so(*report);
    });
  }
  bool becomes_ready(const wire::StartAllocation& one) {
    return becomes(one, [](const auto& report) { return report.ready; });
  }
  bool waits_for(const wire::StartAllocation& one, const std::string& what) {
    return becomes(one, [&](const auto& report) { return report.waiting_for.find(what) != std::string::npos; });
  }
  std::vector<pid_t> members(const wire::StartAllocation& one) {
    std::vector<pid_t> pids;
    std::ifstream file(ProcessGroup(read_mounts(), one.allocation.text()).members_file());
    for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
    return pids;
  }
  static std::string name_of(pid_t pid) { return runtime::read_file(fmt::format("/proc/{}/comm", pid)).value_or(""); }
  void kill_app(const wire::StartAllocation& one) {
    for (const pid_t pid : members(one)) {
      if (name_of(pid) != "slipway-process\n") kill(pid, SIGKILL);
    }
  }
  std::string fetch(const std::string& tunnel_name, const wire::StartAllocation& one, const std::string& path) {
    std::string name = tunnel_name;
    name.resize(wire::kTunnelNameLength, 'x');
    controller.send(wire::OpenTunnel{.tunnel = name, .allocation = one.allocation, .port = port});
    runtime::Fd opened;
    EXPECT_TRUE(eventually([&] {
      if (!opened.valid()) opened = controller.take_tunnel(name);
      return opened.valid() || controller.tunnel_refusal(name);
    }));
    if (!opened.valid()) return controller.tunnel_refusal(name).value_or("");
    const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
    EXPECT_EQ(send(opened.get(), request.data(), request.size(), MSG_NOSIGNAL), static_cast<ssize_t>(request.size()));
    std::string whole;
    char bytes[1024];
    for (ssize_t got = 0; (got = recv(opened.get(), bytes, sizeof bytes, 0)) > 0;) {
      whole.append(bytes, static_cast<std::size_t>(got));
    }
    return whole;
  }
  std::vector<AllocationId> started;
};

TEST_F(AgentProcesses, App_BecomesReadyAndIsReachedThroughATunnel) {
  const auto one = process(server());
  controller.send(one);
  ASSERT_TRUE(becomes_ready(one));
  EXPECT_THAT(fetch("t1", one, "/dpi"), testing::EndsWith("192"));
  EXPECT_EQ(controller.report(one.allocation)->state, AllocationState::Running);
}

TEST_F(AgentProcesses, Output_ExitCodeAndArtifactsComeBackAsOfAnyJob) {
  const auto report =
      run_to_end(process("echo $PORT_WEB $SLIPWAY_APP_TOKEN; echo no >&2; echo a > $SLIPWAY_ARTIFACTS/a; "
                         "exit 0"));
  EXPECT_EQ(report.state, AllocationState::Succeeded) << report.reason;
  ASSERT_TRUE(report.artifacts);
  EXPECT_EQ(report.artifacts->size(), 1U);
}

TEST_F(AgentProcesses, AppThatDies_IsNotReadyWithTheReasonAndThenReadyAgain) {
  const auto one =
      process("[ -e $HOME/been ] && until [ -e $HOME/go ]; do sleep 0.05; done; touch $HOME/been; " + server());
  controller.send(one);
  ASSERT_TRUE(becomes_ready(one));
  kill_app(one);
  EXPECT_TRUE(waits_for(one, "it ended with exit code 137 and was started again (1 of 5)"));
  EXPECT_FALSE(controller.report(one.allocation)->ready);
  std::ofstream(config.state_dir + "/allocations/" + one.allocation.text() + "/home/go") << "";
  EXPECT_TRUE(becomes_ready(one));
  EXPECT_THAT(fetch("t1", one, "/dpi"), testing::EndsWith("192"));
}

TEST_F(AgentProcesses, AgentRestarts_TheProcessIsAdoptedUndisturbed) {
  const auto one = process(server());
  controller.send(one);
  ASSERT_TRUE(becomes_ready(one));
  const auto before = members(one);
  die();
  begin();
  ASSERT_TRUE(eventually([&] { return controller.hello_count() == 2 && !controller.inventory().allocations.empty(); }));
  EXPECT_TRUE(controller.inventory().allocations.at(0).ready);
  int tries = 0;  // the first ones may come before the process is known again
  ASSERT_TRUE(eventually([&] { return fetch("again" + std::to_string(++tries), one, "/dpi").ends_with("192"); }));
  EXPECT_EQ(members(one), before);
  controller.send(wire::StopAllocation{one.allocation, 1, seconds(5), "enough"});
  EXPECT_EQ(wait_end(one).state, AllocationState::Stopped);
  EXPECT_TRUE(members(one).empty());
}

TEST_F(AgentProcesses, EndWhileNoAgentRan_IsTold) {
  const auto one = process("until [ -e $HOME/go ]; do sleep 0.05; done; echo done; exit 0");
  controller.send(one);
  ASSERT_TRUE(becomes(one, [](const auto& report) { return report.state == AllocationState::Running; }));
  die();
  std::ofstream(config.state_dir + "/allocations/" + one.allocation.text() + "/home/go") << "";
  ASSERT_TRUE(eventually([&] { return members(one).empty(); }));
  begin();
  EXPECT_EQ(wait_end(one).state, AllocationState::Succeeded);
  EXPECT_EQ(whole_log(one, model::LogStream::Stdout), "done\n");
}

TEST_F(AgentProcesses, StopThatIsIgnored_KillsEverything) {
  const auto one = process("trap '' TERM; setsid sleep 600 & " + server().substr(5));
  controller.send(one);
  ASSERT_TRUE(becomes_ready(one));
  controller.send(wire::StopAllocation{one.allocation, 1, Duration(200), "enough"});
  const auto report = wait_end(one);
  EXPECT_EQ(report.state, AllocationState::Stopped);
  EXPECT_THAT(report.reason, HasSubstr("enough"));
  EXPECT_TRUE(members(one).empty());
}

TEST_F(AgentProcesses, Forgotten_LeavesNothingOnTheHost) {
  const auto one = process("exit 0");
  run_to_end(one);
  controller.send(wire::ForgetAllocation{one.allocation, 1});
  const std::string entrance = ProcessGroup(read_mounts(), one.allocation.text()).members_file();
  EXPECT_TRUE(eventually([&] {
    return !std::filesystem::exists(entrance) &&
           !std::filesystem::exists(config.state_dir + "/allocations/" + one.allocation.text());
  }));
}

TEST_F(AgentProcesses, SecondOnTheSamePort_IsRefusedAndTheFirstGoesOn) {
  const auto first = process(server());
  controller.send(first);
  ASSERT_TRUE(becomes_ready(first));
  const auto second = process(server());
  controller.send(second);
  ASSERT_TRUE(eventually([&] { return !controller.order_refusal(second.allocation).empty(); }));
  EXPECT_THAT(controller.order_refusal(second.allocation), HasSubstr("is taken by " + first.allocation.text()));
  EXPECT_TRUE(controller.report(first.allocation)->ready);
}

TEST_F(AgentProcesses, AppOpenToTheNetwork_IsReadyOnlyWhereThatWasSaid) {
  auto one = process(server("0.0.0.0"));
  controller.send(one);
  ASSERT_TRUE(waits_for(one, "the app opened port"));
  controller.send(wire::StopAllocation{one.allocation, 1, seconds(5), "enough"});
  wait_end(one);
  auto exposed = process(server("0.0.0.0"));
  exposed.spec.service->ports[0].expose = model::PortExposure::Host;
  controller.send(exposed);
  EXPECT_TRUE(becomes_ready(exposed));
}

TEST_F(AgentProcesses, PortOfAnotherProgram_FailsWithTheReason) {
  int taken = port;
  const runtime::Fd other = listen_on_loopback(taken);
  const auto report = run_to_end(process(server()));
  EXPECT_EQ(report.state, AllocationState::Failed);
  EXPECT_THAT(report.reason, HasSubstr("is in use by another program"));
}

TEST_F(AgentProcesses, UnknownCommand_FailsAndIsNamed) {
  auto one = process("");
  one.spec.command = {"no-such-program"};
  const auto report = run_to_end(one);
  EXPECT_EQ(report.reason, "command not found: no-such-program");
  EXPECT_EQ(report.exit_code, 127);
}

/// Its journal was lost: what it does not know must not stay.
TEST_F(AgentProcesses, ProcessThatNobodyOrdered_IsEnded) {
  const auto one = process(server());
  controller.send(one);
  ASSERT_TRUE(becomes_ready(one));
  die();
  std::filesystem::remove_all(config.state_dir + "/journal");
  begin();
  EXPECT_TRUE(eventually([&] { return members(one).empty(); }));
  EXPECT_TRUE(
      eventually([&] { return !std::filesystem::exists(config.state_dir + "/allocations/" + one.allocation.text()); }));
}

}  // namespace
}  // namespace slipway::agent
