// Apps and sessions.
#include "cli/exit_codes.hpp"
#include "cli/test_support.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kSession = "ses-nnnnnnnnnnnnnnnnnnnn";
const std::string kJob = "job-ffffffffffffffffffff";
const std::string kLink = "link-pppppppppppppppppppp";
const std::string kUrl = "http://" + kSession + ".localhost:7070/.slipway/open#slws_secret";

std::string session_json(const std::string& state, const std::string& reason = "", const std::string& host = "") {
  return fmt::format(
      R"({{"id":"{}","name":"thesis","app_name":"book","app_version":1,"state":"{}","reason":"{}","host":"{}","job":"{}"}})",
      kSession, state, reason, host, kJob);
}

struct SessionServer : StubServer {
  explicit SessionServer(const std::string& watched) {
    on("POST /api/v1/sessions", session_json("WAITING", "waits to be placed"), 201);
    on("GET /api/v1/sessions/" + kSession + "/watch", watched);
    on("POST /api/v1/sessions/" + kSession + "/links",
       fmt::format(R"({{"id":"{}","session":"{}","url":"{}","expires_at":""}})", kLink, kSession, kUrl), 201);
    for (const std::string& name : {kSession, std::string("thesis")})
      on("GET /api/v1/sessions/" + name, session_json("READY", "", "desk"));
  }
};

const std::string kWholeStart = session_json("WAITING", "no READY host; there is no host at all") + "\n" +
                                session_json("STARTING", "placed on desk", "desk") + "\n" +
                                session_json("STARTING", "container image is being checked", "desk") + "\n" +
                                session_json("READY", "", "desk") + "\n";

