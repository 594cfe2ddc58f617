// Whole command lines against a server that answers what it is told.
#include <boost/json.hpp>

#include "base/digest.hpp"
#include "cli/exit_codes.hpp"
#include "cli/job_file.hpp"
#include "cli/test_support.hpp"
#include "wire/api_requests.hpp"
#include "wire/json.hpp"
#include "wire/records.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kJobId = "job-ffffffffffffffffffff";
const std::string kHostId = "host-eeeeeeeeeeeeeeeeeeee";
const std::string kPoolId = "pool-gggggggggggggggggggg";

std::string job_json(const std::string& state, const std::string& exit_code = "null", const std::string& reason = "") {
  return fmt::format(
      R"({{"id":"{}","name":"digits","state":"{}","reason":"{}","exit_code":{},"allocations":["alloc-cccccccccccccccccccc"],)"
      R"("spec":{{"container_image":"digits:1","command":["true"],"resources":{{"cpu_millis":1000,"memory_bytes":1048576}}}}}})",
      kJobId, state, reason, exit_code);
}

std::string frame(wire::LogFrameKind kind, const std::string& bytes) {
  return wire::encode(wire::LogFrame{.kind = kind, .bytes = bytes});
}

std::string event(const std::string& allocation, const std::string& state, const std::string& reason = "") {
  return frame(wire::LogFrameKind::Event,
               fmt::format(R"({{"allocation":"{}","job_state":"{}","reason":"{}"}})", allocation, state, reason));
}

/// A server that takes a job and says how it went.
struct JobServer : StubServer {
  JobServer(const std::string& log, const std::string& job) {
    on("POST /api/v1/blobs/missing", R"({"missing":[]})");
    on("POST /api/v1/jobs", job_json("QUEUED"), 201);
    on("GET /api/v1/jobs/" + kJobId + "/logs", log);
    on("GET /api/v1/jobs/" + kJobId, job);
    on("GET /api/v1/jobs/digits", job);
  }
};

struct JobFolder : Folder {
  JobFolder() {
    write("job.yaml", "container_image: digits:1\n");
    write("train.py", "print()\n");
  }
};

TEST(Commands, Help_NamesEveryNounExitCodeAndExtraCommand) {
  const CommandRun run({"--help"}, [](CliHost& host, CapturedTerminal&) {
    host.extra_commands = {{"server", "the controller", [](const auto&) { return 0; }},
                           {"cloud serve", "the local cloud", [](const auto&) { return 0; }},
                           {"internal-supervisor", "", [](const auto&) { return 0; }}};
  });
  EXPECT_EQ(run.code, kDone);
  for (const char* word : {"image", "pool", "host", "job", "cloud", "config", "server", "125"}) {
    EXPECT_THAT(run.out, HasSubstr(word));
  }
  EXPECT_THAT(run.out, Not(HasSubstr("internal-supervisor")));
}

TEST(Commands, EveryCommand_HasHelpWithAnExample) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"image", "bake"},    {"image", "list"},  {"pool", "create"},     {"pool", "list"},    {"pool", "show"},
           {"pool", "delete"},   {"host", "list"},   {"host", "show"},       {"host", "remove"},  {"host", "join"},
           {"job", "submit"},    {"job", "list"},    {"job", "show"},        {"job", "logs"},     {"job", "stop"},
           {"job", "artifacts"}, {"cloud", "base"},  {"cloud", "leftovers"}, {"cloud", "status"}, {"config", "show"},
           {"image", "log"},     {"image", "bakes"}, {"image", "stop"}}) {
    const CommandRun run({words[0], words[1], "--help"});
    EXPECT_EQ(run.code, kDone) << words[1];
    EXPECT_THAT(run.out, HasSubstr("Example:\n  slipway " + words[0] + " " + words[1]));
    EXPECT_THAT(run.out, HasSubstr("--output"));
  }
}

TEST(Commands, ExtraCommand_GetsWhatFollowsItsName) {
  std::vector<std::string> got;
  const CommandRun run({"cloud", "serve", "--data-dir", "/d", "--", "x"}, [&](CliHost& host, CapturedTerminal&) {
    host.extra_commands = {{"cloud serve", "the local cloud", [&](const std::vector<std::string>& arguments) {
                              got = arguments;
                              return 42;
                            }}};
  });
  EXPECT_EQ(run.code, 42);
  EXPECT_EQ(got, (std::vector<std::string>{"--data-dir", "/d", "--", "x"}));
}

