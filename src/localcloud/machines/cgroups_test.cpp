#include "localcloud/machines/cgroups.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

namespace slipway::localcloud {
namespace {

using testing::ElementsAre;

constexpr std::string_view kHybrid =
    "30 22 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
    "34 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr std::string_view kPureV2 = "30 22 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

TEST(CgroupLayout, Hybrid_HasEachHierarchyWithItsControllers) {
  const CgroupLayout layout = parse_cgroup_layout(parse_mounts(kHybrid));
  ASSERT_EQ(layout.hierarchies.size(), 4U);
  EXPECT_THAT(layout.hierarchies[0].controllers, ElementsAre("cpu", "cpuacct"));
  EXPECT_THAT(layout.hierarchies[2].controllers, ElementsAre("name=systemd"));
  EXPECT_THAT(layout.hierarchies[3].controllers, ElementsAre());
  EXPECT_FALSE(layout.is_pure_v2());
}

/// Bug: what a neighbour's nspawn had mounted in passing was gone when the guest's cgroup was made there.
TEST(CgroupLayout, AHierarchyMountedInPassingElsewhere_IsNotOurs) {
  const std::string passing = "99 1 0:30 / /tmp/unifiedAbCdEf rw - cgroup2 cgroup2 rw\n";
  EXPECT_EQ(parse_cgroup_layout(parse_mounts(passing + std::string(kHybrid))).hierarchies.size(), 4U);
}

TEST(CgroupLayout, PureVersion2_IsToldFromHybrid) {
  EXPECT_TRUE(parse_cgroup_layout(parse_mounts(kPureV2)).is_pure_v2());
}

TEST(ChooseCpus, OfAFewGuests_SpreadsThemAndStaysInWhatIsAvailable) {
  EXPECT_EQ(choose_cpus(2, {0, 1, 2, 3}, 0), "0,1");
  EXPECT_EQ(choose_cpus(2, {0, 1, 2, 3}, 1), "2,3");
  EXPECT_EQ(choose_cpus(2, {4, 6, 9}, 1), "4,9");
  EXPECT_EQ(choose_cpus(8, {0, 1}, 5), "0,1");
}

TEST(GuestCgroup, WithoutTheControllersThatHoldLimits_IsRefused) {
  const GuestCgroup cgroup(parse_cgroup_layout(parse_mounts(kHybrid)), "slipway-test/i-1");
  const auto made = cgroup.create({.cpus = "0", .memory_bytes = 1 << 20, .pids = 10}, 0);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::Unsupported);  // this layout has no pids controller
}

TEST(GuestCgroup, OnAPureVersion2Tree_SetsEveryLimitAndDelegatesItsParents) {
  std::string pattern = testing::TempDir() + "cgroup-XXXXXX";
  const std::string root = mkdtemp(pattern.data());
  // A directory tree stands for the kernel's: the files are there as the kernel makes them.
  const std::string leaf = root + "/slipway-test/i-1";
  std::filesystem::create_directories(leaf);
  for (const std::string& directory : {root, root + "/slipway-test"})
    std::ofstream(directory + "/cgroup.subtree_control");
  for (const char* file : {"memory.max", "memory.swap.max", "cpu.max", "cpuset.cpus", "pids.max"}) {
    std::ofstream(leaf + "/" + file);
  }
  const GuestCgroup cgroup({.hierarchies = {{.mount_point = root, .controllers = {}}}}, "slipway-test/i-1");
  const auto made = cgroup.create({.cpus = "0,1", .cpu_count = 2, .memory_bytes = 1 << 30, .pids = 10}, 0);
  ASSERT_TRUE(made.has_value()) << made.error().text();
  const auto content = [&](const char* file) {
    std::string text;
    std::getline(std::ifstream(leaf + "/" + file), text);
    return text;
  };
  EXPECT_EQ(content("memory.max"), "1073741824");
  EXPECT_EQ(content("cpu.max"), "200000 100000");
  EXPECT_EQ(content("cpuset.cpus"), "0,1");
  EXPECT_EQ(content("pids.max"), "10");
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace slipway::localcloud
