#include "agent/services/host_devices.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

struct HostDevices : testing::Test {
  TestFolder folder;
  void make(const std::string& name) const {
    const std::filesystem::path path = folder.path() + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path.string()) << "";
  }
  [[nodiscard]] SlotInventory find() const { return find_devices(folder.path()); }
};

TEST_F(HostDevices, EmptyOrMissingDirectory_HasNothing) {
  EXPECT_TRUE(find().ttys.empty());
  EXPECT_EQ(find().uinputs, 0);
  EXPECT_TRUE(find().gpus.empty());
  EXPECT_EQ(find_devices(folder.path() + "/none").directory, folder.path() + "/none");
}

TEST_F(HostDevices, Terminals_AreThoseFromTenToSixtyThree) {
  for (const char* name : {"tty", "tty0", "tty9", "tty10", "tty11", "tty63", "tty64", "ttyS10", "tty12x"}) make(name);
  EXPECT_EQ(find().ttys, (std::vector<int>{10, 11, 63}));
}

TEST_F(HostDevices, Gpus_AreNvidiasOrElseTheRenderNodes) {
  make("dri/renderD128");
  make("dri/renderD129");
  make("dri/card0");
  EXPECT_EQ(find().gpus, (std::vector<int>{0, 1}));
  EXPECT_EQ(device_nodes(folder.path(), {.gpus = {1}}),
            (std::vector<DeviceNode>{{folder.path() + "/dri/renderD129", "/dev/dri/renderD129"}}));
  make("nvidia0");
  make("nvidiactl");
  make("nvidia-uvm");
  EXPECT_EQ(find().gpus, (std::vector<int>{0}));
  EXPECT_EQ(device_nodes(folder.path(), {.gpus = {0}}),
            (std::vector<DeviceNode>{{folder.path() + "/nvidia0", "/dev/nvidia0"},
                                     {folder.path() + "/nvidiactl", "/dev/nvidiactl"},
                                     {folder.path() + "/nvidia-uvm", "/dev/nvidia-uvm"}}));
}

TEST_F(HostDevices, NodesOfAGrant_AreNamedOnce) {
  make("uinput");
  EXPECT_EQ(find().uinputs, kUinputSlots);
  EXPECT_EQ(device_nodes("/dev", {.ttys = {10, 12}, .uinputs = {0, 1, 2}}),
            (std::vector<DeviceNode>{
                {"/dev/tty10", "/dev/tty10"}, {"/dev/tty12", "/dev/tty12"}, {"/dev/uinput", "/dev/uinput"}}));
}

TEST_F(HostDevices, Groups_AreThoseThatMayReadAndWriteButNeverRoots) {
  if (getuid() != 0) GTEST_SKIP() << "needs root to change owners";
  for (const char* name : {"a", "b", "c"}) make(name);
  const auto set = [&](const char* name, unsigned group, unsigned mode) {
    const std::string path = folder.path() + "/" + name;
    ASSERT_EQ(chown(path.c_str(), 0, group), 0);
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
  };
  set("a", 44, 0660);
  set("b", 5, 0620);
  set("c", 0, 0660);
  std::vector<DeviceNode> nodes;
  for (const char* name : {"a", "b", "c", "absent"}) nodes.push_back({folder.path() + "/" + name, ""});
  EXPECT_EQ(device_groups(nodes), (std::vector<unsigned>{44}));
}

TEST_F(HostDevices, Terminals_BelongToTheHolderAndThenToRootAgain) {
  if (getuid() != 0) GTEST_SKIP() << "needs root to change owners";
  make("tty10");
  const std::string path = folder.path() + "/tty10";
  struct stat info{};
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(give_terminals(folder.path(), {10}, 10001));
    ASSERT_EQ(stat(path.c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, 10001U);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
  }
  ASSERT_TRUE(take_terminals_back(folder.path(), {10, 11})) << "11 is gone, which is fine";
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 0U);
  EXPECT_EQ(info.st_mode & 0777U, 0620U);
  EXPECT_FALSE(give_terminals(folder.path(), {11}, 10001));
}

}  // namespace
}  // namespace slipway::agent
