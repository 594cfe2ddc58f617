// The experiment behind docs/adr: log capture. What Docker's own drivers do to a job's bytes, and what slipway-init
// does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/docker/container_spec.hpp"
#include "agent/init/embedded.hpp"
#include "agent/logs/spool.hpp"
#include "agent/testing/support.hpp"
#include "base/digest.hpp"
#include "base/random.hpp"

namespace slipway::agent {
namespace {

using model::LogStream;

struct LogCapture : testing::Test {
  TestFolder folder;
  std::string log = folder.path() + "/log";
  std::string name = "slipway-log-capture-" + hex_encode(SystemRandom().bytes(6));

  void SetUp() override {
    SLIPWAY_NEEDS_DOCKER();
    ASSERT_TRUE(Spool::make(log, kJobUid));
    ASSERT_TRUE(runtime::write_file_durably(folder.path() + "/init", embedded_init(), 0755));
  }
  void TearDown() override { EXPECT_TRUE(runtime::run({"docker", "rm", "-f", name})); }
  /// `docker run` with one of Docker's drivers; its name for `docker logs`.
  void run_with_driver(std::vector<std::string> options, const std::string& script) {
    std::vector<std::string> argv{"docker", "run", "--name", name, "--network", "none"};
    argv.insert(argv.end(), options.begin(), options.end());
    for (const std::string& word : {std::string(kTestImage), std::string("sh"), std::string("-c"), script}) {
      argv.push_back(word);
    }
    ASSERT_TRUE(runtime::run(argv));
  }
  std::string docker_logs() { return runtime::run({"docker", "logs", name})->standard_output; }
  /// Runs under slipway-init as the agent would; the exit code.
  int run_with_init(const std::string& script, std::int64_t limit = 1 << 30, std::vector<std::string> more = {}) {
    const std::string text = std::to_string(limit);
    std::vector<std::string> argv{"docker",       "run",
                                  "--name",       name,
                                  "--network",    "none",
                                  "--log-driver", "none",
                                  "--user",       fmt::format("{}:{}", kJobUid, kJobUid),
                                  "--cap-drop",   "ALL",
                                  "-v",           log + ":" + kInitLogDirectory,
                                  "-v",           folder.path() + "/init:" + kInitPath + ":ro",
                                  "--entrypoint", kInitPath};
    argv.insert(argv.end(), more.begin(), more.end());
    for (const std::string& word :
         {std::string(kTestImage), text, text, std::string("--"), std::string("sh"), std::string("-c"), script}) {
      argv.push_back(word);
    }
    auto ended = runtime::run(argv, {.timeout = kTestPatience});
    EXPECT_TRUE(ended) << ended.error().text();
    return ended ? ended->exit_code : -1;
  }
  std::string read(LogStream stream) {
    const Spool spool = std::move(*Spool::open(log, 1 << 30));
    return *spool.read(stream, 0, 1 << 30);
  }
};

TEST_F(LogCapture, JsonFileDriver_GarblesWhatIsNotUtf8) {
  run_with_driver({"--log-driver", "json-file"}, R"(printf 'a\377\376b\n')");
  EXPECT_EQ(docker_logs(),
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b\n")
      << "two bytes became two replacement characters";
}

TEST_F(LogCapture, LocalDriver_LosesTheBeginningWhenItRotates) {
  run_with_driver(
      {"--log-driver", "local", "--log-opt", "max-size=1m", "--log-opt", "max-file=2", "--log-opt", "compress=false"},
      "seq 1 300000");
  const std::string logs = docker_logs();
  EXPECT_FALSE(logs.starts_with("1\n"));
  EXPECT_TRUE(logs.ends_with("300000\n"));
}

TEST_F(LogCapture, LocalDriver_HoldsAnUnfinishedLineBack) {
  run_with_driver({"--detach", "--log-driver", "local"}, "echo begun; printf 'epoch 1...'; sleep 60");
  ASSERT_TRUE(eventually([&] { return docker_logs().starts_with("begun\n"); }));
  EXPECT_EQ(docker_logs(), "begun\n");
}

TEST_F(LogCapture, Init_KeepsEveryByteOfBothStreams) {
  EXPECT_EQ(run_with_init(R"(printf 'a\377\376\000b\n'; printf 'err\200' >&2; printf 'no end'; exit 5)"), 5);
  EXPECT_EQ(read(LogStream::Stdout), std::string("a\xff\xfe\0b\nno end", 12));
  EXPECT_EQ(read(LogStream::Stderr), "err\x80");
}

TEST_F(LogCapture, Init_ShowsAnUnfinishedLineAtOnce) {
  run_with_init("printf 'epoch 1...'; sleep 60", 1 << 20, {"--detach"});
  EXPECT_TRUE(eventually([&] { return read(LogStream::Stdout) == "epoch 1..."; }));
}

TEST_F(LogCapture, Init_TakesFiftyMegabytesWithoutANewline) {
  EXPECT_EQ(run_with_init("head -c 50000000 /dev/zero"), 0);
  EXPECT_EQ(read(LogStream::Stdout), std::string(50'000'000, '\0'));
}

TEST_F(LogCapture, Init_KeepsWhatWasWrittenBeforeAKillInside) {
  run_with_init("trap '' TERM; echo begun; sleep 60 & sleep 60; echo never", 1 << 20, {"--detach"});
  ASSERT_TRUE(eventually([&] { return read(LogStream::Stdout) == "begun\n"; }));
  ASSERT_TRUE(runtime::run_checked({"docker", "kill", "--signal", "SIGUSR1", name}));
  EXPECT_EQ(*runtime::run_checked({"docker", "wait", name}), "137\n");
  EXPECT_EQ(read(LogStream::Stdout), "begun\n");
}

TEST_F(LogCapture, Init_CountsWhatIsOverTheLimit) {
  EXPECT_EQ(run_with_init("head -c 50000 /dev/zero; echo e >&2", 1000), 0);
  const Spool spool = std::move(*Spool::open(log, 1000));
  EXPECT_EQ(spool.size(LogStream::Stdout), 1000);
  EXPECT_EQ(spool.status().dropped_bytes[0], 49000U);
  EXPECT_EQ(spool.status().dropped_bytes[1], 0U);
  EXPECT_EQ(std::filesystem::file_size(log + "/stdout"), 1000U) << "the disk is bounded too";
}

TEST_F(LogCapture, Init_SaysThatACommandDoesNotExist) {
  EXPECT_EQ(run_with_init("exec /no/such/program"), 127);
  EXPECT_EQ(std::move(*Spool::open(log, 1000)).status().start_errno, 0) << "that was the shell's, not init's";
  EXPECT_TRUE(runtime::run({"docker", "rm", "-f", name}));
  auto ended = runtime::run({"docker", "run", "--name", name, "--network", "none", "--user",
                             fmt::format("{}:{}", kJobUid, kJobUid), "-v", log + ":" + kInitLogDirectory, "-v",
                             folder.path() + "/init:" + kInitPath + ":ro", "--entrypoint", kInitPath, kTestImage,
                             "1000", "1000", "--", "no-such-program"});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->exit_code, 127);
  EXPECT_EQ(std::move(*Spool::open(log, 1000)).status().start_errno, ENOENT);
}

TEST_F(LogCapture, Init_SurvivesTheOutOfMemoryKillOfItsCommand) {
  EXPECT_EQ(run_with_init("echo begun; exec tail /dev/zero", 1000, {"--memory", "32m", "--memory-swap", "32m"}), 137);
  EXPECT_EQ(read(LogStream::Stdout), "begun\n");
  EXPECT_GE(std::move(*Spool::open(log, 1000)).status().oom_kills, 1U);
}

TEST_F(LogCapture, Init_EndsWithItsCommandWhateverThatLeftRunning) {
  EXPECT_EQ(run_with_init("sleep 1000 & echo left it; exit 4"), 4);
  EXPECT_EQ(read(LogStream::Stdout), "left it\n");
}

}  // namespace
}  // namespace slipway::agent
