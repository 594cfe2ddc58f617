// Whole command lines against a server that answers what it is told: what all commands share, and the small groups.
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/json.hpp>

#include "cli/exit_codes.hpp"
#include "cli/job_test_support.hpp"
#include "runtime/fd.hpp"
#include "wire/json.hpp"
#include "wire/records.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

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

TEST(HostList, HostWhoseAgentHasNotComeBack_IsShownAsNotConnected) {
  StubServer server;
  server.on("GET /api/v1/pools", R"({"items":[],"next":null})");
  server.on("GET /api/v1/hosts", R"({"items":[{"id":"host-1","name":"away","state":"READY","connected":false},)"
                                 R"({"id":"host-2","name":"here","state":"READY","connected":true}],"next":null})");
  const CommandRun run(at(server, {"host", "list"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_THAT(run.out, testing::ContainsRegex("away.*READY, not connected"));
  EXPECT_THAT(run.out, Not(testing::ContainsRegex("here.*not connected")));
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

TEST(CloudLeftovers, WithACloudThatHangs_AreFoundByLookingAfterTheTimeout) {
  const Folder folder;
  std::filesystem::create_directories(folder / "cloud");
  const runtime::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (folder / "cloud/admin.sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(socket.get(), 1), 0);  // and it never accepts
  const CommandRun run({"cloud", "leftovers", "--data-dir", folder.path(), "--timeout", "200ms"},
                       [](CliHost& host, CapturedTerminal&) {
                         host.look_for_leftovers = [](const std::string&) -> Result<std::vector<LeftoverItem>> {
                           return std::vector<LeftoverItem>{{"mount", "/x", "btrfs"}};
                         };
                       });
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_THAT(run.out, HasSubstr("/x"));
  const CommandRun status({"cloud", "status", "--data-dir", folder.path(), "--timeout", "200ms"});
  EXPECT_EQ(status.code, kTimeout) << status.err;
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
