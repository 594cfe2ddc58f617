#include "agent/capacity.hpp"

#include <gtest/gtest.h>

#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

struct Capacity : testing::Test {
  TestFolder root;
  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path full = root.path() + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }
  void SetUp() override {
    write("/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\n");
    write("/proc/cpuinfo", "processor\t: 0\nmodel\t: x\n\nprocessor\t: 1\nmodel\t: x\n");
  }
  model::Resources measure() { return measure_capacity(root.path()).value_or(model::Resources{}); }
};

TEST_F(Capacity, WithoutGroups_IsWhatProcSays) {
  write("/proc/self/cgroup", "0::/\n");
  EXPECT_EQ(measure(), (model::Resources{.cpu_millis = 2000, .memory_bytes = 16384 * 1024}));
}

TEST_F(Capacity, VersionTwo_CountsTheLimitsOfItsGroupAndOfThoseAbove) {
  write("/proc/self/cgroup", "0::/system.slice/agent.service\n");
  write("/sys/fs/cgroup/memory.max", "8000000\n");
  write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  write("/sys/fs/cgroup/system.slice/memory.max", "max\n");
  write("/sys/fs/cgroup/system.slice/agent.service/cpu.max", "max 100000\n");
  EXPECT_EQ(measure(), (model::Resources{.cpu_millis = 1500, .memory_bytes = 8'000'000}));
}

TEST_F(Capacity, VersionOne_CountsMemoryAndQuota) {
  write("/proc/self/cgroup", "5:cpu,cpuacct:/box\n4:memory:/box\n1:name=systemd:/\n0::/\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  write("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "4000000\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  write("/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "50000\n");
  write("/sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(measure(), (model::Resources{.cpu_millis = 500, .memory_bytes = 4'000'000}));
}

TEST_F(Capacity, NoMeminfo_IsAnError) { EXPECT_FALSE(measure_capacity("/nonexistent")); }

TEST(GroupPath, IsFoundByControllerOrForVersionTwo) {
  const std::string text = "12:cpu,cpuacct:/a\n11:memory:/b\n0::/c\n";
  EXPECT_EQ(group_path(text, "cpu"), "/a");
  EXPECT_EQ(group_path(text, "memory"), "/b");
  EXPECT_EQ(group_path(text, ""), "/c");
  EXPECT_EQ(group_path(text, "pids"), std::nullopt);
}

}  // namespace
}  // namespace slipway::agent