TEST(Commands, Version_IsPrinted) { EXPECT_EQ(CommandRun({"--version"}).out, "slipway 0.1.0\n"); }

TEST(Commands, UsageErrors_NameTheNearestWordAndTheHelp) {
  const CommandRun verb({"job", "lst"});
  EXPECT_EQ(verb.code, kUsage);
  EXPECT_THAT(verb.err, HasSubstr("slipway: 'lst' is not known here; did you mean 'list'?"));
  EXPECT_THAT(verb.err, HasSubstr("fix: see slipway job --help"));
  const CommandRun flag({"job", "list", "--outptu=json"});
  EXPECT_EQ(flag.code, kUsage);
  EXPECT_THAT(flag.err, HasSubstr("did you mean '--output'?"));
  EXPECT_EQ(CommandRun({"job", "show"}).code, kUsage);
  EXPECT_EQ(CommandRun({}).code, kUsage);
  EXPECT_EQ(CommandRun({"job"}).code, kUsage);
  EXPECT_EQ(CommandRun({"job", "list", "-o", "xml"}).code, kUsage);
  EXPECT_EQ(CommandRun({"job", "list", "--timeout", "soon"}).code, kUsage);
  EXPECT_EQ(CommandRun({"job", "list", "--", "x"}).code, kUsage);
}

TEST(Commands, WithoutAServer_SayHowToGetOne) {
  const CommandRun run({"job", "list"});
  EXPECT_EQ(run.code, kUsage);
  EXPECT_THAT(run.err, HasSubstr("no server is known"));
  EXPECT_THAT(run.err, HasSubstr("fix: start one here with 'slipway dev'"));
}

TEST(Commands, DataDirectoryWithoutAServer_IsNamedAndNoOtherServerIsAsked) {
  const Folder folder;
  const StubServer other;
  ASSERT_TRUE(write_context(folder / "config.yaml", "team", {.server = other.url()}));
  const auto with_team = [&](CliHost& host, CapturedTerminal&) { host.config_path = folder / "config.yaml"; };
  const std::string stopped = folder / "stopped";
  const CommandRun run({"job", "list", "--data-dir", stopped}, with_team);
  EXPECT_EQ(run.code, kNotFound);
  EXPECT_THAT(run.err, HasSubstr(stopped + " holds no server (it was named by --data-dir)"));
  EXPECT_THAT(run.err, HasSubstr("fix: start one: slipway dev --data-dir " + stopped + ", or check the path"));
  EXPECT_TRUE(other.asked("").empty());
  const CommandRun shown({"config", "show", "--data-dir", stopped}, with_team);
  EXPECT_EQ(shown.code, kDone);
  EXPECT_THAT(shown.out, HasSubstr(stopped + "  --data-dir"));
}

TEST(Commands, Verbose_NamesTheCodeAndTheServerWithItsOrigin) {
  StubServer server;
  const CommandRun run(at(server, {"-v", "pool", "show", "x"}));
  EXPECT_THAT(run.err, HasSubstr("code: not_found, exit code 4\n  server: " + server.url() + " (from --server)\n"));
}

TEST(Commands, UnreachableServer_EndsWithItsCode) {
  StubServer server;
  server.stop();
  const CommandRun run(at(server, {"job", "list"}));
  EXPECT_EQ(run.code, kUnreachable);
  EXPECT_THAT(run.err, HasSubstr("fix: "));
}

TEST(Commands, ErrorsOfTheServer_EndWithTheirCodesAndKeepItsWords) {
  for (const auto& [code, expected] : std::map<Code, int>{{Code::NotFound, kNotFound},
                                                          {Code::Denied, kDenied},
                                                          {Code::Unauthenticated, kDenied},
                                                          {Code::Conflict, kConflict},
                                                          {Code::Timeout, kTimeout},
                                                          {Code::InvalidInput, kUsage},
                                                          {Code::Internal, kFailure}}) {
    StubServer server;
    const Error error{.code = code, .message = "no pool named x", .fix = "slipway pool list", .context = {}};
    server.on("GET /api/v1/pools/x", boost::json::serialize(wire::problem_json(error)), http_status(code));
    const CommandRun run(at(server, {"pool", "show", "x", "-o", "json"}));
    EXPECT_EQ(run.code, expected) << code_name(code);
    EXPECT_EQ(run.err, "slipway: no pool named x\n  fix: slipway pool list\n");
    const auto document = wire::parse_json(run.out);
    ASSERT_TRUE(document);
    EXPECT_EQ(std::string(document->at("error").at("code").as_string()), code_name(code));
    EXPECT_EQ(document->at("error").at("exit_code"), expected);
  }
}

