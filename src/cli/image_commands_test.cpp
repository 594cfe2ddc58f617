#include "cli/exit_codes.hpp"
#include "cli/test_support.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

std::string bake_json(const std::string& state, int step) {
  return fmt::format(
      R"({{"id":"bake-hhhhhhhhhhhhhhhhhhhh","name":"digits","state":"{}","reason":"exit code 100","step":{},"steps":3,"step_name":"run: apt-get","last_line":"Setting up","step_started_at":"2023-11-14T22:13:10.000Z","image_id":"ami-1","reused":false}})",
      state, step);
}

struct BakeServer : StubServer {
  BakeServer() {
    on("POST /api/v1/bakes", bake_json("QUEUED", 0), 201);
    on("GET /api/v1/bakes/bake-hhhhhhhhhhhhhhhhhhhh/log", "first\nE: unable to locate\n");
  }
  void then(const std::string& state, int step) {
    on("GET /api/v1/bakes/bake-hhhhhhhhhhhhhhhhhhhh", bake_json(state, step));
  }
};

constexpr const char* kRecipe = "name: digits\nfrom: debian-12\nsteps:\n  - run: apt-get update\n";

TEST(ImageBake, StepsElapsedTimeAndLastLineAreShown) {
  const Folder folder;
  folder.write("image.yaml", kRecipe);
  BakeServer server;
  for (int i = 0; i < 10; ++i) server.then("RUNNING", 1);
  server.then("RUNNING", 2);
  server.then("SUCCEEDED", 2);
  const CommandRun run(at(server, {"image", "bake", folder / "image.yaml"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "digits ami-1\n");
  EXPECT_THAT(run.err, HasSubstr("step 1/3 run: apt-get (12.0s): Setting up"));
  EXPECT_THAT(run.err, HasSubstr("step 1/3 run: apt-get took"));
}

TEST(ImageBake, FailedStep_IsNamedWithItsOutputAndTheWholeLog) {
  const Folder folder;
  folder.write("image.yaml", kRecipe);
  BakeServer server;
  server.then("FAILED", 2);
  const CommandRun run(at(server, {"image", "bake", folder / "image.yaml"}));
  EXPECT_EQ(run.code, kFailure);
  EXPECT_THAT(run.err,
              HasSubstr("failed in step 2/3 run: apt-get: exit code 100\n  | first\n  | E: unable to locate\n"));
  EXPECT_THAT(run.err, HasSubstr("slipway image log bake-hhhhhhhhhhhhhhhhhhhh"));
}

TEST(ImageBake, MistakeInTheRecipe_IsFoundBeforeAnythingIsSent) {
  const Folder folder;
  folder.write("image.yaml", "name: digits\nform: debian-12\n");
  const BakeServer server;
  const CommandRun run(at(server, {"image", "bake", folder / "image.yaml"}));
  EXPECT_EQ(run.code, kUsage);
  EXPECT_THAT(run.err, HasSubstr(folder / "image.yaml" + ":2:1"));
  EXPECT_TRUE(server.asked("").empty());
  EXPECT_EQ(CommandRun(at(server, {"image", "bake", folder / "none.yaml"})).code, kUsage);
}

TEST(ImageBake, Directory_IsNoRecipe) {
  const Folder folder;
  const BakeServer server;
  const CommandRun run(at(server, {"image", "bake", folder.path()}));
  EXPECT_EQ(run.code, kUsage);
  EXPECT_THAT(run.err, HasSubstr("slipway: " + folder.path() + " is a directory; name the recipe file\n"));
  EXPECT_TRUE(server.asked("").empty());
}

}  // namespace
}  // namespace slipway::cli
