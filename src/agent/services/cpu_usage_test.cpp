#include "agent/services/cpu_usage.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

namespace slipway::agent {
namespace {

using Files = std::vector<std::string>;

Mount one_controller(const std::string& root, const std::string& point, const std::string& options) {
  return {.root = root, .point = point, .shared = false, .type = "cgroup", .options = options};
}
Mount unified(const std::string& point) {
  return {.root = "/", .point = point, .shared = false, .type = "cgroup2", .options = "rw"};
}

TEST(CpuUsage, VersionTwo_IsTheUnifiedGroup) {
  EXPECT_EQ(cpu_usage_files("0::/system.slice/docker-abc.scope\n", {unified("/sys/fs/cgroup")}),
            (Files{"/sys/fs/cgroup/system.slice/docker-abc.scope/cpu.stat"}));
}

TEST(CpuUsage, VersionOne_IsTheControllersMountWhateverItIsCalled) {
  const std::string groups = "9:name=systemd:/docker/abc\n4:cpuacct,cpu:/docker/abc\n2:memory:/docker/abc\n";
  EXPECT_EQ(cpu_usage_files(groups, {one_controller("/", "/sys/fs/cgroup/memory", "rw,memory"),
                                     one_controller("/", "/sys/fs/cgroup/cpu,cpuacct", "rw,cpu,cpuacct")}),
            (Files{"/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpuacct.usage"}));
}

TEST(CpuUsage, Hybrid_AsksTheOldOneFirst) {
  const std::string groups = "4:cpuacct:/docker/abc\n0::/docker/abc\n";
  EXPECT_EQ(cpu_usage_files(groups, {one_controller("/", "/sys/fs/cgroup/cpuacct", "rw,cpuacct"),
                                     unified("/sys/fs/cgroup/unified")}),
            (Files{"/sys/fs/cgroup/cpuacct/docker/abc/cpuacct.usage", "/sys/fs/cgroup/unified/docker/abc/cpu.stat"}));
}

TEST(CpuUsage, DockerInAContainer_IsFoundBelowThePartThatIsMounted) {
  EXPECT_EQ(cpu_usage_files("4:cpuacct:/docker/outer/docker/inner\n",
                            {one_controller("/docker/outer", "/sys/fs/cgroup/cpuacct", "rw,cpuacct")}),
            (Files{"/sys/fs/cgroup/cpuacct/docker/inner/cpuacct.usage"}));
}

TEST(CpuUsage, Texts_AreMicroseconds) {
  EXPECT_EQ(parse_cpu_usage("1234567\n"), 1234);
  EXPECT_EQ(parse_cpu_usage("usage_usec 42\nuser_usec 40\nsystem_usec 2\n"), 42);
  EXPECT_EQ(parse_cpu_usage(""), std::nullopt);
  EXPECT_EQ(parse_cpu_usage("garbage"), std::nullopt);
}

TEST(CpuUsage, OwnProcess_IsMeasuredFromTheSecondLookOn) {
  auto meter = CpuMeter::of_process(getpid());
  if (!meter) GTEST_SKIP() << meter.error().text();
  const SteadyTime start(Duration(1000));
  EXPECT_FALSE(meter->cpu_millis(start));
  volatile unsigned work = 0;
  for (unsigned i = 0; i < 50'000'000; ++i) work = work + i;
  const auto used = meter->cpu_millis(start + Duration(10));
  ASSERT_TRUE(used);
  EXPECT_GT(*used, 0);
  EXPECT_FALSE(meter->cpu_millis(start + Duration(10))) << "no time has passed";
}

TEST(CpuUsage, UnknownProcess_IsAnError) { EXPECT_FALSE(CpuMeter::of_process(1 << 30)); }

}  // namespace
}  // namespace slipway::agent
