#include "image/bake_scratch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/digest.hpp"
#include "base/random.hpp"
#include "runtime/files.hpp"

namespace slipway::image {
namespace {

class BakeScratchTest : public testing::Test {
 protected:
  BakeScratchTest() { std::filesystem::create_directories(parent_); }
  ~BakeScratchTest() override { std::filesystem::remove_all(parent_); }
  [[nodiscard]] std::string path(const char* name) const { return (parent_ / name).string(); }

  std::filesystem::path parent_ = [] {
    SystemRandom random;
    return std::filesystem::temp_directory_path() / ("slipway-scratch-" + hex_encode(random.bytes(6)));
  }();
};

TEST_F(BakeScratchTest, Sweep_RemovesTheKeysOfDeadBakes_AndNothingElse) {
  for (const char* name : {"bake-dead", "other"}) {
    ASSERT_TRUE(runtime::make_directories(path(name), 0700));
    ASSERT_TRUE(runtime::write_file_durably(path(name) + "/key", "secret"));
  }
  BakeScratch live(path("bake-live"));
  ASSERT_TRUE(live.make());
  EXPECT_EQ(sweep_scratch(parent_.string()).value(), 1);
  EXPECT_FALSE(std::filesystem::exists(path("bake-dead")));
  EXPECT_TRUE(std::filesystem::exists(path("bake-live")));
  EXPECT_TRUE(std::filesystem::exists(path("other/key")));
  EXPECT_EQ(sweep_scratch(path("no-such-directory")).value(), 0);
}

TEST_F(BakeScratchTest, Make_IsPrivate_GoesWithItsBake_AndIsRefusedWhileAnotherHoldsIt) {
  {
    BakeScratch live(path("bake-1"));
    ASSERT_TRUE(live.make());
    struct stat status{};
    ASSERT_EQ(stat(path("bake-1").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0700U);
    BakeScratch second(path("bake-1"));
    EXPECT_EQ(second.make().error().code, Code::Conflict);
  }
  EXPECT_FALSE(std::filesystem::exists(path("bake-1")));
}

}  // namespace
}  // namespace slipway::image
