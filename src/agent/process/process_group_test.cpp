#include "agent/process/process_group.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "agent/testing/process_support.hpp"

namespace slipway::agent {
namespace {

using testing::ElementsAre;

Mount mount(std::string point, std::string type, std::string options) {
  return {
      .root = "/", .point = std::move(point), .shared = true, .type = std::move(type), .options = std::move(options)};
}

TEST(ProcessGroup, Version1_EntersEveryHierarchyAndLimitsWhereTheControllersAre) {
  const ProcessGroup group({mount("/g/cpu", "cgroup", "rw,cpu,cpuacct"), mount("/g/memory", "cgroup", "rw,memory"),
                            mount("/g/pids", "cgroup", "rw,pids"), mount("/g/systemd", "cgroup", "rw,name=systemd"),
                            mount("/g/unified", "cgroup2", "rw"), mount("/", "ext4", "rw")},
                           "alloc-1");
  EXPECT_THAT(group.entrances(),
              ElementsAre("/g/cpu/slipway-agent/alloc-1/cgroup.procs", "/g/memory/slipway-agent/alloc-1/cgroup.procs",
                          "/g/pids/slipway-agent/alloc-1/cgroup.procs", "/g/systemd/slipway-agent/alloc-1/cgroup.procs",
                          "/g/unified/slipway-agent/alloc-1/cgroup.procs"));
  EXPECT_EQ(group.members_file(), "/g/pids/slipway-agent/alloc-1/cgroup.procs");
  EXPECT_EQ(group.oom_file(), "/g/memory/slipway-agent/alloc-1/memory.oom_control");
}

TEST(ProcessGroup, Version2Alone_IsOneHierarchy) {
  const ProcessGroup group({mount("/g", "cgroup2", "rw"), mount("/other", "cgroup", "rw,name=systemd")}, "alloc-1");
  EXPECT_THAT(group.entrances(), ElementsAre("/g/slipway-agent/alloc-1/cgroup.procs"));
  EXPECT_EQ(group.oom_file(), "/g/slipway-agent/alloc-1/memory.events");
}

TEST(ProcessGroup, WithoutAController_NothingIsMade) {
  const TestFolder folder;
  const ProcessGroup group({mount(folder.path(), "cgroup", "rw,cpu")}, "alloc-1");
  const auto made = group.create({.cpu_millis = 1000, .memory_bytes = 1 << 20}, 10);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::Unsupported);
  EXPECT_THAT(made.error().message, testing::HasSubstr("controller memory"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

/// Whatever a mount's files hold, the limits are written as each version has them.
TEST(ProcessGroup, Version2Alone_WritesItsLimits) {
  const TestFolder folder;
  const std::string at = folder.path() + "/slipway-agent/alloc-1";
  std::filesystem::create_directories(at);
  for (const std::string& file :
       {folder.path() + "/cgroup.subtree_control", folder.path() + "/slipway-agent/cgroup.subtree_control",
        at + "/memory.max", at + "/cpu.max", at + "/pids.max"}) {
    std::ofstream(file) << "";
  }
  const ProcessGroup group({mount(folder.path(), "cgroup2", "rw")}, "alloc-1");
  const auto made = group.create({.cpu_millis = 1500, .memory_bytes = 1 << 20}, 10);
  ASSERT_TRUE(made) << made.error().text();
  EXPECT_EQ(*runtime::read_file(at + "/memory.max"), "1048576");
  EXPECT_EQ(*runtime::read_file(at + "/cpu.max"), "150000 100000");
  EXPECT_EQ(*runtime::read_file(at + "/pids.max"), "10");
}

TEST(ProcessGroup, Real_HoldsKillsAndGoes) {
  SLIPWAY_NEEDS_PROCESSES();
  const ProcessGroup group(read_mounts(), "test-group-" + std::to_string(getpid()));
  ASSERT_TRUE(group.create({.cpu_millis = 500, .memory_bytes = 32 << 20}, 100));
  ASSERT_TRUE(group.create({.cpu_millis = 500, .memory_bytes = 32 << 20}, 100)) << "again";
  const pid_t child = fork();
  if (child == 0) {
    while (true) pause();
  }
  for (const std::string& entrance : group.entrances()) std::ofstream(entrance) << child;
  EXPECT_TRUE(group.holds(child));
  EXPECT_FALSE(group.holds(getpid()));
  EXPECT_EQ(group.remove(Duration(20)).error().code, Code::Conflict);
  std::thread reaper([&] { waitpid(child, nullptr, 0); });
  EXPECT_TRUE(group.kill_all(kTestPatience));
  reaper.join();
  EXPECT_TRUE(group.remove(std::chrono::seconds(5)));
  EXPECT_TRUE(group.remove(Duration(0))) << "gone already";
  EXPECT_TRUE(group.kill_all(Duration(0))) << "nothing there";
}

}  // namespace
}  // namespace slipway::agent
