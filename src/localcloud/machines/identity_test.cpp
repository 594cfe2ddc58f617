#include "localcloud/machines/identity.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <set>
#include <thread>

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() {
    std::string pattern = testing::TempDir() + "identity-XXXXXX";
    root_ = mkdtemp(pattern.data());
    options_ = {.registry_directory = root_ + "/claims", .routes = std::vector<Ipv4Network>{}};
  }
  ~IdentityTest() override { fs::remove_all(root_); }

  std::string root_;
  IdentityOptions options_;
  SystemRandom random_;
};

TEST_F(IdentityTest, Open_Again_GivesTheSameIdentity) {
  const auto first = open_identity(root_ + "/a", random_, options_);
  ASSERT_TRUE(first.has_value()) << first.error().text();
  const auto again = open_identity(root_ + "/a", random_, options_);
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(first->id, again->id);
  EXPECT_EQ(first->slot, again->slot);
  EXPECT_EQ(first->id.size(), 5U);
}

TEST_F(IdentityTest, Open_OfManyAtTheSameMoment_GivesEachItsOwnSlotAndId) {
  constexpr int kClouds = 12;
  std::vector<std::thread> threads;
  std::vector<std::optional<Identity>> found(kClouds);
  for (int index = 0; index < kClouds; ++index) {
    threads.emplace_back([&, index] {
      SystemRandom random;
      auto opened = open_identity(root_ + "/cloud" + std::to_string(index), random, options_);
      if (opened) found[index] = *opened;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<int> slots;
  std::set<std::string> ids;
  for (const auto& identity : found) {
    ASSERT_TRUE(identity.has_value());
    slots.insert(identity->slot);
    ids.insert(identity->id);
  }
  EXPECT_EQ(slots.size(), kClouds);
  EXPECT_EQ(ids.size(), kClouds);
}

TEST_F(IdentityTest, Open_OfACopy_IsRefusedWhileTheOriginalExists) {
  ASSERT_TRUE(open_identity(root_ + "/a", random_, options_).has_value());
  fs::copy(root_ + "/a", root_ + "/b", fs::copy_options::recursive);
  const auto copy = open_identity(root_ + "/b", random_, options_);
  ASSERT_FALSE(copy.has_value());
  EXPECT_EQ(copy.error().code, Code::Conflict);
}

TEST_F(IdentityTest, Open_OfAMovedDirectory_KeepsItsIdentity) {
  const auto before = open_identity(root_ + "/a", random_, options_);
  ASSERT_TRUE(before.has_value());
  fs::rename(root_ + "/a", root_ + "/b");
  const auto after = open_identity(root_ + "/b", random_, options_);
  ASSERT_TRUE(after.has_value()) << after.error().text();
  EXPECT_EQ(after->id, before->id);
  EXPECT_EQ(after->data_directory, fs::canonical(root_ + "/b").string());
}

TEST_F(IdentityTest, Open_AfterADirectoryWasDeletedOrReleased_ReusesItsSlot) {
  ASSERT_EQ(open_identity(root_ + "/a", random_, options_)->slot, 0);
  const auto released = open_identity(root_ + "/b", random_, options_);
  ASSERT_EQ(released->slot, 1);
  fs::remove_all(root_ + "/a");
  ASSERT_TRUE(release_identity(*released, options_).has_value());
  EXPECT_EQ(open_identity(root_ + "/c", random_, options_)->slot, 0);
  EXPECT_EQ(open_identity(root_ + "/d", random_, options_)->slot, 1);
}

TEST_F(IdentityTest, Open_WithADamagedFile_SaysSoAndClaimsNothing) {
  ASSERT_TRUE(open_identity(root_ + "/a", random_, options_).has_value());
  fs::resize_file(root_ + "/a/identity.json", 3);
  EXPECT_EQ(open_identity(root_ + "/a", random_, options_).error().code, Code::Corrupt);
}

TEST_F(IdentityTest, Lock_HeldByOne_IsRefusedToAnother) {
  ASSERT_TRUE(open_identity(root_ + "/a", random_, options_).has_value());
  EXPECT_FALSE(is_data_directory_locked(root_ + "/a"));
  auto held = lock_data_directory(root_ + "/a");
  ASSERT_TRUE(held.has_value());
  EXPECT_TRUE(is_data_directory_locked(root_ + "/a"));
  EXPECT_EQ(lock_data_directory(root_ + "/a").error().code, Code::Conflict);
  held->reset();
  EXPECT_TRUE(lock_data_directory(root_ + "/a").has_value());
}

TEST(PickSlot, SkipsClaimsAndRoutesButNotWideOnes) {
  const auto net = [](const char* text) { return *Ipv4Network::parse(text); };
  EXPECT_EQ(pick_slot({}, {}), 0);
  EXPECT_EQ(pick_slot({0, 1}, {net("10.98.2.0/25"), net("10.99.3.2")}), 4);
  EXPECT_EQ(pick_slot({}, {net("10.0.0.0/8"), net("0.0.0.0/0")}), 0);
  EXPECT_EQ(pick_slot({}, {net("10.98.0.0/16")}), std::nullopt);
}

TEST(IdentityRanges, OfTwoSlots_NeverMeet) {
  const Identity a{.id = "aaaaa", .slot = 0, .data_directory = "/a"};
  const Identity b{.id = "bbbbb", .slot = 1, .data_directory = "/b"};
  EXPECT_FALSE(a.guest_network().overlaps(b.guest_network()));
  EXPECT_FALSE(a.uplink_network().overlaps(b.uplink_network()));
  EXPECT_LT(a.uid_base(a.guest_network().at(255)), b.uid_base(b.guest_network().at(0)));
  const Identity last{.id = "zzzzz", .slot = kSlotCount - 1, .data_directory = "/z"};
  EXPECT_LE(last.uid_base(last.guest_network().at(255)) + (kUidsPerGuest - 1), 0x6fffffffU);
}

}  // namespace
}  // namespace slipway::localcloud