TEST(SessionStart, PrintsEachPhaseOnStandardErrorAndOneUrlOnStandardOutput) {
  const SessionServer server(kWholeStart);
  const CommandRun run(at(server, {"session", "start", "book"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, kUrl + "\n");
  EXPECT_EQ(run.err,
            "slipway:   0.0s  waits: no READY host; there is no host at all\n"
            "slipway:   0.0s  placed on desk\n"
            "slipway:   0.0s  starting: container image is being checked\n"
            "slipway: ready after 0.0s\n");
}

TEST(SessionStart, Quiet_SaysNothingButTheUrl) {
  const SessionServer server(kWholeStart);
  const CommandRun run(at(server, {"session", "start", "book", "-q"}));
  EXPECT_EQ(run.out, kUrl + "\n");
  EXPECT_EQ(run.err, "");
}

TEST(SessionStart, WhatIsAskedFor_IsSent) {
  const SessionServer server(kWholeStart);
  const CommandRun run(at(server, {"session", "start", "book", "--name", "thesis", "--pool", "desks", "--for", "2h",
                                   "--set", "dpi=192", "--set", "locale=C"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(
      server.asked("POST /api/v1/sessions")[0].body,
      R"({"app":"book","name":"thesis","pool":"desks","longest_ms":7200000,"startup":{"dpi":"192","locale":"C"}})");
}

TEST(SessionStart, WithoutWaiting_PrintsTheUrlAtOnce) {
  const SessionServer server("");
  const CommandRun run(at(server, {"session", "start", "book", "--no-wait"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, kUrl + "\n");
  EXPECT_TRUE(server.asked("GET").empty());
}

TEST(SessionStart, OtherForms_HoldTheUrlToo) {
  const SessionServer server(kWholeStart);
  const CommandRun json(at(server, {"session", "start", "book", "-o", "json"}));
  EXPECT_THAT(json.out, HasSubstr("\"url\": \"" + kUrl + "\""));
  EXPECT_EQ(CommandRun(at(server, {"session", "start", "book", "-o", "name"})).out, kSession + "\n");
}

TEST(SessionStart, StreamThatBreaks_IsTakenUpAgain) {
  SessionServer server(session_json("WAITING", "no READY host") + "\n");
  server.on("GET /api/v1/sessions/" + kSession + "/watch", R"({"code":"unavailable","detail":"starting"})", 503);
  server.on("GET /api/v1/sessions/" + kSession + "/watch", session_json("READY", "", "desk") + "\n");
  const CommandRun run(at(server, {"session", "start", "book"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, kUrl + "\n");
}

TEST(SessionStart, NotPlacedInTime_EndsWith3AndSaysWhyItWaits) {
  const SessionServer server(session_json("WAITING", "no READY host") + "\n");
  const CommandRun run(at(server, {"session", "start", "book", "--timeout", "2s"}));
  EXPECT_EQ(run.code, kNotPlaced);
  EXPECT_THAT(run.err, HasSubstr("session " + kSession + " was not placed within 2.0s: no READY host"));
  EXPECT_THAT(run.err, HasSubstr("slipway session open " + kSession));
  EXPECT_EQ(run.out, "");
}

TEST(SessionStart, NotReadyInTime_EndsWith7) {
  const SessionServer server(session_json("STARTING", "waits for http://127.0.0.1:8888/", "desk") + "\n");
  const CommandRun run(at(server, {"session", "start", "book", "--timeout", "2s"}));
  EXPECT_EQ(run.code, kTimeout);
  EXPECT_THAT(run.err, HasSubstr("was not ready within 2.0s: waits for http://127.0.0.1:8888/"));
}

TEST(SessionStart, AppThatFails_EndsWith1AndNamesItsOutput) {
  const SessionServer server(session_json("ENDED", "exit code 7") + "\n");
  const CommandRun run(at(server, {"session", "start", "book"}));
  EXPECT_EQ(run.code, kFailure);
  EXPECT_THAT(run.err, HasSubstr("ended before it was ready: exit code 7"));
  EXPECT_THAT(run.err, HasSubstr("slipway session logs " + kSession));
}

TEST(SessionStart, Mistakes_EndWith2BeforeAnythingIsSent) {
  const SessionServer server(kWholeStart);
  const auto start = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"session", "start"});
    return CommandRun(at(server, std::move(more)));
  };
  EXPECT_EQ(start({}).code, kUsage);
  EXPECT_EQ(start({"Book!"}).code, kUsage);
  EXPECT_EQ(start({"book", "--for", "soon"}).code, kUsage);
  EXPECT_EQ(start({"book", "--set", "dpi"}).code, kUsage);
  EXPECT_THAT(start({"book", "--set", "dpi=x"}).err, HasSubstr("startup.dpi must be"));
  EXPECT_THAT(start({"book", "--set", "wallpaper=x"}).err, HasSubstr("there is dark_mode, dpi"));
  EXPECT_TRUE(server.asked("").empty());
}

TEST(SessionStart, AnswersOfTheServer_GiveTheirOwnExitCodes) {
  StubServer server;
  server.on("POST /api/v1/sessions", R"({"code":"not_found","detail":"no app 'book'","fix":"slipway app list"})", 404);
  EXPECT_EQ(CommandRun(at(server, {"session", "start", "book"})).code, kNotFound);
  StubServer full;
  full.on("POST /api/v1/sessions", R"({"code":"exhausted","detail":"you have 3 sessions of book already"})", 507);
  const CommandRun run(at(full, {"session", "start", "book"}));
  EXPECT_EQ(run.code, kFailure);
  EXPECT_THAT(run.err, HasSubstr("you have 3 sessions of book already"));
  EXPECT_EQ(full.asked("POST").size(), 1U);
}

TEST(SessionCommands, ListAndShow_NameStateAndHost) {
  SessionServer server("");
  server.on("GET /api/v1/sessions",
            "{\"items\":[" + session_json("STARTING", "waits for the app", "desk") + "],\"next\":null}");
  const CommandRun list(at(server, {"session", "list"}));
  EXPECT_EQ(list.code, kDone) << list.err;
  EXPECT_THAT(list.out, testing::AllOf(HasSubstr(kSession), HasSubstr("STARTING"), HasSubstr("waits for the app")));
  EXPECT_EQ(CommandRun(at(server, {"session", "list", "-o", "name"})).out, kSession + "\n");
  EXPECT_EQ(CommandRun(at(server, {"session", "list", "--all"})).code, kDone);
  EXPECT_EQ(server.asked("GET /api/v1/sessions?all=1").size(), 1U);
  EXPECT_THAT(CommandRun(at(server, {"session", "show", "thesis"})).out, HasSubstr("book version 1"));
}

TEST(SessionCommands, Open_PrintsANewUrl) {
  const SessionServer server("");
  EXPECT_EQ(CommandRun(at(server, {"session", "open", kSession, "--for", "5m"})).out, kUrl + "\n");
  EXPECT_EQ(server.asked("POST")[0].body, R"({"lifetime_ms":300000})");
  EXPECT_EQ(CommandRun(at(server, {"session", "open", kSession, "-o", "name"})).out, kLink + "\n");
}

TEST(SessionCommands, Stop_WaitsForTheEndIfAsked) {
  SessionServer server("");
  server.on("POST /api/v1/sessions/" + kSession + "/stop", session_json("STOPPING", "stopped on request"), 202);
  EXPECT_EQ(CommandRun(at(server, {"session", "stop", "thesis"})).out, kSession + " STOPPING\n");
  server.on("GET /api/v1/sessions/" + kSession, session_json("STOPPING", ""));
  server.on("GET /api/v1/sessions/" + kSession, session_json("ENDED", ""));
  EXPECT_EQ(CommandRun(at(server, {"session", "stop", "thesis", "--wait"})).out, kSession + " ENDED\n");
}

TEST(SessionCommands, Stop_OnATerminalAsks) {
  const SessionServer server("");
  const CommandRun refused(at(server, {"session", "stop", "thesis"}),
                           [](CliHost&, CapturedTerminal& terminal) { terminal.answers = {"n"}; });
  EXPECT_EQ(refused.code, kFailure);
  EXPECT_TRUE(server.asked("POST").empty());
}

TEST(SessionCommands, Extend_SaysWhenItEnds) {
  StubServer server;
  server.on("POST /api/v1/sessions/thesis/extend",
            R"({"id":"ses-nnnnnnnnnnnnnnnnnnnn","ends_at":"2026-01-01T08:00:00.000Z"})");
  EXPECT_EQ(CommandRun(at(server, {"session", "extend", "thesis", "--for", "1h"})).out,
            kSession + " ends 2026-01-01T08:00:00.000Z\n");
  EXPECT_EQ(server.asked("POST")[0].body, R"({"longer_ms":3600000})");
}

TEST(SessionCommands, Logs_AreThoseOfTheJobThatCarriesIt) {
  SessionServer server("");
  server.on("GET /api/v1/jobs/" + kJob, fmt::format(R"({{"id":"{}","state":"RUNNING","allocations":[]}})", kJob));
  server.on("GET /api/v1/jobs/" + kJob + "/logs/stdout", "hello\n");
  const CommandRun run(at(server, {"session", "logs", "thesis", "--stream", "stdout"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "hello\n");
}

TEST(SessionCommands, LinksAndRevoke) {
  StubServer server;
  const auto link = fmt::format(R"({{"id":"{}","session":"{}","expires_at":""}})", kLink, kSession);
  server.on("GET /api/v1/sessions/thesis/links", "{\"items\":[" + link + "],\"next\":null}");
  server.on("DELETE /api/v1/sessions/thesis/links/" + kLink, link);
  EXPECT_THAT(CommandRun(at(server, {"session", "links", "thesis"})).out, HasSubstr("with the session"));
  EXPECT_EQ(CommandRun(at(server, {"session", "revoke", "thesis", kLink})).out, kLink + " revoked\n");
  EXPECT_EQ(CommandRun(at(server, {"session", "revoke", "thesis", "link-x"})).code, kNotFound);
}

TEST(AppCommands, Register_ReadsTheFileAndSendsIt) {
  StubServer server;
  const Folder folder;
  folder.write("app.yaml", "name: book\ncontainer_image: book\nports: [{name: web, port: 8888}]\n");
  server.on("POST /api/v1/apps",
            R"({"id":"app-mmmmmmmmmmmmmmmmmmmm","name":"book","app_version":2,"spec":{"ports":[]}})", 201);
  const CommandRun run(at(server, {"app", "register", folder / "app.yaml"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "book version 2 app-mmmmmmmmmmmmmmmmmmmm\n");
  EXPECT_THAT(server.asked("POST")[0].body, HasSubstr(R"("ports":[{"name":"web","port":8888,"kind":"http"}])"));
}

TEST(AppCommands, MistakesInTheFile_EndWith2BeforeAnythingIsSent) {
  const StubServer server;
  const Folder folder;
  folder.write("app.yaml", "nme: book\n");
  const CommandRun run(at(server, {"app", "register", folder / "app.yaml"}));
  EXPECT_EQ(run.code, kUsage);
  EXPECT_THAT(run.err, HasSubstr("app.yaml:1:1: unknown key 'nme'; did you mean 'name'?"));
  EXPECT_EQ(CommandRun(at(server, {"app", "register", folder / "none.yaml"})).code, kUsage);
  EXPECT_TRUE(server.asked("").empty());
}

TEST(AppCommands, ExampleOfTheHelp_IsAGoodFile) {
  const StubServer server;
  std::string text = CommandRun(at(server, {"app", "register", "--help"})).out;
  text = text.substr(text.find("    name: jupyter"));
  text = text.substr(0, text.find("\n\n"));
  const Folder folder;
  folder.write("app.yaml", text + "\n");
  const CommandRun run(at(server, {"app", "register", folder / "app.yaml"}));
  EXPECT_EQ(run.code, kNotFound) << run.err;  // the stub has no such operation, so it was sent
}

}  // namespace
}  // namespace slipway::cli
