// Plants one leftover of each kind and sees each found, told apart from what is in use, and removed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <fstream>

#include "localcloud/machines/leftovers.hpp"
#include "localcloud/machines/loop_mount.hpp"
#include "localcloud/machines/network_namespace.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"
#include "scratch.hpp"

namespace slipway::localcloud {
namespace {

class LeftoversTest : public ScratchCloud {
 protected:
  void TearDown() override {
    if (identity_) EXPECT_TRUE(remove_leftovers(*identity_, {}).has_value());
    if (planted_ > 0) waitpid(planted_, nullptr, 0);
  }
  std::string cgroup() { return "/sys/fs/cgroup/pids/" + identity_->name() + "/i-gone"; }

  void plant() {
    namespace fs = std::filesystem;
    fs::create_directories(cgroup());
    planted_ = fork();
    if (planted_ == 0) {
      std::ofstream(cgroup() + "/cgroup.procs") << "0" << std::flush;
      execlp("sleep", "sleep", "300", nullptr);
      _exit(1);
    }
    fs::create_directories(identity_->volumes_directory());
    ASSERT_TRUE(make_btrfs_file(identity_->volumes_file(), std::int64_t{1} << 30, "x").has_value());
    ASSERT_TRUE(mount_btrfs_file(identity_->volumes_file(), identity_->volumes_directory()).has_value());
    ASSERT_TRUE(add_network_namespace(identity_->name("i-gone")).has_value());
    const std::string link = "sw" + identity_->id + "u";
    ASSERT_TRUE(
        run_ip_batch("", fmt::format("link add {} type veth peer name {}\n", link, "pl" + identity_->id)).has_value());
    ASSERT_TRUE(run_nft("", fmt::format("table inet {} {{ }}\n"
                                        "table inet planted-{} {{ chain c {{ iifname \"{}\" accept; }}; }}\n",
                                        identity_->name(), identity_->id, link))
                    .has_value());
  }

  pid_t planted_ = 0;
};

TEST_F(LeftoversTest, OneOfEachKind_IsFoundAndRemoved) {
  if (!std::filesystem::exists("/sys/fs/cgroup/pids")) GTEST_SKIP() << "needs cgroups of version 1";
  EXPECT_TRUE(find_leftovers(*identity_, {})->empty());
  plant();
  while (runtime::read_file(cgroup() + "/cgroup.procs")->empty()) usleep(1000);
  const auto found = find_leftovers(*identity_, {});
  ASSERT_TRUE(found.has_value()) << found.error().text();
  std::set<LeftoverKind> kinds;
  for (const Leftover& leftover : *found) kinds.insert(leftover.kind);
  for (const LeftoverKind kind :
       {LeftoverKind::Process, LeftoverKind::Mount, LeftoverKind::LoopDevice, LeftoverKind::NetworkNamespace,
        LeftoverKind::Interface, LeftoverKind::FirewallTable, LeftoverKind::FirewallRule, LeftoverKind::Cgroup}) {
    EXPECT_TRUE(kinds.contains(kind)) << leftover_kind_name(kind);
  }

  const auto with_cloud = find_leftovers(*identity_, {.cloud = true, .instances = {}});
  for (const Leftover& leftover : *with_cloud) {
    EXPECT_THAT(leftover.name + leftover.detail,
                testing::AnyOf(testing::HasSubstr("i-gone"), testing::HasSubstr("sleep")))
        << "a running cloud's own things are no leftovers";
  }
  EXPECT_TRUE(find_leftovers(*identity_, {.cloud = true, .instances = {"i-gone"}})->empty()) << "all in use";

  const auto removed = remove_leftovers(*identity_, {});
  ASSERT_TRUE(removed.has_value()) << removed.error().text();
  EXPECT_TRUE(find_leftovers(*identity_, {})->empty());
  EXPECT_FALSE(is_mount_point(identity_->volumes_directory()));
  EXPECT_EQ(find_loop_device(identity_->volumes_file()), std::nullopt);
  EXPECT_TRUE(runtime::run_checked({"nft", "delete", "table", "inet", "planted-" + identity_->id}).has_value());
}

}  // namespace
}  // namespace slipway::localcloud