TEST(Commands, Token_IsReadFromItsFileAndSentAsBearer) {
  const Folder folder;
  folder.write("token", "tok_secret\n");
  StubServer server;
  server.on("GET /api/v1/jobs", R"({"items":[],"next":null})");
  EXPECT_EQ(CommandRun(at(server, {"--token-file", folder / "token", "job", "list"})).code, kDone);
  EXPECT_EQ(server.asked("GET /api/v1/jobs")[0].authorization, "Bearer tok_secret");
  folder.write("token", "a\nb\n");
  EXPECT_EQ(CommandRun(at(server, {"--token-file", folder / "token", "job", "list"})).code, kUsage);
  EXPECT_NE(CommandRun(at(server, {"--token-file", folder / "none", "job", "list"})).code, kDone);
}

TEST(Commands, List_ReadsEveryPage) {
  StubServer server;
  server.on("GET /api/v1/jobs", fmt::format(R"({{"items":[{}],"next":"c/1"}})", job_json("RUNNING")));
  server.on("GET /api/v1/jobs", fmt::format(R"({{"items":[{}],"next":null}})", job_json("SUCCEEDED", "0")));
  const CommandRun run(at(server, {"job", "list"}));
  EXPECT_EQ(run.code, kDone);
  EXPECT_THAT(run.out, HasSubstr("RUNNING"));
  EXPECT_THAT(run.out, HasSubstr("SUCCEEDED"));
  EXPECT_THAT(server.asked("GET")[1].target, HasSubstr("cursor=c%2F1"));
}

TEST(JobSubmit, OutputsAndExitCodeAreTheJobs) {
  const JobServer server(event("alloc-cccccccccccccccccccc", "RUNNING") +
                             frame(wire::LogFrameKind::Stdout, std::string("out\0\xff", 5)) +
                             frame(wire::LogFrameKind::Stderr, "err\n"),
                         job_json("FAILED", "7"));
  const JobFolder folder;
  const CommandRun run(
      at(server, {"job", "submit", folder.path(), "--name", "digits", "--", "python3", "train.py", "--C", "0.01"}));
  EXPECT_EQ(run.code, 7);
  EXPECT_EQ(run.out, std::string("out\0\xff", 5));
  EXPECT_THAT(run.err, HasSubstr("err\n"));
  EXPECT_THAT(run.err, HasSubstr("FAILED with exit code 7"));
  const auto request = wire::parse_submit_job(server.asked("POST /api/v1/jobs")[0].body);
  ASSERT_TRUE(request) << request.error().text();
  EXPECT_EQ(request->spec.command, (std::vector<std::string>{"python3", "train.py", "--C", "0.01"}));
  EXPECT_EQ(request->spec.source.size(), 2U);
}

TEST(JobSubmit, Quiet_LeavesStandardErrorToTheJob) {
  const JobServer server(event("", "QUEUED", "no host") + frame(wire::LogFrameKind::Stderr, "err"),
                         job_json("SUCCEEDED", "0"));
  const JobFolder folder;
  const CommandRun run(at(server, {"-q", "job", "submit", folder.path(), "--", "true"}));
  EXPECT_EQ(run.code, 0);
  EXPECT_EQ(run.err, "err");
}

TEST(JobSubmit, WhyItWaits_IsSaid) {
  const JobServer server(event("", "QUEUED", "no host has container image digits:1"), job_json("SUCCEEDED", "0"));
  const JobFolder folder;
  EXPECT_THAT(CommandRun(at(server, {"job", "submit", folder.path(), "--", "true"})).err,
              HasSubstr("slipway: queued: no host has container image digits:1\n"));
}

TEST(JobSubmit, JobThatNeverHadAnExitCode_Ends125) {
  const JobServer server("", job_json("FAILED", "null", "command not found"));
  const JobFolder folder;
  const CommandRun run(at(server, {"job", "submit", folder.path(), "--", "true", "-o"}));
  EXPECT_EQ(run.code, kNoJobResult);
  EXPECT_THAT(run.err, HasSubstr("command not found"));
}

