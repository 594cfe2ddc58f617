#include "cli/exit_codes.hpp"
#include "cli/job_test_support.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

const std::string kAttempt = "alloc-cccccccccccccccccccc";
const std::string kLog = event(kAttempt, "RUNNING") + frame(wire::LogFrameKind::Stdout, "out\n") +
                         frame(wire::LogFrameKind::Stderr, "\xff") + frame(wire::LogFrameKind::Stdout, "more");
const std::string kLines = "{\"event\":{\"allocation\":\"" + kAttempt +
                           "\",\"job_state\":\"RUNNING\",\"reason\":\"\"}}\n"
                           "{\"stream\":\"stdout\",\"text\":\"out\\n\"}\n"
                           "{\"stream\":\"stderr\",\"base64\":\"/w==\"}\n"
                           "{\"stream\":\"stdout\",\"text\":\"more\"}\n";

TEST(JobLogs, AreTheJobsBytesOnItsStreams) {
  const JobServer server(kLog, job_json("SUCCEEDED", "0"));
  const CommandRun run(at(server, {"job", "logs", "digits"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "out\nmore");
  EXPECT_EQ(run.err, "\xff");
}

TEST(JobLogs, AsJson_AreOneObjectALineOnStandardOutput) {
  const JobServer server(kLog, job_json("SUCCEEDED", "0"));
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"job", "logs", "digits", "-o", "json"}, {"job", "logs", "-f", "digits", "-o", "json"}}) {
    const CommandRun run(at(server, words));
    EXPECT_EQ(run.code, kDone);
    EXPECT_EQ(run.out, kLines);
    EXPECT_EQ(run.err, "");
  }
}

TEST(JobLogs, FollowedAsJson_GoOnAfterABrokenConnectionWithoutRepeating) {
  StubServer server;
  const std::string job = "GET /api/v1/jobs/" + kJobId;
  server.on("GET /api/v1/jobs/digits", job_json("RUNNING"));
  server.on(job + "/logs", event(kAttempt, "RUNNING") + frame(wire::LogFrameKind::Stdout, "out\n"));
  server.on(job + "/logs", event(kAttempt, "RUNNING") + frame(wire::LogFrameKind::Stderr, "\xff") +
                               frame(wire::LogFrameKind::Stdout, "more"));
  server.on(job, job_json("RUNNING"));
  server.on(job, job_json("SUCCEEDED", "0"));
  const CommandRun run(at(server, {"job", "logs", "-f", "digits", "-o", "json"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, kLines);
  EXPECT_THAT(server.asked(job + "/logs")[1].target, HasSubstr("stdout_offset=4&stderr_offset=0"));
}

TEST(JobLogs, OneStreamAsJson_IsNamedInEachLine) {
  JobServer server("", job_json("SUCCEEDED", "0"));
  server.on("GET /api/v1/jobs/" + kJobId + "/logs/stderr", "err\n");
  const CommandRun run(at(server, {"job", "logs", "digits", "--stream", "stderr", "-o", "json"}));
  EXPECT_EQ(run.code, kDone) << run.err;
  EXPECT_EQ(run.out, "{\"stream\":\"stderr\",\"text\":\"err\\n\"}\n");
  EXPECT_EQ(CommandRun(at(server, {"job", "logs", "digits", "--stream", "stderr"})).out, "err\n");
}

TEST(JobLogs, FormsThatALogHasNot_AreRefusedBeforeTheServerIsAsked) {
  const JobServer server(kLog, job_json("SUCCEEDED", "0"));
  for (const char* form : {"yaml", "name"}) {
    const CommandRun run(at(server, {"job", "logs", "digits", "-o", form}));
    EXPECT_EQ(run.code, kUsage);
    EXPECT_THAT(run.err, HasSubstr(fmt::format("a log has no form '{}'", form)));
  }
  EXPECT_TRUE(server.asked("").empty());
}

TEST(JobLogs, Help_DescribesTheLinesOfJson) {
  EXPECT_THAT(CommandRun({"job", "logs", "--help"}).out, HasSubstr("{\"stream\":\"stdout\",\"text\":"));
}

}  // namespace
}  // namespace slipway::cli
