// Processes of the host beyond what every runtime promises: restarts, adoption, limits, and what is left of them.
#include "agent/process/process_runtime.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include "agent/logs/spool.hpp"
#include "agent/testing/private_network.hpp"
#include "agent/testing/process_support.hpp"

namespace slipway::agent {
namespace {

using testing::HasSubstr;

struct Processes : testing::Test {
  TestFolder folder;
  StatePaths paths{folder.path() + "/state"};
  SystemRandom random;
  wire::StartAllocation order{.allocation = AllocationId::make(random), .epoch = 1, .job = JobId::make(random)};
  std::unique_ptr<LoopThread> thread;
  std::unique_ptr<ProcessRuntime> runtime;
  RestartRule rule{.most = 2, .first_pause = Duration(10), .steady_run = std::chrono::minutes(1)};
  const unsigned uid = kFirstProcessUser + 7;

  void SetUp() override {
    SLIPWAY_NEEDS_PROCESSES();
    order.spec.resources = {.cpu_millis = 1000, .memory_bytes = 64 << 20};
    auto& service = order.spec.service.emplace();
    service.process = true;
    service.home = "/home/person";
    begin();
  }
  void TearDown() override {
    if (!runtime) return;
    EXPECT_TRUE(remove());
    end();
  }
  void begin() {
    thread = std::make_unique<LoopThread>();
    runtime = std::make_unique<ProcessRuntime>(thread->loop(), paths, rule);
    ASSERT_TRUE(runtime->begin(install_supervisor(folder.path())));
  }
  /// As the agent's death, as far as processes can tell.
  void end() {
    thread->stop();
    runtime.reset();
    thread.reset();
  }
  std::string id() const { return process_id(order.allocation); }
  Result<std::string> create(const std::string& script) {
    return create(std::vector<std::string>{"/bin/sh", "-c", script});
  }
  Result<std::string> create(std::vector<std::string> command) {
    order.spec.command = std::move(command);
    const AllocationId& allocation = order.allocation;
    for (const auto& directory : {paths.work(allocation), paths.artifacts(allocation), paths.home(allocation)}) {
      std::filesystem::create_directories(directory);
      EXPECT_EQ(chown(directory.c_str(), uid, uid), 0);
    }
    std::filesystem::create_directories(paths.startup(allocation));
    EXPECT_TRUE(Spool::make(paths.log(allocation), 0));
    return thread->await<std::string>([&](auto done) { runtime->create(order, {.slots = {.user = uid}}, done); });
  }
  Result<void> start() {
    return thread->await<void>([&](auto done) { runtime->start(id(), done); });
  }
  void run(const std::string& script) {
    const auto made = create(script);
    ASSERT_TRUE(made) << made.error().text();
    const auto started = start();
    ASSERT_TRUE(started) << started.error().text();
  }
  ContainerState wait() {
    auto end = thread->await<ContainerEnd>([&](auto done) { runtime->wait(id(), done); });
    EXPECT_TRUE(end) << end.error().text();
    return end && end->state ? *end->state : ContainerState{};
  }
  ContainerState run_to_end(const std::string& script) {
    run(script);
    return wait();
  }
  Result<ContainerState> inspect() {
    return thread->await<ContainerState>([&](auto done) { runtime->inspect(id(), done); });
  }
  Result<void> remove() {
    return thread->await<void>([&](auto done) { runtime->remove(id(), done); });
  }
  std::string log(const std::string& stream = "stdout") {
    return runtime::read_file(paths.log(order.allocation) + "/" + stream).value_or("(none)");
  }
  bool logged(const std::string& line) {
    return eventually([&] { return log().find(line + "\n") != std::string::npos; });
  }
  ProcessGroup group() const { return {read_mounts(), order.allocation.text()}; }
  std::vector<std::string> members() {
    const std::string text = runtime::read_file(group().members_file()).value_or("");
    std::vector<std::string> pids;
    for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      pids.push_back(text.substr(at, end - at));
    }
    return pids;
  }
};

TEST_F(Processes, Rights_AreThoseOfAUserWithNothing) {
  run_to_end(
      "id -u; id -un; id -G; grep -E '^(CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status; umask; pwd; "
      "echo $HOME; cat /etc/shadow 2>/dev/null || echo no shadow");
  const std::string user = std::to_string(uid);
  const std::string none = "0000000000000000\n";
  EXPECT_EQ(log(), user + "\nslipway-app\n" + user + "\nCapPrm:\t" + none + "CapEff:\t" + none + "CapBnd:\t" + none +
                       "CapAmb:\t" + none + "NoNewPrivs:\t1\n0022\n/home/person\n/home/person\nno shadow\n");
}

TEST_F(Processes, World_HasATmpAndAHomeOfItsOwn) {
  std::ofstream(folder.path() + "/of-the-host") << "";
  run_to_end(
      "ls -A /tmp; ls /home; echo kept > $HOME/file; echo x > /tmp/mine; echo x > /dev/shm/mine; ls /slipway; "
      "touch /slipway/x 2>/dev/null || echo read-only; df /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f1,2");
  EXPECT_EQ(log(), "person\nartifacts\nrun\nstartup\nwork\nread-only\ntmpfs 32768\n");
  EXPECT_EQ(*runtime::read_file(paths.home(order.allocation) + "/file"), "kept\n");
  EXPECT_FALSE(std::filesystem::exists("/tmp/mine"));
  EXPECT_FALSE(std::filesystem::exists("/dev/shm/mine"));
  EXPECT_TRUE(std::filesystem::is_empty(kProcessRoot)) << "the host sees nothing of it";
}

TEST_F(Processes, MountMadeOnTheHomeLater_IsSeen) {
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0755));
  // As on a machine with systemd, where mounts are shared.
  ASSERT_TRUE(runtime::run_checked({"mount", "--bind", folder.path(), folder.path()}));
  ASSERT_TRUE(runtime::run_checked({"mount", "--make-shared", folder.path()}));
  run("until [ -e $HOME/later ]; do sleep 0.05; done; cat $HOME/later");
  std::ofstream(folder.path() + "/later") << "seen\n";
  const std::string home = paths.home(order.allocation);
  ASSERT_TRUE(runtime::run_checked({"mount", "--bind", folder.path(), home}));
  wait();
  EXPECT_EQ(log(), "seen\n");
  EXPECT_TRUE(runtime::run_checked({"umount", home}));
  EXPECT_TRUE(remove());
  EXPECT_TRUE(runtime::run_checked({"umount", folder.path()}));
}

