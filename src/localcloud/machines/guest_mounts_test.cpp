#include "localcloud/machines/guest_mounts.hpp"

#include <gtest/gtest.h>

namespace slipway::localcloud {
namespace {

constexpr const char* kTable =
    "30 1 0:40 /volumes/vol-0a / rw - btrfs /dev/loop0 rw\n"
    "31 30 0:40 /fs-0123456789abcdef0 /mnt rw,nosuid,nodev - btrfs /dev/loop0 rw\n"
    "32 31 0:40 /volumes/fs-0123456789abcdef0/homes/ann /mnt/with\\040blank rw - btrfs /dev/loop0 rw\n"
    "33 30 0:40 /fs-0123456789abcdef01 /other rw - btrfs /dev/loop0 rw\n"
    "34 30 0:41 /fs-0123456789abcdef0 /tmp rw - tmpfs tmpfs rw\n"
    "35 30 0:40 /my-fs-0123456789abcdef0/x /mine rw - btrfs /dev/loop0 rw\n";

TEST(GuestMountTable, MountPoints_AreThoseOfTheVolumeAndItsDirectories_TheLastFirst) {
  EXPECT_EQ(mount_points_of(kTable, "fs-0123456789abcdef0"), (std::vector<std::string>{"/mnt/with blank", "/mnt"}));
  EXPECT_TRUE(mount_points_of(kTable, "fs-0").empty());
  EXPECT_TRUE(mount_points_of("", "fs-0123456789abcdef0").empty());
}

}  // namespace
}  // namespace slipway::localcloud
