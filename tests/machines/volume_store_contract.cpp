// What every VolumeStore promises.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <thread>

#include "base/units.hpp"
#include "localcloud/machines/loop_mount.hpp"
#include "localcloud/machines/volume_store.hpp"
#include "runtime/fd.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"
#include "scratch.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

using OpenStore = Result<std::unique_ptr<VolumeStore>> (*)(const Identity&);

class VolumeStoreContract : public ScratchCloud, public testing::WithParamInterface<OpenStore> {
 protected:
  void SetUp() override {
    ScratchCloud::SetUp();
    if (!IsSkipped() && !HasFatalFailure()) reopen();
  }
  void TearDown() override {
    if (store_) EXPECT_TRUE(store_->close().has_value());
  }
  void reopen() {
    auto opened = GetParam()(*identity_);
    ASSERT_TRUE(opened.has_value()) << opened.error().text();
    store_ = std::move(*opened);
  }
  std::string path(const std::string& name) { return store_->path(name).value_or("/nowhere"); }
  void write(const std::string& name, const std::string& file, const std::string& text) {
    std::ofstream(path(name) + "/" + file) << text;
  }
  std::string read(const std::string& name, const std::string& file) {
    return runtime::read_file(path(name) + "/" + file).value_or("<none>");
  }
  static void ok(const Result<void>& result) { ASSERT_TRUE(result.has_value()) << result.error().text(); }
  static Code code(const Result<void>& result) { return result ? Code::Internal : result.error().code; }

  std::unique_ptr<VolumeStore> store_;
};

TEST_P(VolumeStoreContract, Clone_SharesNothingThatIsWrittenLater) {
  ok(store_->create("vol-a", 0));
  write("vol-a", "file", "before");
  ok(store_->snapshot("vol-a", "snap-a"));
  write("vol-a", "file", "after");
  ok(store_->clone("snap-a", "vol-b", 0));
  EXPECT_EQ(read("vol-b", "file"), "before");
  write("vol-b", "file", "other");
  EXPECT_EQ(read("vol-a", "file"), "after");
  EXPECT_EQ(read("snap-a", "file"), "before");
  EXPECT_TRUE(store_->info("snap-a")->read_only);
  EXPECT_FALSE(store_->info("vol-b")->read_only);
}

TEST_P(VolumeStoreContract, Snapshot_CannotBeWritten) {
  ok(store_->create("vol-a", 0));
  ok(store_->snapshot("vol-a", "snap-a"));
  EXPECT_NE(mkdir((path("snap-a") + "/new").c_str(), 0755), 0);
  EXPECT_EQ(errno, EROFS);
}