TEST_F(Processes, Failure_IsStartedAgainUntilTheRuleEndsIt) {
  const auto end = run_to_end("echo started; exit 4");
  EXPECT_EQ(end.exit_code, 4);
  EXPECT_EQ(end.restarts, 2);
  EXPECT_EQ(log(), "started\nstarted\nstarted\n");
  EXPECT_THAT(log("stderr"), HasSubstr("[slipway: the app ended with exit code 4; start 1 of 2 again in 0.0 s]"));
}

TEST_F(Processes, FailureOnce_IsToldOnceAndGoesOn) {
  run("[ -e $HOME/been ] && echo second && exec sleep 60; touch $HOME/been; until [ -e $HOME/go ]; do sleep 0.01; "
      "done; "
      "exit 9");
  ASSERT_FALSE(runtime->restarted(order.allocation)) << "counts from here";
  std::ofstream(paths.home(order.allocation) + "/go") << "";
  ASSERT_TRUE(logged("second"));
  const auto told = runtime->restarted(order.allocation);
  ASSERT_TRUE(told);
  EXPECT_EQ(told->exit_code, 9);
  EXPECT_EQ(told->failures, 1);
  EXPECT_EQ(told->most, 2);
  EXPECT_FALSE(runtime->restarted(order.allocation));
  EXPECT_EQ(inspect()->status, ContainerStatus::Running);
}

TEST_F(Processes, SuccessAndUnknownCommand_AreNotTriedAgain) {
  EXPECT_EQ(run_to_end("exit 0").restarts, 0);
  EXPECT_TRUE(remove());
  order.allocation = AllocationId::make(random);
  ASSERT_TRUE(create(std::vector<std::string>{"no-such-program"}));
  ASSERT_TRUE(start());
  const auto end = wait();
  EXPECT_EQ(end.exit_code, 127);
  EXPECT_EQ(end.start_errno, ENOENT);
  EXPECT_EQ(end.restarts, 0);
}

