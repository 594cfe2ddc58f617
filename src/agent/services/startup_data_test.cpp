#include "agent/services/startup_data.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <set>

#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

std::set<std::string> names_in(const std::string& path) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(path)) names.insert(entry.path().filename().string());
  return names;
}

TEST(StartupData, EachKey_IsAFileWithoutANewlineAndReadyIsThere) {
  const TestFolder folder;
  const std::string path = folder.path() + "/startup";
  ASSERT_TRUE(write_startup_data(path, {{"dpi", "192"}, {"time_zone", "Europe/Berlin"}}));
  EXPECT_EQ(names_in(path), (std::set<std::string>{"dpi", "time_zone", ".ready"}));
  EXPECT_EQ(*runtime::read_file(path + "/dpi"), "192");
  struct stat info{};
  ASSERT_EQ(stat((path + "/dpi").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0444U);
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0755U) << "the app's user has to read it, whatever the agent's umask is";
}

TEST(StartupData, WrittenAgainAfterACrash_HoldsNothingOfTheFirstTime) {
  const TestFolder folder;
  const std::string path = folder.path() + "/startup";
  ASSERT_TRUE(write_startup_data(path, {{"dpi", "192"}, {"locale", "de_DE"}}));
  ASSERT_TRUE(write_startup_data(path, {{"dpi", "96"}}));
  EXPECT_EQ(names_in(path), (std::set<std::string>{"dpi", ".ready"}));
  EXPECT_EQ(*runtime::read_file(path + "/dpi"), "96");
}

TEST(StartupData, KeyThatIsNoName_IsRefusedAndNothingIsReady) {
  const TestFolder folder;
  for (const char* key : {"../dpi", ".ready", "", "a/b", "DPI"}) {
    const std::string path = folder.path() + "/startup";
    const auto written = write_startup_data(path, {{key, "x"}});
    ASSERT_FALSE(written) << key;
    EXPECT_EQ(written.error().code, Code::InvalidInput);
    EXPECT_FALSE(std::filesystem::exists(path + "/.ready"));
  }
}

}  // namespace
}  // namespace slipway::agent
