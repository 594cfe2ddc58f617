#include "wire/api_requests.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/support/golden.hpp"
#include "wire/examples_test.hpp"

namespace slipway::wire {
namespace {

using testing::HasSubstr;

TEST(SubmitJob, Request_KeepsItsGoldenTextAndReadsBack) {
  const SubmitJobRequest request{.name = "digits", .spec = examples::spec()};
  test::expect_golden("wire/v1/submit_job.json", encode(request));
  const auto again = parse_submit_job(encode(request));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(encode(*again), encode(request));
}

std::string submit_error(model::JobSpec spec) {
  const auto parsed = parse_submit_job(encode(SubmitJobRequest{.name = "digits", .spec = std::move(spec)}));
  if (parsed) return "accepted";
  EXPECT_EQ(parsed.error().code, Code::InvalidInput);
  return parsed.error().message;
}

TEST(SubmitJob, SpecOutsideItsLimits_NamesTheKey) {
  auto spec = examples::spec();
  spec.command.clear();
  EXPECT_THAT(submit_error(spec), HasSubstr("spec.command"));
  spec = examples::spec();
  spec.command = {"sh", std::string("a\0b", 3)};
  EXPECT_THAT(submit_error(spec), HasSubstr("NUL"));
  spec = examples::spec();
  spec.command = {"sh", std::string(200 << 10, 'x')};
  EXPECT_THAT(submit_error(spec), HasSubstr("an argument is over"));
  spec = examples::spec();
  spec.command.assign(20, std::string(100 << 10, 'x'));
  EXPECT_THAT(submit_error(spec), HasSubstr("together"));
  spec = examples::spec();
  spec.resources.memory_bytes = 1000;
  EXPECT_THAT(submit_error(spec), HasSubstr("spec.resources.memory_bytes must be"));
  spec = examples::spec();
  spec.resources.cpu_millis = 0;
  EXPECT_THAT(submit_error(spec), HasSubstr("spec.resources.cpu_millis must be"));
  spec = examples::spec();
  spec.env = {{"1X", "y"}};
  EXPECT_THAT(submit_error(spec), HasSubstr("'1X' is no name"));
  spec.env = {{"SLIPWAY_JOB_ID", "y"}};
  EXPECT_THAT(submit_error(spec), HasSubstr("Slipway's to set"));
  spec = examples::spec();
  spec.container_image = "--privileged";
  EXPECT_THAT(submit_error(spec), HasSubstr("container_image"));
  spec = examples::spec();
  spec.pool = "Digits";
  EXPECT_THAT(submit_error(spec), HasSubstr("spec.pool 'Digits' is no name"));
  spec = examples::spec();
  spec.stop_grace = std::chrono::hours(2);
  EXPECT_THAT(submit_error(spec), HasSubstr("spec.stop_grace_ms must be"));
}

TEST(SubmitJob, ContainerImageWithoutATag_MeansLatest) {
  auto spec = examples::spec();
  for (const auto& [asked, meant] :
       std::map<std::string, std::string>{{"python", "python:latest"},
                                          {"registry:5000/python", "registry:5000/python:latest"},
                                          {"python:3", "python:3"},
                                          {"python@sha256:00", "python@sha256:00"}}) {
    spec.container_image = asked;
    EXPECT_EQ(parse_submit_job(encode(SubmitJobRequest{.name = "x", .spec = spec}))->spec.container_image, meant);
  }
}

TEST(SubmitJob, UnknownKeys_AreNamedWithTheNearest) {
  EXPECT_THAT(parse_submit_job(R"({"name": "x", "spce": {}})").error().message, HasSubstr("did you mean 'spec'?"));
  EXPECT_THAT(parse_submit_job(R"({"name": "x", "spec": {"comand": ["x"]}})").error().message,
              HasSubstr("did you mean 'command'?"));
  EXPECT_THAT(parse_submit_job(R"({"name": "x", "spec": {"resources": {"cpu": 1}}})").error().message,
              HasSubstr("spec.resources: unknown key 'cpu'"));
}

TEST(OtherRequests, ReadBack) {
  const CreatePoolRequest pool{.name = "digits", .image = "ami-0a", .instance_type = "t3.medium", .size = 2};
  EXPECT_EQ(encode(parse_create_pool(encode(pool)).value()), encode(pool));
  const StartBakeRequest bake{.recipe_path = "image.yaml", .recipe = "name: x\n", .files = examples::manifest()};
  EXPECT_EQ(encode(parse_start_bake(encode(bake)).value()), encode(bake));
  const MissingBlobsRequest blobs{.sha256 = {std::string(64, 'a')}};
  EXPECT_EQ(encode(parse_missing_blobs(encode(blobs)).value()), encode(blobs));
}

TEST(OtherRequests, PoolOutsideItsLimits_IsInvalidInput) {
  const CreatePoolRequest good{.name = "digits", .image = "digits", .instance_type = "t3.medium", .size = 2};
  const auto refused = [&](auto change) {
    CreatePoolRequest pool = good;
    change(pool);
    const auto parsed = parse_create_pool(encode(pool));
    return !parsed && parsed.error().code == Code::InvalidInput;
  };
  EXPECT_TRUE(refused([](auto& pool) { pool.size = -1; }));
  EXPECT_TRUE(refused([](auto& pool) { pool.size = 100'000; }));
  EXPECT_TRUE(refused([](auto& pool) { pool.instance_type = ""; }));
  EXPECT_TRUE(refused([](auto& pool) { pool.image = "ami-$(id)"; }));
  EXPECT_TRUE(refused([](auto& pool) { pool.name = "Digits"; }));
  EXPECT_FALSE(refused([](auto&) {}));
}

TEST(OtherRequests, Malformed_AreInvalidInput) {
  EXPECT_FALSE(parse_create_pool(""));
  EXPECT_FALSE(parse_create_pool("[]"));
  EXPECT_FALSE(parse_create_pool("{}"));
  EXPECT_FALSE(parse_start_bake(R"({"recipe": "x"})"));
  EXPECT_FALSE(parse_missing_blobs(R"({"sha256": ["../../etc/passwd"]})"));
}

TEST(Names, FollowTheRuleOfHostNames) {
  for (const char* good : {"a", "digits", "a-1", "x23456789-123456789-123456789-123456789-123456789-123456789-123"}) {
    EXPECT_TRUE(check_name(good, "name")) << good;
  }
  for (const char* bad : {"", "-a", "a-", "1a", "A", "a_b", "a.b", "a b", "\xc3\xa4",
                          "x23456789-123456789-123456789-123456789-123456789-123456789-1234"}) {
    EXPECT_FALSE(check_name(bad, "name")) << bad;
  }
}

TEST(LogFrames, CutAnywhere_ReadBack) {
  EXPECT_TRUE(rc::check([](const std::vector<std::string>& texts, std::size_t step) {
    std::string stream;
    for (const std::string& text : texts) stream += encode(LogFrame{.kind = LogFrameKind::Stderr, .bytes = text});
    LogFrameReader reader;
    std::vector<std::string> again;
    const std::size_t piece = 1 + step % 7;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      for (LogFrame& frame : reader.feed(std::string_view(stream).substr(at, piece)).value()) {
        RC_ASSERT(frame.kind == LogFrameKind::Stderr);
        again.push_back(std::move(frame.bytes));
      }
    }
    RC_ASSERT(again == texts);
  }));
}

TEST(LogFrames, UnknownKindOrHugeFrame_IsInvalidInput) {
  EXPECT_EQ(LogFrameReader().feed(std::string_view("\x04\0\0\0\0", 5)).error().code, Code::InvalidInput);
  EXPECT_EQ(LogFrameReader().feed(std::string_view("\x01\x7f\xff\xff\xff", 5)).error().code, Code::InvalidInput);
}

}  // namespace
}  // namespace slipway::wire
