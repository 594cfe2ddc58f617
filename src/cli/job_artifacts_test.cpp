#include "base/digest.hpp"
#include "cli/exit_codes.hpp"
#include "cli/test_support.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

TEST(JobArtifacts, AreDownloadedBelowTheDirectory) {
  const Folder folder;
  StubServer server;
  const std::string base = "/api/v1/jobs/digits/artifacts";
  server.on(
      "GET " + base,
      fmt::format(
          R"({{"items":[{{"path":"sub/a b.txt","sha256":"{}","size_bytes":5}}],"note":"pipe: left out","allocation":"alloc-c"}})",
          sha256_hex("hello")));
  server.on("GET " + base + "/sub/a%20b.txt", "hello");
  const CommandRun run(at(server, {"job", "artifacts", "digits", "--download", folder / "out"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(folder.read("out/sub/a b.txt"), "hello");
  EXPECT_FALSE(std::filesystem::exists(folder / "out/sub/a b.txt.slipway-part"));
  EXPECT_THAT(run.err, HasSubstr("pipe: left out"));
}

TEST(JobArtifacts, DirectoryThatCannotBeMade_IsAFailureThatNamesIt) {
  StubServer server;
  server.on("GET /api/v1/jobs/x/artifacts", R"({"items":[],"note":""})");
  const CommandRun run(at(server, {"job", "artifacts", "x", "--download", "/proc/x"}));
  EXPECT_EQ(run.code, kFailure);
  EXPECT_THAT(run.err, HasSubstr("fix: /proc/x cannot be written to"));
}

TEST(JobArtifacts, PathsOfTheServer_CannotLeaveTheDirectory) {
  for (const char* path : {"../evil", "/etc/evil", "a/../../evil"}) {
    const Folder folder;
    StubServer server;
    server.on("GET /api/v1/jobs/x/artifacts",
              fmt::format(R"({{"items":[{{"path":"{}","sha256":"{}","size_bytes":1}}]}})", path, sha256_hex("x")));
    EXPECT_NE(CommandRun(at(server, {"job", "artifacts", "x", "--download", folder / "out"})).code, kDone);
    EXPECT_EQ(server.asked("GET").size(), 1U) << path;
  }
}

TEST(JobArtifacts, SymbolicLinkInTheTarget_IsNotFollowed) {
  const Folder folder;
  std::filesystem::create_directories(folder / "out");
  std::filesystem::create_directories(folder / "elsewhere");
  std::filesystem::create_symlink(folder / "elsewhere", folder / "out/sub");
  StubServer server;
  server.on("GET /api/v1/jobs/x/artifacts",
            fmt::format(R"({{"items":[{{"path":"sub/a","sha256":"{}","size_bytes":1}}]}})", sha256_hex("x")));
  server.on("GET /api/v1/jobs/x/artifacts/sub/a", "x");
  EXPECT_NE(CommandRun(at(server, {"job", "artifacts", "x", "--download", folder / "out"})).code, kDone);
  EXPECT_TRUE(std::filesystem::is_empty(folder / "elsewhere"));
}

TEST(JobArtifacts, BytesThatAreNotWhatWasAnnounced_AreNotKept) {
  const Folder folder;
  StubServer server;
  server.on("GET /api/v1/jobs/x/artifacts",
            fmt::format(R"({{"items":[{{"path":"a","sha256":"{}","size_bytes":1}}]}})", sha256_hex("x")));
  server.on("GET /api/v1/jobs/x/artifacts/a", "y");
  server.on("GET /api/v1/jobs/x/artifacts/a", "yyyyyy");
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(CommandRun(at(server, {"job", "artifacts", "x", "--download", folder / "out"})).code, kFailure);
    EXPECT_TRUE(std::filesystem::is_empty(folder / "out"));
  }
}

}  // namespace
}  // namespace slipway::cli
