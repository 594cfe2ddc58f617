#include "agent/homes/placed_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "agent/files/work_tree.hpp"
#include "agent/homes/home_archive.hpp"
#include "agent/testing/support.hpp"
#include "base/digest.hpp"

namespace slipway::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct PlacedFiles : testing::Test {
  TestFolder folder;
  std::string home = folder.path() + "/home";
  PlaceOrder order{.home = home,
                   .record = folder.path() + "/placed/ann.json",
                   .directory = {},
                   .cache = folder.path() + "/cache",
                   .files = {},
                   .uid = getuid()};
  void SetUp() override { std::filesystem::create_directories(home); }

  void offer(const std::string& path, const std::string& content, unsigned mode = 0644) {
    const auto sha256 = sha256_hex(content);
    const auto cached = cache_path(order.cache, sha256);
    std::filesystem::create_directories(std::filesystem::path(cached).parent_path());
    std::ofstream(cached) << content;
    std::erase_if(order.files, [&](const auto& entry) { return entry.path == path; });
    order.files.push_back(
        {.path = path, .sha256 = sha256, .size_bytes = static_cast<std::int64_t>(content.size()), .mode = mode});
  }
  std::vector<std::string> place() {
    auto kept = place_into_home(order);
    EXPECT_TRUE(kept) << kept.error().text();
    return kept.value_or(std::vector<std::string>{"(failed)"});
  }
  std::string content(const std::string& path) { return runtime::read_file(home + "/" + path).value_or("(none)"); }
  void edit(const std::string& path, const std::string& text) { std::ofstream(home + "/" + path) << text; }
};

TEST_F(PlacedFiles, Files_AreTherePathsAndModesIncluded) {
  offer("a.txt", "one");
  offer("bin/run", "#!/bin/sh\n", 0755);
  order.directory = "lab/day1";
  EXPECT_THAT(place(), IsEmpty());
  EXPECT_EQ(content("lab/day1/a.txt"), "one");
  struct stat info{};
  ASSERT_EQ(stat((home + "/lab/day1/bin/run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0755U);
}

TEST_F(PlacedFiles, WhatNobodyChanged_IsBroughtUpToDate) {
  offer("a.txt", "one");
  place();
  offer("a.txt", "two");
  EXPECT_THAT(place(), IsEmpty());
  EXPECT_EQ(content("a.txt"), "two");
  EXPECT_THAT(place(), IsEmpty()) << "twice is harmless";
}

TEST_F(PlacedFiles, WhatThePersonChangedOrMade_IsKeptUnlessAskedFor) {
  offer("a.txt", "one");
  offer("b.txt", "one");
  place();
  edit("a.txt", "mine");
  edit("c.txt", "mine");
  offer("a.txt", "two");
  offer("b.txt", "two");
  offer("c.txt", "two");
  EXPECT_THAT(place(), ElementsAre("a.txt", "c.txt"));
  EXPECT_EQ(content("a.txt"), "mine");
  EXPECT_EQ(content("b.txt"), "two");
  EXPECT_EQ(content("c.txt"), "mine");
  order.replace = true;
  EXPECT_THAT(place(), IsEmpty());
  EXPECT_EQ(content("a.txt"), "two");
  EXPECT_EQ(content("c.txt"), "two");
}

TEST_F(PlacedFiles, LinksOfThePerson_LeadNobodyOutOfTheHome) {
  const std::string outside = folder.path() + "/outside";
  std::filesystem::create_directories(outside);
  std::filesystem::create_symlink(outside, home + "/lab");
  std::filesystem::create_symlink(outside + "/target", home + "/a.txt");
  offer("lab/x", "placed");
  offer("a.txt", "placed");
  EXPECT_THAT(place(), ElementsAre("a.txt", "lab/x"));
  EXPECT_TRUE(std::filesystem::is_empty(outside));
  order.replace = true;
  EXPECT_THAT(place(), ElementsAre("lab/x")) << "the link itself is replaced, never followed";
  EXPECT_EQ(content("a.txt"), "placed");
  EXPECT_TRUE(std::filesystem::is_empty(outside));
}

TEST_F(PlacedFiles, FileWhereADirectoryShouldBe_IsTheirs) {
  edit("lab", "a file");
  offer("lab/x", "placed");
  EXPECT_THAT(place(), ElementsAre("lab/x"));
  EXPECT_EQ(content("lab"), "a file");
}

TEST_F(PlacedFiles, CutOffInTheMiddle_GoesOnWithoutTakingItsOwnForTheirs) {
  offer("a.txt", "one");
  offer("b.txt", "two");
  std::filesystem::remove(cache_path(order.cache, sha256_hex("two")));
  EXPECT_FALSE(place_into_home(order));
  EXPECT_EQ(content("a.txt"), "one");
  offer("a.txt", "newer");
  offer("b.txt", "two");
  EXPECT_THAT(place(), IsEmpty());
  EXPECT_EQ(content("a.txt"), "newer");
}

TEST_F(PlacedFiles, DamagedRecord_IsAnError) {
  offer("a.txt", "one");
  place();
  std::ofstream(order.record) << "[";
  EXPECT_FALSE(place_into_home(order));
}

struct HomeArchives : PlacedFiles {
  std::string archive = folder.path() + "/home.tar.gz";
  Result<HomeArchive> pack(std::int64_t limit = 1 << 20) {
    return pack_home(home, archive, limit, std::chrono::seconds(60), {});
  }
};

TEST_F(HomeArchives, Everything_IsInIt) {
  edit("a.txt", "one");
  edit(".hidden", "two");
  std::filesystem::create_directories(home + "/deep/er");
  edit("deep/er/b", "three");
  std::filesystem::create_symlink("a.txt", home + "/link");
  const auto packed = pack();
  ASSERT_TRUE(packed) << packed.error().text();
  EXPECT_EQ(packed->sha256, sha256_hex(*runtime::read_file(archive)));
  EXPECT_EQ(packed->size_bytes, static_cast<std::int64_t>(std::filesystem::file_size(archive)));
  const auto listed = runtime::run_checked({"tar", "-tzf", archive});
  ASSERT_TRUE(listed);
  for (const char* name : {"./a.txt", "./.hidden", "./deep/er/b", "./link"}) EXPECT_THAT(*listed, HasSubstr(name));
}

TEST_F(HomeArchives, AboveTheLimit_SaysSoAndLeavesNothing) {
  const std::string noise = SeededRandom(1).bytes(2 << 20);
  edit("noise", noise);
  const auto packed = pack(1 << 20);
  ASSERT_FALSE(packed);
  EXPECT_EQ(packed.error().code, Code::TooLarge);
  EXPECT_THAT(packed.error().text(), HasSubstr("1 MiB"));
  EXPECT_FALSE(std::filesystem::exists(archive));
}

TEST_F(HomeArchives, EmptyHome_IsAnArchiveOfNothing) { EXPECT_TRUE(pack()); }

}  // namespace
}  // namespace slipway::agent
