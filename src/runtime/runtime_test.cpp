#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "runtime/child.hpp"
#include "runtime/files.hpp"
#include "runtime/loop.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::runtime {
namespace {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = "/tmp/slipway-test-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST(Subprocess, Run_GivesOutputAndExitCode) {
  const auto result = run({"sh", "-c", "cat; echo oops >&2; exit 3"}, {.stdin_text = "hello"});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_EQ(result->standard_output, "hello");
  EXPECT_EQ(result->standard_error, "oops\n");
}

TEST(Subprocess, Run_WithAFileAsInput_GivesItsBytes) {
  RunOptions options;
  options.stdin_file = "/proc/self/comm";
  EXPECT_FALSE(run({"cat"}, options).value().standard_output.empty());
  options.stdin_file = "/no/such/file";
  EXPECT_FALSE(run({"cat"}, options));
}

TEST(Subprocess, Run_OfAMissingProgram_IsNotFound) {
  const auto result = run({"no-such-program-here"});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::NotFound);
}

TEST(Subprocess, Run_PastItsTimeout_KillsTheWholeGroup) {
  const auto result = run({"sh", "-c", "sleep 60 & sleep 60"}, {.timeout = std::chrono::milliseconds(200)});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::Timeout);
}

TEST(Subprocess, ProcessStartTime_OfUs_IsStable) {
  EXPECT_EQ(process_start_time(getpid()), process_start_time(getpid()));
  EXPECT_FALSE(is_same_process(getpid(), 1));
}

TEST(Child, Start_ThenSignal_GivesTheSignalAsExitCode) {
  const TemporaryDirectory temporary;
  auto child = Child::start({"sleep", "60"}, temporary.path() + "/log");
  ASSERT_TRUE(child);
  EXPECT_FALSE(child->poll());
  child->signal(SIGTERM);
  EXPECT_EQ(child->wait(std::chrono::seconds(5)).value(), 128 + SIGTERM);
}

TEST(Directory, OpenFile_ThroughASymbolicLink_IsRefused) {
  const TemporaryDirectory temporary;
  std::ofstream(temporary.path() + "/real") << "x";
  std::filesystem::create_symlink("/etc/passwd", temporary.path() + "/link");
  std::filesystem::create_directory_symlink("/etc", temporary.path() + "/dir");
  const auto directory = Directory::open(temporary.path());
  ASSERT_TRUE(directory);
  EXPECT_TRUE(directory->open_file("real", O_RDONLY));
  for (const char* path : {"link", "dir/passwd", "../x", "/etc/passwd", "a//b", "./real", ""}) {
    EXPECT_FALSE(directory->open_file(path, O_RDONLY)) << path;
  }
}

TEST(Directory, ListFiles_IsSortedAndNamesWhatItSkips) {
  const TemporaryDirectory temporary;
  const auto directory = Directory::open(temporary.path());
  ASSERT_TRUE(directory->make_directories("b/c"));
  std::ofstream(temporary.path() + "/b/c/two") << "22";
  std::ofstream(temporary.path() + "/a") << "1";
  std::filesystem::create_symlink("a", temporary.path() + "/link");
  std::vector<std::string> skipped;
  const auto files = directory->list_files(10, [&](const std::string& path) { skipped.push_back(path); });
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].path, "a");
  EXPECT_EQ((*files)[1].path, "b/c/two");
  EXPECT_EQ((*files)[1].size_bytes, 2);
  EXPECT_EQ(skipped, std::vector<std::string>{"link"});
  EXPECT_FALSE(directory->list_files(1));
}

TEST(Files, WriteDurably_ThenRead_GivesTheSameBytes) {
  const TemporaryDirectory temporary;
  const std::string path = temporary.path() + "/f";
  ASSERT_TRUE(write_file_durably(path, std::string("a\0b", 3), 0640));
  EXPECT_EQ(read_file(path).value(), std::string("a\0b", 3));
  EXPECT_EQ(read_file(path, 2).error().code, Code::TooLarge);
}

TEST(Loop, TimersAndPosts_RunOnTheLoop) {
  Loop loop;
  BlockingPool pool(1);
  std::vector<int> order;
  Loop::Timer cancelled = loop.after(Duration(1), [&] { order.push_back(99); });
  cancelled.cancel();
  Loop::Timer timer = loop.after(Duration(20), [&] { loop.stop(); });
  pool.offload(loop, [] { return 7; }, [&](int value) { order.push_back(value); });
  loop.run();
  EXPECT_EQ(order, std::vector<int>{7});
}

}  // namespace
}  // namespace slipway::runtime
