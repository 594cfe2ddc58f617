#include "cli/job_follow.hpp"

#include "cli/exit_codes.hpp"
#include "cli/job_test_support.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

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

}  // namespace
}  // namespace slipway::cli