TEST(JobSubmit, FailureOfSlipway_Ends125UnlessDetached) {
  const JobFolder folder;
  StubServer denied;
  denied.on("POST /api/v1/blobs/missing", R"({"missing":[]})");
  denied.on("POST /api/v1/jobs", R"({"code":"denied","detail":"not allowed"})", 403);
  EXPECT_EQ(CommandRun(at(denied, {"job", "submit", folder.path(), "--", "true"})).code, kNoJobResult);
  EXPECT_EQ(CommandRun(at(denied, {"job", "submit", folder.path(), "--detach", "--", "true"})).code, kDenied);
  StubServer refusing;
  refusing.on("POST /api/v1/blobs/missing", R"({"missing":[]})");
  refusing.on("POST /api/v1/jobs", R"({"code":"invalid_input","detail":"no pool x"})", 400);
  EXPECT_EQ(CommandRun(at(refusing, {"job", "submit", folder.path(), "--", "true"})).code, kNoJobResult);
  EXPECT_EQ(CommandRun({"job", "submit", folder.path(), "--data-dir", folder / "none", "--", "true"}).code,
            kNoJobResult);
}

TEST(JobSubmit, MistakeSeenBeforeAnythingIsSent_EndsAsUsage) {
  const JobFolder folder;
  const Folder bare;
  const StubServer server;
  const std::string dir = folder.path();
  folder.write("wrong.yaml", "container_imag: x\n");
  const auto error_of = [&](std::vector<std::string> words) {
    words.insert(words.begin(), {"job", "submit"});
    const CommandRun run(at(server, std::move(words)));
    EXPECT_EQ(run.code, kUsage) << run.err;
    return run.err;
  };
  EXPECT_THAT(error_of({dir}), HasSubstr("no command is given"));
  EXPECT_THAT(error_of({bare.path(), "--", "true"}), HasSubstr("no container image is named"));
  EXPECT_THAT(error_of({dir, "--memory", "1kB", "--", "true"}), HasSubstr("memory_bytes must be"));
  EXPECT_THAT(error_of({dir, "--cpus", "abc", "--", "true"}), HasSubstr("reading --cpus"));
  EXPECT_THAT(error_of({dir, "--env", "NOVALUE", "--", "true"}), HasSubstr("write --env NAME=VALUE"));
  EXPECT_THAT(error_of({dir, "-f", folder / "wrong.yaml", "--", "true"}),
              HasSubstr(folder / "wrong.yaml" + ":1:1: unknown key 'container_imag'"));
  EXPECT_THAT(error_of({dir, "-f", folder / "none.yaml", "--", "true"}),
              HasSubstr("no job file " + (folder / "none.yaml") + "\n  fix: correct -f"));
  EXPECT_TRUE(server.asked("").empty());
}

TEST(JobSubmit, MissingDirectory_IsSaidBeforeAnyOtherMistake) {
  const Folder folder;
  const std::string none = folder / "none";
  for (const std::vector<std::string>& rest :
       std::vector<std::vector<std::string>>{{}, {"--cpus", "abc"}, {"-f", none + ".yaml"}, {"--detach"}}) {
    std::vector<std::string> words = {"job", "submit", none};
    words.insert(words.end(), rest.begin(), rest.end());
    const CommandRun run(std::move(words));
    EXPECT_EQ(run.code, kUsage);
    EXPECT_THAT(run.err, HasSubstr("slipway: no directory " + none + "\n"));
  }
}

