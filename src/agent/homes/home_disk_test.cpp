#include "agent/homes/home_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/testing/support.hpp"
#include "runtime/child.hpp"

namespace slipway::agent {
namespace {

using model::HomeKind;
using model::HomeMount;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

// ---- what is run ----

TEST(MountCommand, Nfs_HasTheOptionsThatEfsRecommendsAndThoseThatWereAskedFor) {
  const HomeMount home{.kind = HomeKind::Nfs, .source = "server:/homes", .options = "vers=3", .name = "ann"};
  EXPECT_THAT(
      mount_file_system(home, "/p"),
      ElementsAre("mount", "-t", "nfs", "-o",
                  "vers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,nosuid,nodev,vers=3",
                  "server:/homes", "/p"));
}

TEST(MountCommand, Efs_GoesThroughItsHelperWithAQuotaWhereOneIsWanted) {
  HomeMount home{.kind = HomeKind::Efs, .source = "fs-1", .name = "ann"};
  EXPECT_THAT(mount_file_system(home, "/p"), ElementsAre("mount", "-t", "efs", "-o", "nosuid,nodev", "fs-1:/", "/p"));
  EXPECT_TRUE(make_with_quota(home, "/q").empty());
  home.quota_bytes = (10 << 20) + 1;
  EXPECT_THAT(make_with_quota(home, "/q"),
              ElementsAre("mount", "-t", "efs", "-o", "create,quota=11MiB", "fs-1:/ann", "/q"));
}

TEST(MountCommand, EachFileSystem_HasAPointOfItsOwn) {
  const HomeMount one{.kind = HomeKind::Nfs, .source = "a:/x", .name = "ann"};
  HomeMount other = one;
  other.name = "bob";
  EXPECT_EQ(file_system_point("/d", one), file_system_point("/d", other));
  other.source = "b:/x";
  EXPECT_NE(file_system_point("/d", one), file_system_point("/d", other));
  EXPECT_EQ(file_system_point("/d", {.kind = HomeKind::Directory, .source = "/srv"}), "/srv");
}

// ---- with a pretended machine ----

struct HomeDiskTest : testing::Test {
  TestFolder folder;
  std::vector<Mount> mounts;
  std::vector<std::string> ran;
  std::map<std::string, Error> failing;  // by the beginning of the command
  HomeDisk disk{{.directory = folder.path() + "/homes",
                 .run = [this](const Argv& argv, Duration) { return run(argv); },
                 .mounts = [this] { return mounts; }}};
  HomeMount ann{.kind = HomeKind::Nfs, .source = "server:/homes", .name = "ann"};
  std::string target = folder.path() + "/home";