TEST_P(VolumeStoreContract, ImportTree_KeepsOwnersModesAndLinks) {
  const std::string tree = directory_ + "/tree";
  fs::create_directories(tree + "/etc");
  std::ofstream(tree + "/etc/secret") << "x";
  ASSERT_EQ(chmod((tree + "/etc/secret").c_str(), 04750), 0);
  ASSERT_EQ(chown((tree + "/etc/secret").c_str(), 12, 34), 0);
  ASSERT_EQ(chmod((tree + "/etc/secret").c_str(), 04750), 0);
  fs::create_symlink("etc/secret", tree + "/link");
  ok(store_->import_tree(tree, "snap-base"));
  struct stat info{};
  ASSERT_EQ(lstat((path("snap-base") + "/etc/secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 12U);
  EXPECT_EQ(info.st_gid, 34U);
  EXPECT_EQ(info.st_mode & 07777U, 04750U);
  EXPECT_TRUE(fs::is_symlink(path("snap-base") + "/link"));
  EXPECT_EQ(code(store_->import_tree(directory_ + "/nothing", "snap-x")), Code::NotFound);
}

/// A guest's root can make a set-user-id file, and on disk it is root's.
TEST_P(VolumeStoreContract, OtherUsersOfTheMachine_GetNowhereNearAGuestsFiles) {
  struct stat info{};
  ASSERT_EQ(stat(identity_->volumes_directory().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
}

TEST_P(VolumeStoreContract, Limit_HoldsForACloneAndIsPartOfItsInfo) {
  ok(store_->create("vol-a", 0));
  ok(store_->snapshot("vol-a", "snap-a"));
  ok(store_->clone("snap-a", "vol-b", 8 * kMiB));
  EXPECT_EQ(store_->info("vol-b")->limit_bytes, 8 * kMiB);
  const runtime::Fd file(open((path("vol-b") + "/big").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const std::string block(1 << 20, 'x');
  int written = 0;
  while (written < 32 && runtime::write_all(file.get(), block) && fsync(file.get()) == 0) ++written;
  EXPECT_LT(written, 9);
  EXPECT_GE(written, 6);
  EXPECT_EQ(errno, EDQUOT);
}

TEST_P(VolumeStoreContract, Clone_ToLessThanItHolds_IsRefused) {
  ok(store_->create("vol-a", 0));
  write("vol-a", "big", std::string(4 << 20, 'x'));
  ok(store_->snapshot("vol-a", "snap-a"));
  EXPECT_EQ(code(store_->clone("snap-a", "vol-b", kMiB)), Code::InvalidInput);
  EXPECT_FALSE(store_->path("vol-b").has_value());
}

TEST_P(VolumeStoreContract, NestedSubvolumes_BelongToSnapshotsAndGoWithTheirVolume) {
  ok(store_->create("vol-a", 0));
  fs::create_directories(path("vol-a") + "/var/lib");
  for (const char* nested : {"/srv", "/var/lib/machines", "/var/lib/machines/deep"}) {
    auto made = runtime::run_checked({"btrfs", "subvolume", "create", path("vol-a") + nested});
    ASSERT_TRUE(made.has_value()) << made.error().text();
  }
  write("vol-a", "var/lib/machines/deep/file", "nested");
  ok(store_->snapshot("vol-a", "snap-a"));
  ok(store_->remove("vol-a"));
  EXPECT_FALSE(store_->path("vol-a").has_value());
  EXPECT_NE(mkdir((path("snap-a") + "/srv/new").c_str(), 0755), 0);
  ok(store_->clone("snap-a", "vol-b", 0));
  EXPECT_EQ(read("vol-b", "var/lib/machines/deep/file"), "nested");
  write("vol-b", "srv/file", "x");
  EXPECT_EQ(read("vol-b", "srv/file"), "x");
  ok(store_->remove("snap-a"));
  EXPECT_EQ(read("vol-b", "var/lib/machines/deep/file"), "nested");
}

TEST_P(VolumeStoreContract, HeldBytes_CountWhatIsNestedAsWell) {
  ok(store_->create("fs-a", 0));
  const auto empty = store_->held_bytes("fs-a");
  ASSERT_TRUE(empty.has_value()) << empty.error().text();
  ASSERT_TRUE(runtime::run_checked({"btrfs", "subvolume", "create", path("fs-a") + "/home"}).has_value());
  write("fs-a", "home/big", std::string(4 << 20, 'x'));
  write("fs-a", "big", std::string(2 << 20, 'x'));
  ASSERT_TRUE(runtime::run_checked({"btrfs", "filesystem", "sync", path("fs-a")}).has_value());
  EXPECT_GE(store_->held_bytes("fs-a").value_or(0), *empty + (6 << 20));
  EXPECT_LT(store_->info("fs-a")->referenced_bytes, *empty + (6 << 20));
  EXPECT_EQ(store_->held_bytes("fs-none").error().code, Code::NotFound);
}

TEST_P(VolumeStoreContract, Names_ExistOnceAndAreChecked) {
  ok(store_->create("vol-a", 0));
  EXPECT_EQ(code(store_->create("vol-a", 0)), Code::Conflict);
  ok(store_->snapshot("vol-a", "snap-a"));
  EXPECT_EQ(code(store_->snapshot("vol-a", "snap-a")), Code::Conflict);
  EXPECT_EQ(code(store_->clone("snap-none", "vol-b", 0)), Code::NotFound);
  for (const char* bad : {"", "..", "a/b", ".hidden", "Vol", "a b"}) {
    EXPECT_EQ(code(store_->create(bad, 0)), Code::InvalidInput) << bad;
  }
}

TEST_P(VolumeStoreContract, Remove_IsRepeatable) {
  ok(store_->create("vol-a", 0));
  ok(store_->remove("vol-a"));
  ok(store_->remove("vol-a"));
  EXPECT_TRUE(store_->list()->empty());
}

TEST_P(VolumeStoreContract, List_IsSortedAndWholeAfterAReopen) {
  ok(store_->create("vol-b", 0));
  ok(store_->create("vol-a", kMiB * 64));
  ok(store_->snapshot("vol-a", "snap-a"));
  ok(store_->close());
  reopen();
  std::vector<std::string> names;
  for (const VolumeInfo& volume : *store_->list()) names.push_back(volume.name);
  EXPECT_EQ(names, (std::vector<std::string>{"snap-a", "vol-a", "vol-b"}));
  EXPECT_EQ(store_->info("vol-a")->limit_bytes, 64 * kMiB);
}

TEST_P(VolumeStoreContract, Open_BesideAMountThatAKilledProcessLeft_AdoptsIt) {
  ok(store_->create("vol-a", 0));
  const auto device = find_loop_device(identity_->volumes_file());
  store_.reset();  // as kill -9: nothing is closed
  reopen();
  EXPECT_EQ(find_loop_device(identity_->volumes_file()), device);
  EXPECT_TRUE(store_->path("vol-a").has_value());
}

TEST_P(VolumeStoreContract, Open_AfterACrashInTheMiddle_RemovesTheHalf) {
  ok(store_->create("vol-a", 0));
  const std::string half = identity_->volumes_directory() + "/.snap-x.partial";
  fs::rename(path("vol-a"), half);
  store_.reset();
  reopen();
  EXPECT_FALSE(fs::exists(half));
}

TEST_P(VolumeStoreContract, Close_WhileAVolumeIsInUse_SaysSoAndAfterwardsFreesAll) {
  ok(store_->create("vol-a", 0));
  runtime::Fd used(open(path("vol-a").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (is_mount_point(identity_->volumes_directory())) EXPECT_EQ(code(store_->close()), Code::Conflict);
  used.reset();
  ok(store_->close());
  EXPECT_FALSE(is_mount_point(identity_->volumes_directory()));
  EXPECT_EQ(find_loop_device(identity_->volumes_file()), std::nullopt);
  ok(store_->close());
}

TEST_P(VolumeStoreContract, Clones_MadeAtOnceByManyThreads_AllSucceedInMilliseconds) {
  ok(store_->create("vol-a", 0));
  ok(store_->snapshot("vol-a", "snap-a"));
  constexpr int kThreads = 8;
  std::vector<std::thread> threads;
  std::atomic<int> made = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int index = 0; index < kThreads; ++index) {
    threads.emplace_back([&, index] {
      if (store_->clone("snap-a", fmt::format("vol-{}", index), kGiB)) ++made;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(made, kThreads);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

INSTANTIATE_TEST_SUITE_P(Btrfs, VolumeStoreContract,
                         testing::Values([](const Identity& identity) { return open_btrfs_volumes(identity); }));

TEST_F(ScratchCloud, CheckRoom_WithTheOuterDiskNearlyFull_RefusesToMakeMore) {
  auto store = open_btrfs_volumes(*identity_, {.least_outer_free_bytes = std::int64_t{1} << 60});
  ASSERT_TRUE(store.has_value()) << store.error().text();
  EXPECT_EQ((*store)->check_room().error().code, Code::Exhausted);
  EXPECT_EQ((*store)->create("vol-a", 0).error().code, Code::Exhausted);
  EXPECT_TRUE((*store)->close().has_value());
}

}  // namespace
}  // namespace slipway::localcloud