TEST(JobSubmit, OnlyMissingFilesAreSent) {
  const JobFolder folder;
  JobServer server("", job_json("SUCCEEDED", "0"));
  const std::string digest = sha256_hex("print()\n");
  StubServer fresh;
  fresh.on("POST /api/v1/blobs/missing", fmt::format(R"({{"missing":["{}"]}})", digest));
  fresh.on("PUT /api/v1/blobs/" + digest, "", 201);
  fresh.on("POST /api/v1/jobs", job_json("QUEUED"), 201);
  const CommandRun run(at(fresh, {"job", "submit", folder.path(), "--detach", "--", "true"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, kJobId + "\n");
  ASSERT_EQ(fresh.asked("PUT").size(), 1U);
  EXPECT_EQ(fresh.asked("PUT")[0].body, "print()\n");
}

TEST(JobSubmit, AsJson_SaysWhoseExitCodeItIs) {
  const JobServer server(frame(wire::LogFrameKind::Stdout, "out"), job_json("FAILED", "3"));
  const JobFolder folder;
  const CommandRun run(at(server, {"job", "submit", folder.path(), "-o", "json", "--", "true"}));
  EXPECT_EQ(run.code, 3);
  const auto document = wire::parse_json(run.out);
  ASSERT_TRUE(document) << run.out;
  EXPECT_EQ(document->at("exit_code"), 3);
  EXPECT_EQ(document->at("exit_code_from"), "job");
}

TEST(JobFollow, NewAttempt_StartsFromItsBeginning) {
  StubServer server;
  server.on("GET /api/v1/jobs/digits", job_json("RUNNING"));
  const std::string job = "GET /api/v1/jobs/" + kJobId;
  server.on(job + "/logs", event("alloc-aaaaaaaaaaaaaaaaaaaa", "RUNNING") + frame(wire::LogFrameKind::Stdout, "first"));
  server.on(job + "/logs", frame(wire::LogFrameKind::Stdout, "second"));
  server.on(job, job_json("SUCCEEDED", "0"));  // its last attempt is alloc-cccc…
  const CommandRun run(at(server, {"job", "logs", "-f", "digits"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "firstsecond");
  EXPECT_THAT(server.asked(job + "/logs")[1].target,
              HasSubstr("stdout_offset=0&stderr_offset=0&allocation=alloc-cccccccccccccccccccc"));
}

TEST(JobFollow, BrokenConnection_GoesOnWhereItWas) {
  StubServer server;
  const std::string job = "GET /api/v1/jobs/" + kJobId;
  server.on("GET /api/v1/jobs/digits", job_json("RUNNING"));
  server.on(job + "/logs", event("alloc-cccccccccccccccccccc", "RUNNING") + frame(wire::LogFrameKind::Stdout, "12345"));
  server.on(job + "/logs", R"({"code":"unavailable","detail":"starting"})", 503);
  server.on(job + "/logs", frame(wire::LogFrameKind::Stdout, "678"));
  server.on(job, job_json("RUNNING"));
  server.on(job, job_json("SUCCEEDED", "0"));
  const CommandRun run(at(server, {"job", "logs", "-f", "digits"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "12345678");
  EXPECT_THAT(server.asked(job + "/logs")[2].target, HasSubstr("stdout_offset=5"));
  EXPECT_THAT(run.err, HasSubstr("the job goes on"));
  EXPECT_THAT(run.err, HasSubstr("the server is back"));
}

TEST(JobFollow, ServerThatStaysAway_IsGivenUpAfterTenMinutes) {
  StubServer server;
  const std::string job = "GET /api/v1/jobs/" + kJobId;
  server.on("GET /api/v1/jobs/digits", job_json("RUNNING"));
  server.on(job + "/logs", R"({"code":"unavailable","detail":"starting"})", 503);
  const CommandRun run(at(server, {"job", "logs", "-f", "digits"}));
  EXPECT_EQ(run.code, kUnreachable);
  EXPECT_THAT(run.err, HasSubstr("slipway job logs -f " + kJobId));
}

TEST(JobFollow, NotPlacedInTime_Ends3) {
  JobServer server("", job_json("QUEUED", "null", "no host"));
  const JobFolder folder;
  const CommandRun run(at(server, {"job", "submit", folder.path(), "--timeout", "5s", "--", "true"}));
  EXPECT_EQ(run.code, kNotPlaced) << run.err;
  EXPECT_THAT(run.err, HasSubstr("was not placed within 5s: no host"));
}

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

TEST(CloudLeftovers, WithTheCloudStopped_AreFoundByLooking) {
  const Folder folder;
  const CommandRun run(
      {"cloud", "leftovers", "--data-dir", folder.path(), "-o", "json"}, [&](CliHost& host, CapturedTerminal&) {
        host.look_for_leftovers = [&](const std::string& data_dir) -> Result<std::vector<LeftoverItem>> {
          EXPECT_EQ(data_dir, folder.path());
          return std::vector<LeftoverItem>{{"mount", "/x", "btrfs"}};
        };
      });
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(wire::parse_json(run.out)->at("items").as_array()[0].at("kind"), "mount");
}

TEST(CloudBase, WithTheCloudStopped_SaysHowToStartIt) {
  const Folder folder;
  const CommandRun run({"cloud", "base", "debian-12", "--data-dir", folder.path()});
  EXPECT_EQ(run.code, kUnreachable);
  EXPECT_THAT(run.err, HasSubstr("fix: start it: slipway dev --data-dir " + folder.path()));
}

TEST(ConfigShow, NamesWhereEachSettingCameFrom) {
  const CommandRun run({"--server", "http://x", "config", "show"});
  EXPECT_EQ(run.code, kDone);
  EXPECT_THAT(run.out, HasSubstr("server      http://x  --server"));
}

}  // namespace
}  // namespace slipway::cli