TEST_F(Processes, EndOfTheApp_IsTheEndOfAllThatItStarted) {
  run("setsid sleep 600 & setsid sleep 601 & (trap '' TERM; sleep 602) & echo ready; sleep 603");
  ASSERT_TRUE(logged("ready"));
  ASSERT_TRUE(eventually([&] { return members().size() >= 6; }));
  ASSERT_TRUE(thread->await<void>([&](auto done) { runtime->signal(id(), "SIGTERM", done); }));
  EXPECT_EQ(wait().exit_code, 143);
  EXPECT_TRUE(members().empty());
}

TEST_F(Processes, SupervisorThatWasKilled_TakesTheAppWithIt) {
  run("setsid sleep 600 & echo ready; sleep 601");
  ASSERT_TRUE(logged("ready"));
  kill(inspect()->pid, SIGKILL);
  const auto end = wait();
  EXPECT_EQ(end.status, ContainerStatus::Exited);
  EXPECT_EQ(end.exit_code, 137);
  EXPECT_TRUE(members().empty());
}

TEST_F(Processes, MemoryLimit_IsHeldAndTold) {
  rule.most = 0;
  end();
  begin();
  order.spec.resources.memory_bytes = 32 << 20;
  const auto end = run_to_end("exec tail /dev/zero");  // which keeps all of a line that never ends
  EXPECT_EQ(end.exit_code, 137);
  EXPECT_TRUE(end.out_of_memory);
}

TEST_F(Processes, ProcessLimit_IsHeld) {
  run("sleep 60");
  EXPECT_EQ(*runtime::read_file(group().forks_file()), std::to_string(kPidsLimit) + "\n");
}

TEST_F(Processes, LogLimit_IsHeldAcrossRestarts) {
  order.spec.log_limit_bytes = 10;
  run_to_end("echo 12345678; exit 1");
  EXPECT_EQ(log(), "12345678\n1");
}

TEST_F(Processes, AgentThatComesBack_FindsItAndItsEnd) {
  run("echo ready; sleep 600");
  ASSERT_TRUE(logged("ready"));
  const int pid = inspect()->pid;
  end();
  begin();
  const auto found = runtime->list();
  ASSERT_EQ(found.containers.size(), 1U);
  EXPECT_EQ(found.containers[0].allocation, order.allocation.text());
  EXPECT_EQ(found.runtime, Runtime::Processes);
  EXPECT_EQ(inspect()->pid, pid);
  EXPECT_TRUE(start()) << "started already";
  ASSERT_TRUE(thread->await<void>([&](auto done) { runtime->signal(id(), "SIGUSR1", done); }));
  end();  // nobody waits for it
  begin();
  EXPECT_EQ(wait().exit_code, 137);
}

TEST_F(Processes, StartedTwiceAtOnce_RunsOnce) {
  ASSERT_TRUE(create("echo one; sleep 60"));
  using Both = std::vector<bool>;
  const auto both = thread->await<Both>([&](auto done) {
    auto results = std::make_shared<Both>();
    for (int i = 0; i < 2; ++i) {
      runtime->start(id(), [results, done](Result<void> result) {
        results->push_back(result.has_value());
        if (results->size() == 2) done(*results);
      });
    }
  });
  EXPECT_EQ(*both, (Both{true, true}));
  ASSERT_TRUE(logged("one"));
  EXPECT_EQ(log(), "one\n");
}

TEST_F(Processes, Removed_LeavesNoGroup) {
  run("sleep 60");
  EXPECT_TRUE(remove());
  for (const std::string& file : group().entrances()) EXPECT_FALSE(std::filesystem::exists(file)) << file;
  EXPECT_TRUE(runtime->list().containers.empty());
}

TEST_F(Processes, PortOfAnotherProgram_IsRefusedBeforeAnythingIsMade) {
  int port = 0;
  const runtime::Fd other = listen_on_loopback(port);
  order.spec.service->ports = {{.name = "web", .port = port}};
  const auto made = create("true");
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::Conflict);
  EXPECT_EQ(made.error().message,
            fmt::format("port {} of this host is in use by another program (user {})", port, getuid()));
  EXPECT_EQ(inspect().error().code, Code::NotFound);
}

}  // namespace
}  // namespace slipway::agent
