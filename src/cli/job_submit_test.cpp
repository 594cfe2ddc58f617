#include <boost/json.hpp>

#include "base/digest.hpp"
#include "cli/exit_codes.hpp"
#include "cli/job_test_support.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

using testing::HasSubstr;

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

TEST(JobSubmit, RefusedBeforeThereIsAJob_EndsAsEveryCommand) {
  const JobFolder folder;
  for (const auto& [code, status, expected] : {std::tuple{"not_found", 404, kNotFound},
                                               {"invalid_input", 400, kUsage},
                                               {"conflict", 409, kConflict},
                                               {"denied", 403, kDenied}}) {
    StubServer refusing;
    refusing.on("POST /api/v1/blobs/missing", R"({"missing":[]})");
    refusing.on("POST /api/v1/jobs", fmt::format(R"({{"code":"{}","detail":"no pool 'nope'"}})", code), status);
    const CommandRun run(at(refusing, {"job", "submit", folder.path(), "--pool", "nope", "--", "true"}));
    EXPECT_EQ(run.code, expected);
    EXPECT_THAT(run.err, HasSubstr("no pool 'nope'"));
    EXPECT_EQ(CommandRun(at(refusing, {"job", "submit", folder.path(), "--detach", "--", "true"})).code, expected);
  }
}

TEST(JobSubmit, FailureOfSlipway_Ends125UnlessDetached) {
  const JobFolder folder;
  StubServer failing;
  failing.on("POST /api/v1/blobs/missing", R"({"missing":[]})");
  failing.on("POST /api/v1/jobs", R"({"code":"internal","detail":"a fault"})", 500);
  EXPECT_EQ(CommandRun(at(failing, {"job", "submit", folder.path(), "--", "true"})).code, kNoJobResult);
  EXPECT_EQ(CommandRun(at(failing, {"job", "submit", folder.path(), "--detach", "--", "true"})).code, kFailure);
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

}  // namespace
}  // namespace slipway::cli