  Result<void> run(const Argv& argv) {
    std::string line;
    for (const auto& word : argv) line += (line.empty() ? "" : " ") + word;
    ran.push_back(line);
    for (const auto& [beginning, error] : failing) {
      if (line.starts_with(beginning)) return fail(error);
    }
    if (argv[0] == "mount" && argv[1] == "-t") mounts.push_back({.root = "/", .point = argv.back(), .type = argv[2]});
    if (argv[1] == "--bind") mounts.push_back({.root = argv[2], .point = argv[3]});
    if (argv[1] == "--make-shared") mounts.back().shared = true;
    if (argv[0] == "umount") {
      const auto last = std::ranges::find(mounts.rbegin(), mounts.rend(), argv.back(), &Mount::point);
      if (last != mounts.rend()) mounts.erase(std::next(last).base());
    }
    return {};
  }
  int times(const std::string& beginning) {
    return static_cast<int>(std::ranges::count_if(ran, [&](const auto& line) { return line.starts_with(beginning); }));
  }
};

TEST_F(HomeDiskTest, FileSystem_IsMountedOnceForAllHomes) {
  auto bob = ann;
  bob.name = "bob";
  ASSERT_TRUE(disk.attach(ann, target, 10001));
  ASSERT_TRUE(disk.attach(bob, target + "2", 10001));
  EXPECT_EQ(times("mount -t nfs"), 1);
  EXPECT_EQ(times("install -d -m 0700 -o 10001 -g 10001"), 2);
  EXPECT_EQ(times("mount --bind"), 2);
  EXPECT_THAT(ran, Contains("mount -o remount,bind,nosuid,nodev " + target));
  ran.clear();
  ASSERT_TRUE(disk.attach(ann, target, 10001));
  EXPECT_TRUE(ran.empty()) << "it is there already";
}

TEST_F(HomeDiskTest, LastUser_LetsTheFileSystemGo) {
  auto bob = ann;
  bob.name = "bob";
  ASSERT_TRUE(disk.attach(ann, target, 1));
  ASSERT_TRUE(disk.attach(bob, target + "2", 1));
  ASSERT_TRUE(disk.detach(target));
  disk.release_all_but({bob});
  EXPECT_EQ(mounts.size(), 2U);
  ASSERT_TRUE(disk.detach(target + "2"));
  disk.release_all_but({});
  EXPECT_TRUE(mounts.empty());
}

TEST_F(HomeDiskTest, ServerThatIsAway_FailsWithItsWordsAndIsNotAskedForEachPerson) {
  failing["mount -t nfs"] = Error{.code = Code::Timeout, .message = "mount.nfs: Connection timed out"};
  const auto first = disk.attach(ann, target, 1);
  ASSERT_FALSE(first);
  EXPECT_THAT(first.error().text(), HasSubstr("Connection timed out"));
  EXPECT_THAT(first.error().text(), HasSubstr("server:/homes"));
  EXPECT_FALSE(disk.attach(ann, target + "2", 1));
  EXPECT_EQ(times("mount -t nfs"), 1);
}

TEST_F(HomeDiskTest, HelperWithoutQuotas_GivesAHomeWithoutOne) {
  HomeMount efs{.kind = HomeKind::Efs, .source = "fs-1", .name = "ann", .quota_bytes = 1 << 30};
  failing["mount -t efs -o create"] = Error{.code = Code::Io, .message = "an incorrect mount option was specified"};
  EXPECT_TRUE(disk.attach(efs, target, 1));
  EXPECT_EQ(times("install"), 1);
}

TEST_F(HomeDiskTest, QuotaThatCannotBeSetNow_IsNoHomeWithoutOne) {
  HomeMount efs{.kind = HomeKind::Efs, .source = "fs-1", .name = "ann", .quota_bytes = 1 << 30};
  failing["mount -t efs -o create"] = Error{.code = Code::Io, .message = "no metadata service"};
  EXPECT_FALSE(disk.attach(efs, target, 1));
  EXPECT_EQ(times("install"), 0);
}

TEST_F(HomeDiskTest, BusyMount_GoesLazily) {
  ASSERT_TRUE(disk.attach(ann, target, 1));
  failing["umount " + target] = Error{.code = Code::Io, .message = "target is busy"};
  ASSERT_TRUE(disk.detach(target));
  EXPECT_THAT(ran, Contains("umount -l " + target));
}

TEST_F(HomeDiskTest, PlaceForAHomeToCome_PassesMountsOn) {
  mounts.push_back({.root = "/", .point = "/"});
  ASSERT_TRUE(disk.share(target));
  EXPECT_THAT(ran, ElementsAre("mount --bind " + target + " " + target, "mount --make-shared " + target));
  ran.clear();
  ASSERT_TRUE(disk.share(target));
  EXPECT_TRUE(ran.empty());
  mounts = {{.root = "/", .point = "/", .shared = true}};
  ASSERT_TRUE(disk.share(target));
  EXPECT_TRUE(ran.empty()) << "it is so already";
}

// ---- with this machine ----

struct HomeDiskOfThisMachine : testing::Test {
  TestFolder folder;
  HomeDisk disk{{.directory = folder.path() + "/homes"}};
  std::string target = folder.path() + "/target";
  void SetUp() override {
    std::filesystem::create_directories(target);
    std::filesystem::create_directories(folder.path() + "/srv");
    const auto tried = runtime::run_checked({"mount", "--bind", target, target});
    if (!tried) GTEST_SKIP() << "this place may not mount: " << tried.error().text();
    ASSERT_TRUE(runtime::run_checked({"umount", target}));
  }
  HomeMount home() { return {.kind = HomeKind::Directory, .source = folder.path() + "/srv", .name = "ann"}; }
};

TEST_F(HomeDiskOfThisMachine, Home_IsThereAndNobodyElses) {
  ASSERT_TRUE(disk.attach(home(), target, 10001));
  struct stat info{};
  ASSERT_EQ(stat(target.c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 10001U);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
  std::ofstream(target + "/file") << "saved";
  ASSERT_TRUE(disk.attach(home(), target, 10001));
  ASSERT_TRUE(disk.detach(target));
  EXPECT_TRUE(std::filesystem::is_empty(target));
  EXPECT_EQ(*runtime::read_file(folder.path() + "/srv/ann/file"), "saved");
}

TEST_F(HomeDiskOfThisMachine, TreeWithAHomeInIt_IsRemovedWithoutTheHome) {
  ASSERT_TRUE(disk.attach(home(), target, 10001));
  std::ofstream(target + "/file") << "saved";
  ASSERT_TRUE(remove_allocation_tree(target));
  EXPECT_FALSE(std::filesystem::exists(target));
  EXPECT_EQ(*runtime::read_file(folder.path() + "/srv/ann/file"), "saved");
}

TEST_F(HomeDiskOfThisMachine, HomeOfAClaim_IsSeenByWhoeverHadItsPlaceBefore) {
  ASSERT_TRUE(disk.share(target));
  // As an engine binds it into a container: a mount namespace of its own, fed by the host's.
  auto container =
      runtime::Child::start({"unshare", "--mount", "--propagation", "slave", "sleep", "1000"}, folder.path() + "/log");
  ASSERT_TRUE(container) << container.error().text();
  const std::string inside = "/proc/" + std::to_string(container->pid());
  std::error_code error;
  const auto ours = std::filesystem::read_symlink("/proc/self/ns/mnt");
  ASSERT_TRUE(eventually([&] { return std::filesystem::read_symlink(inside + "/ns/mnt", error) != ours; }));
  ASSERT_TRUE(eventually([&] { return runtime::read_file(inside + "/comm").value_or("") == "sleep\n"; }));
  ASSERT_TRUE(disk.attach(home(), target, 10001));
  std::ofstream(folder.path() + "/srv/ann/file") << "saved";
  EXPECT_EQ(runtime::read_file(inside + "/root" + target + "/file").value_or("(none)"), "saved");
  ASSERT_TRUE(disk.detach(target));
  EXPECT_FALSE(std::filesystem::exists(inside + "/root" + target + "/file"));
}

TEST_F(HomeDiskOfThisMachine, HomeOfAnotherUser_IsGivenToTheNewOne) {
  ASSERT_TRUE(disk.attach(home(), target, 10001));
  std::ofstream(target + "/file") << "saved";
  ASSERT_TRUE(disk.detach(target));
  ASSERT_TRUE(disk.attach(home(), target, 20001));
  struct stat info{};
  ASSERT_EQ(stat((target + "/file").c_str(), &info), 0);
  EXPECT_EQ(info.st_uid, 20001U);
  ASSERT_TRUE(disk.detach(target));
}

TEST_F(HomeDiskOfThisMachine, NfsServerThatIsNone_FailsInTimeAndInWords) {
  HomeDisk impatient({.directory = folder.path() + "/homes", .deadline = std::chrono::seconds(3)});
  const auto failed =
      impatient.attach({.kind = HomeKind::Nfs, .source = "127.0.0.1:/nothing", .name = "ann"}, target, 1);
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().text(), HasSubstr("mounting the file system of homes, 127.0.0.1:/nothing"));
}

}  // namespace
}  // namespace slipway::agent
