// Pools and the hosts in them.
#include "cli/exit_codes.hpp"
#include "cli/test_support.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

const std::string kHostId = "host-eeeeeeeeeeeeeeeeeeee";
const std::string kPoolId = "pool-gggggggggggggggggggg";

std::string pool_json() {
  return fmt::format(
      R"({{"id":"{}","name":"digits","image":"digits","image_id":"ami-1","instance_type":"t3.medium","size":1,"deleting":false,"reason":""}})",
      kPoolId);
}

std::string hosts_json(const std::string& state) {
  return fmt::format(
      R"({{"items":[{{"id":"{}","name":"h","state":"{}","pool":"{}","reason":"","capacity":{{"cpu_millis":2000,"memory_bytes":4294967296}},"container_images":["digits:1"]}}],"next":null}})",
      kHostId, state, kPoolId);
}

TEST(PoolCreate, WaitsUntilEveryHostIsReady) {
  StubServer server;
  server.on("POST /api/v1/pools", pool_json(), 201);
  server.on("GET /api/v1/pools/" + kPoolId, pool_json());
  for (int i = 0; i < 15; ++i) server.on("GET /api/v1/hosts", hosts_json("PENDING"));  // three seconds of looks
  server.on("GET /api/v1/hosts", hosts_json("JOINED"));
  server.on("GET /api/v1/hosts", hosts_json("READY"));
  const CommandRun run(
      at(server, {"pool", "create", "digits", "--image", "digits", "--type", "t3.medium", "--size", "1"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "digits " + kPoolId + "\n");
  EXPECT_THAT(run.err, HasSubstr("0 of 1 hosts READY (" + kHostId + " PENDING)"));
}

TEST(PoolCreate, HostsThatDoNotCome_EndWithTimeout) {
  StubServer server;
  server.on("POST /api/v1/pools", pool_json(), 201);
  server.on("GET /api/v1/hosts", hosts_json("PENDING"));
  const CommandRun run(at(server, {"pool", "create", "digits", "--image", "digits", "--type", "t3.medium", "--size",
                                   "1", "--timeout", "3s"}));
  EXPECT_EQ(run.code, kTimeout);
  EXPECT_THAT(run.err, HasSubstr("0 of 1 hosts READY"));
}

TEST(PoolWarm, TellsTheServerAndShowsWhatIsReady) {
  StubServer server;
  auto pool = pool_json();
  pool.insert(
      pool.size() - 1,
      R"(,"warm":{"jupyter":5},"warm_counts":{"jupyter":{"wanted":5,"ready":3,"starting":2,"reason":"no room"}})");
  server.on("PUT /api/v1/pools/digits/warm", pool);
  server.on("GET /api/v1/pools/digits", pool);
  server.on("GET /api/v1/hosts", hosts_json("READY"));
  server.on("GET /api/v1/pools", R"({"items":[)" + pool + R"(],"next":null})");
  const CommandRun run(at(server, {"pool", "warm", "digits", "jupyter", "5"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "digits keeps 5 jupyter started\n");
  EXPECT_THAT(CommandRun(at(server, {"pool", "show", "digits"})).out, HasSubstr("jupyter 3/5 (no room)"));
  EXPECT_THAT(CommandRun(at(server, {"pool", "list"})).out, HasSubstr("jupyter 3/5 (no room)"));
  EXPECT_EQ(CommandRun(at(server, {"pool", "warm", "digits", "jupyter", "-1"})).code, kUsage);
  EXPECT_NE(CommandRun(at(server, {"pool", "warm", "digits", "Jupyter", "1"})).code, kDone);
}

TEST(PoolDelete, OnATerminal_Asks) {
  StubServer server;
  server.on("GET /api/v1/pools/digits", pool_json());
  server.on("DELETE /api/v1/pools/" + kPoolId, pool_json(), 202);
  const CommandRun refused(at(server, {"pool", "delete", "digits"}),
                           [](CliHost&, CapturedTerminal& terminal) { terminal.answers = {"n"}; });
  EXPECT_EQ(refused.code, kFailure);
  EXPECT_TRUE(server.asked("DELETE").empty());
  EXPECT_EQ(CommandRun(at(server, {"pool", "delete", "digits"}),
                       [](CliHost&, CapturedTerminal& terminal) { terminal.answers = {"y"}; })
                .code,
            kDone);
  EXPECT_EQ(CommandRun(at(server, {"pool", "delete", "digits"})).code, kDone);
  EXPECT_EQ(server.asked("DELETE").size(), 2U);
}

TEST(HostJoin, Token_IsNotAnArgumentOfTheCommand) {
  StubServer server;
  server.on(
      "POST /api/v1/hosts/join-tokens",
      R"({"controller":"10.0.0.1:7071","fingerprint":"ab","join_token":"join_secret","expires_at":"2026-01-01T00:00:00.000Z"})",
      201);
  const CommandRun run(at(server, {"host", "join"}));
  EXPECT_EQ(
      run.out,
      "slipway-agent join --controller 10.0.0.1:7071 --fingerprint ab --token-file - <<'END' && slipway-agent run\n"
      "join_secret\nEND\n");
  EXPECT_EQ(CommandRun(at(server, {"host", "join", "--token-only"})).out, "join_secret\n");
}

}  // namespace
}  // namespace slipway::cli
