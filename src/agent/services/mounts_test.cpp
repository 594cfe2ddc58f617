#include "agent/services/mounts.hpp"

#include <gtest/gtest.h>

namespace slipway::agent {
namespace {

constexpr const char* kTable =
    "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
    "30 22 0:26 / /var/lib rw - ext4 /dev/sdb rw\n"
    "31 30 0:27 / /var/lib/with\\040blank rw master:7 - ext4 /dev/sdc rw\n"
    "32 22 0:28 /docker/outer /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n"
    "not a line of it\n";

TEST(Mounts, Lines_AreReadWithTheirPropagation) {
  const auto mounts = parse_mounts(kTable);
  ASSERT_EQ(mounts.size(), 4U);
  EXPECT_TRUE(mounts[0].shared);
  EXPECT_FALSE(mounts[1].shared);
  EXPECT_TRUE(mounts[2].shared) << "a slave passes on what it gets";
  EXPECT_EQ(mounts[2].point, "/var/lib/with blank");
  EXPECT_EQ(mounts[3].root, "/docker/outer");
  EXPECT_TRUE(has_option(mounts[3], "cpuacct"));
  EXPECT_FALSE(has_option(mounts[3], "acct"));
}

TEST(Mounts, MountOfAPath_IsTheDeepestThatHoldsIt) {
  const auto mounts = parse_mounts(kTable);
  EXPECT_EQ(mount_of(mounts, "/var/lib/x")->point, "/var/lib");
  EXPECT_EQ(mount_of(mounts, "/var/library")->point, "/");
  EXPECT_EQ(mount_of(mounts, "/var/lib/with blank/y")->point, "/var/lib/with blank");
  EXPECT_EQ(mount_of({}, "/"), nullptr);
}

TEST(Mounts, OwnTable_HasARoot) { EXPECT_NE(mount_of(read_mounts(), "/"), nullptr); }

}  // namespace
}  // namespace slipway::agent
