// The whole controller in one process: its API over real HTTP, its agent listener over real TLS with a scripted agent.
#include "api/server.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "api/server_test_support.hpp"
#include "base/digest.hpp"
#include "wire/api_requests.hpp"

namespace slipway::api {
namespace {
using boost::json::object;
using boost::json::value;
using testing::HasSubstr;

std::map<wire::LogFrameKind, std::string> frames_of(const std::string& bytes) {
  std::map<wire::LogFrameKind, std::string> result;
  wire::LogFrameReader reader;
  const auto frames = reader.feed(bytes);
  EXPECT_TRUE(frames);
  for (const auto& frame : *frames) result[frame.kind] += frame.bytes;
  return result;
}

TEST_F(ServerTest, FirstStart_KeepsItsSecretsToTheOwner) {
  for (const char* name : {"/admin-token", "/ca.key", "/identity.json"}) {
    struct stat status{};
    ASSERT_EQ(stat((directory_ + name).c_str(), &status), 0) << name;
    EXPECT_EQ(status.st_mode & 0777, 0600U) << name;
  }
}

TEST_F(ServerTest, Token_IsAskedForEverywhereButHealth) {
  net::ClientRequest health{.target = "/healthz"};
  const auto where = endpoint_of(server_->api_url().substr(7));
  EXPECT_EQ(send(where, std::move(health)).status, 200);
  net::ClientRequest jobs{.target = "/api/v1/jobs"};
  const auto refused = send(where, std::move(jobs));
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.headers.get("Content-Type"), "application/problem+json");
  EXPECT_EQ(call("GET", "/api/v1/jobs").status, 200);
  EXPECT_EQ(call("GET", "/readyz").status, 200);
}

TEST_F(ServerTest, BadRequests_AreProblemsOfTheRightStatus) {
  EXPECT_EQ(call("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(call("DELETE", "/api/v1/jobs").status, 405);
  EXPECT_EQ(call("POST", "/api/v1/jobs", "{").status, 400);
  EXPECT_EQ(
      call("POST", "/api/v1/jobs", R"({"name": "x", "spec": {"command": ["true"], "container_imag": "a:1"}})").status,
      400);
  EXPECT_EQ(call("GET", "/api/v1/jobs?limit=0").status, 400);
  EXPECT_EQ(call("GET", "/api/v1/jobs?cursor=%00%ff").status, 400);
  EXPECT_EQ(call("GET", "/api/v1/jobs/none").status, 404);
  EXPECT_EQ(call("PUT", "/api/v1/blobs/nothing", "x").status, 400);
  EXPECT_EQ(call("POST", "/api/v1/pools", R"({"name": "p", "image": "i", "instance_type": "t", "size": 1})").status,
            501);
}

TEST_F(ServerTest, BadRequest_AlwaysSaysWhatToDo) {
  for (const auto& [target, body] :
       {std::pair{"/api/v1/jobs", "{"}, {"/api/v1/jobs", R"({"name": 1})"}, {"/api/v1/blobs/missing", "[]"}}) {
    const auto refused = call("POST", target, body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_FALSE(json(refused).at("fix").as_string().empty()) << refused.body;
  }
}

TEST_F(ServerTest, Host_SaysWhetherItsAgentIsConnected) {
  auto agent = join();
  const auto connected = [&] {
    return json(call("GET", "/api/v1/hosts")).at("items").as_array().at(0).at("connected").as_bool();
  };
  EXPECT_TRUE(connected());
  agent.reset();
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (connected() && std::chrono::steady_clock::now() < deadline) {
  }
  EXPECT_FALSE(connected());
  const auto host = json(call("GET", "/api/v1/hosts/scripted"));
  EXPECT_FALSE(host.at("connected").as_bool());
  EXPECT_EQ(host.at("state").as_string(), "READY");
}

TEST_F(ServerTest, ArtifactsOfAJobThatWasStoppedWhileQueued_SayThatItNeverRan) {
  submit("lonely");
  EXPECT_EQ(json(call("GET", "/api/v1/jobs/lonely/artifacts")).at("note").as_string(), "the job has not run yet");
  EXPECT_EQ(call("POST", "/api/v1/jobs/lonely/stop").status, 202);
  EXPECT_THAT(std::string(json(call("GET", "/api/v1/jobs/lonely/artifacts")).at("note").as_string()),
              HasSubstr("none: the job never ran"));
}

TEST_F(ServerTest, Bake_ThatIsNotThere_NamesTheCommandThatListsThem) {
  EXPECT_EQ(json(call("GET", "/api/v1/bakes/none")).at("fix").as_string(), "slipway image bakes shows what there is");
}

TEST_F(ServerTest, OpenApi_ListsEveryPath) {
  const auto document = json(call("GET", "/api/v1/openapi.json"));
  EXPECT_EQ(document.at("openapi").as_string(), "3.1.0");
  for (const char* path :
       {"/jobs", "/jobs/{id}/artifacts/{path}", "/bakes/{id}/log", "/hosts/join-tokens", "/sessions/{id}/links/{link}"})
    EXPECT_TRUE(document.at("paths").as_object().contains(path)) << path;
}

TEST_F(ServerTest, IdempotencyKey_GivesTheSameJob) {
  EXPECT_EQ(submit("a", "key"), submit("a", "key"));
  const auto other =
      call("POST", "/api/v1/jobs", R"({"name": "b", "spec": {"container_image": "tiny:1", "command": ["true"]}})",
           {{"Idempotency-Key", "key"}});
  EXPECT_EQ(other.status, 409);
}

TEST_F(ServerTest, Lists_ComeInPages) {
  std::set<std::string> submitted;
  for (int i = 0; i < 5; ++i) submitted.insert(submit(fmt::format("job-{}", i)));
  std::set<std::string> listed;
  std::string cursor;
  for (int page = 0; page < 3; ++page) {
    const auto answer = json(call("GET", "/api/v1/jobs?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor)));
    for (const auto& item : answer.at("items").as_array()) listed.insert(std::string(item.at("id").as_string()));
    cursor = answer.at("next").is_null() ? "" : std::string(answer.at("next").as_string());
  }
  EXPECT_TRUE(cursor.empty());
  EXPECT_EQ(listed, submitted);
}

TEST_F(ServerTest, Blobs_AreCheckedAndKept) {
  const auto digest = sha256_hex("hello");
  const auto body = R"({"sha256": [")" + digest + R"("]})";
  EXPECT_THAT(call("POST", "/api/v1/blobs/missing", body).body, HasSubstr(digest));
  EXPECT_EQ(call("PUT", "/api/v1/blobs/" + digest, "hullo").status, 400);
  EXPECT_EQ(call("PUT", "/api/v1/blobs/" + digest, "hello").status, 201);
  EXPECT_EQ(call("PUT", "/api/v1/blobs/" + digest, "hello").status, 200);
  EXPECT_EQ(json(call("POST", "/api/v1/blobs/missing", body)).at("missing").as_array().size(), 0U);
}

TEST_F(ServerTest, QueuedJob_SaysWhyItWaits_AndStopsAtOnce) {
  const auto job = submit("lonely");
  EXPECT_EQ(json(call("GET", "/api/v1/jobs/lonely")).at("reason").as_string(),
            "no READY host; there is no host at all");
  EXPECT_EQ(call("POST", "/api/v1/jobs/" + job + "/stop").status, 202);
  EXPECT_EQ(json(call("GET", "/api/v1/jobs/" + job)).at("state").as_string(), "STOPPED");
  EXPECT_EQ(call("POST", "/api/v1/jobs/" + job + "/stop").status, 409);
}

TEST_F(ServerTest, JobRunsOnAnAgent_LogArtifactsAndResultArrive) {
  const auto agent = join();
  const auto job = submit("real");
  const auto order = agent->expect<wire::StartAllocation>();
  EXPECT_EQ(order.job.text(), job);
  wire::AllocationReport report{
      .allocation = order.allocation, .epoch = order.epoch, .state = model::AllocationState::Running};
  agent->say(report);
  auto followed = std::async(std::launch::async, [&] { return call("GET", "/api/v1/jobs/" + job + "/logs?follow=1"); });
  const std::string output("line 1\nno utf-8: \xff\xfe\0 end", 25);
  agent->log({.allocation = order.allocation, .offset = 0, .bytes = output.substr(0, 7)});
  agent->log({.allocation = order.allocation, .offset = 12, .bytes = output.substr(12)});  // a gap: asked for again
  agent->log({.allocation = order.allocation, .offset = 0, .bytes = output});

  const auto digest = sha256_hex("picture");
  net::ClientRequest upload{.method = "PUT", .target = std::string(wire::kBlobPath) + digest, .body = "picture"};
  upload.headers.add("Authorization", "Bearer " + credential_);
  auto agents = endpoint_of(server_->agent_advertise());
  agents.tls = net::PinnedAuthority{server_->fingerprint()};
  EXPECT_EQ(send(agents, std::move(upload)).status, 201);

  report.state = model::AllocationState::Failed;
  report.exit_code = 3;
  report.reason = "exit code 3";
  report.stdout_bytes = 25;
  report.stderr_bytes = 0;
  report.artifacts = model::Manifest{{.path = "out/a.png", .sha256 = digest, .size_bytes = 7}};
  agent->say(report);
  EXPECT_EQ(agent->expect<wire::ForgetAllocation>().allocation, order.allocation);

  const auto ended = json(call("GET", "/api/v1/jobs/" + job));
  EXPECT_EQ(ended.at("state").as_string(), "FAILED");
  EXPECT_EQ(ended.at("exit_code").as_int64(), 3);
  EXPECT_EQ(ended.at("allocation_records").as_array().size(), 1U);
  auto frames = frames_of(followed.get().body);
  EXPECT_EQ(frames[wire::LogFrameKind::Stdout], output);
  EXPECT_THAT(frames[wire::LogFrameKind::Event], HasSubstr("FAILED"));
  EXPECT_EQ(call("GET", "/api/v1/jobs/" + job + "/logs/stdout?offset=7").body, output.substr(7));
  EXPECT_EQ(call("GET", "/api/v1/jobs/" + job + "/artifacts/out/a.png").body, "picture");
  EXPECT_EQ(call("GET", "/api/v1/jobs/" + job + "/artifacts/out/../a.png").status, 404);
}

TEST_F(ServerTest, AgentThatReconnects_IsKnown_AndGetsItsOrderAgain) {
  auto agent = join();
  submit("again");
  const auto first = agent->expect<wire::StartAllocation>();
  agent = std::make_unique<ScriptedAgent>(client_.loop, *server_);
  agent->connect(server_->fingerprint());
  agent->hello("", credential_);
  EXPECT_TRUE(agent->expect<wire::Welcome>().credential.empty());
  agent->say(wire::Inventory{});
  const auto second = agent->expect<wire::StartAllocation>();
  EXPECT_EQ(second.allocation, first.allocation);
  EXPECT_EQ(second.epoch, first.epoch);
}

TEST_F(ServerTest, UnknownCredentials_AreRefused) {
  ScriptedAgent agent(client_.loop, *server_);
  agent.connect(server_->fingerprint());
  agent.hello("", "slwc_nothing");
  EXPECT_EQ(agent.expect<wire::Refused>().code, Code::Unauthenticated);
  net::ClientRequest request{.target = std::string(wire::kBlobPath) + sha256_hex("x")};
  request.headers.add("Authorization", "Bearer slwc_nothing");
  auto agents = endpoint_of(server_->agent_advertise());
  agents.tls = net::PinnedAuthority{server_->fingerprint()};
  EXPECT_EQ(send(agents, std::move(request)).status, 401);
}

TEST_F(ServerTest, ListenerBeyondLoopback_IsRefused) {
  const auto refused = Server::start(
      {.directory = directory_ + "/other", .listen = "0.0.0.0:0"},
      {.store = store::make_memory_store(), .clock = &clock_, .random = &random_, .fatal = [](const Error&) {}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace slipway::api
