#include "wire/records.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.hpp"
#include "wire/api_requests.hpp"
#include "wire/examples_test.hpp"
#include "wire/json.hpp"

namespace slipway::wire {
namespace {

model::Job job() {
  return {.id = examples::id<JobId>('f'),
          .meta = examples::meta(),
          .name = "digits",
          .spec = examples::spec(),
          .state = model::JobState::Failed,
          .reason = "exit code 7",
          .exit_code = 7,
          .stop_requested = true,
          .allocations = {examples::id<AllocationId>('c')},
          .finished_at = examples::time(9)};
}

model::Allocation allocation() {
  return {.id = examples::id<AllocationId>('c'),
          .meta = examples::meta(),
          .job = examples::id<JobId>('f'),
          .host = examples::id<HostId>('e'),
          .epoch = 2,
          .resources = examples::spec().resources,
          .state = model::AllocationState::Lost,
          .reason = "host lost",
          .exit_code = std::nullopt,
          .started_at = examples::time(2),
          .finished_at = {},
          .stdout_bytes = -1,
          .stderr_bytes = 5,
          .artifacts = examples::manifest(),
          .artifacts_note = "not recovered"};
}

model::Host host() {
  return {.id = examples::id<HostId>('e'),
          .meta = examples::meta(),
          .name = "ip-10-0-0-5",
          .state = model::HostState::Ready,
          .reason = "",
          .pool = examples::id<PoolId>('g'),
          .image_id = "ami-1",
          .instance_type = "t3.medium",
          .instance_id = "i-1",
          .address = "10.0.0.5",
          .join_token_sha256 = std::string(64, '7'),
          .join_token_expires_at = examples::time(600),
          .credential_sha256 = std::string(64, '8'),
          .agent_version = "0.1.0",
          .boot_id = "6b1a",
          .capacity = {.cpu_millis = 2000, .memory_bytes = 4LL << 30},
          .container_images = {"digits:1"},
          .joined_at = examples::time(3),
          .lost_at = {},
          .launch_attempts = 1};
}

model::Bake bake() {
  return {.id = examples::id<BakeId>('h'),
          .meta = examples::meta(),
          .recipe_path = "image.yaml",
          .recipe_text = "name: digits\n",
          .files = examples::manifest(),
          .name = "digits",
          .state = model::BakeState::Running,
          .reason = "",
          .step = 2,
          .steps = 4,
          .step_name = "run",
          .last_line = "Setting up docker.io",
          .step_started_at = examples::time(4),
          .image_id = "",
          .image = {},
          .reused = false,
          .stop_requested = false,
          .finished_at = {}};
}

model::App app() {
  return {.id = examples::id<AppId>('m'),
          .meta = examples::meta(),
          .name = "jupyter",
          .version = 3,
          .spec = examples::app_spec()};
}

model::Session session() {
  return {.id = examples::id<SessionId>('n'),
          .meta = examples::meta(),
          .name = "thesis",
          .app = examples::id<AppId>('m'),
          .app_name = "jupyter",
          .app_version = 3,
          .job = examples::id<JobId>('f'),
          .state = model::SessionState::Ready,
          .reason = "",
          .stop_requested = false,
          .placed_at = examples::time(1),
          .started_at = examples::time(2),
          .ready_at = examples::time(4),
          .ends_at = examples::time(28800),
          .idle_since = examples::time(90),
          .finished_at = {}};
}

model::Link link() {
  return {.id = examples::id<LinkId>('p'),
          .meta = examples::meta(),
          .session = examples::id<SessionId>('n'),
          .secret_sha256 = std::string(64, '4'),
          .expires_at = examples::time(28800)};
}

template <typename T>
void expect_store_round_trip(const T& value) {
  const Json json = store_json(value);
  const auto again = from_json<T>(parse_json(boost::json::serialize(json)).value());
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(boost::json::serialize(store_json(*again)), boost::json::serialize(json));
}

TEST(Records, EveryRecord_RoundTripsThroughTheStoresForm) {
  expect_store_round_trip(job());
  expect_store_round_trip(allocation());
  expect_store_round_trip(host());
  expect_store_round_trip(bake());
  expect_store_round_trip(app());
  expect_store_round_trip(session());
  expect_store_round_trip(link());
  expect_store_round_trip(model::Pool{.id = examples::id<PoolId>('g'),
                                      .meta = examples::meta(),
                                      .name = "digits",
                                      .image = "digits",
                                      .image_id = "ami-1",
                                      .instance_type = "t3.medium",
                                      .size = 2,
                                      .deleting = true,
                                      .reason = "launching"});
  expect_store_round_trip(model::Image{.id = examples::id<ImageId>('j'),
                                       .meta = examples::meta(),
                                       .name = "digits",
                                       .image_id = "ami-1",
                                       .recipe_digest = std::string(64, '9'),
                                       .bake = examples::id<BakeId>('h')});
  expect_store_round_trip(
      model::Principal{.id = examples::id<PrincipalId>('a'), .meta = examples::meta(), .name = "admin", .admin = true});
  expect_store_round_trip(model::Token{.id = examples::id<TokenId>('k'),
                                       .meta = examples::meta(),
                                       .principal = examples::id<PrincipalId>('a'),
                                       .secret_sha256 = std::string(64, '3')});
  expect_store_round_trip(
      model::Project{.id = examples::id<ProjectId>('b'), .meta = examples::meta(), .name = "default"});
}

TEST(Records, StoredForms_KeepTheirGoldenTexts) {
  test::expect_golden("wire/v1/record_job.json", boost::json::serialize(store_json(job())));
  test::expect_golden("wire/v1/record_allocation.json", boost::json::serialize(store_json(allocation())));
  test::expect_golden("wire/v1/record_host.json", boost::json::serialize(store_json(host())));
  test::expect_golden("wire/v1/record_bake.json", boost::json::serialize(store_json(bake())));
  test::expect_golden("wire/v1/record_app.json", boost::json::serialize(store_json(app())));
  test::expect_golden("wire/v1/record_session.json", boost::json::serialize(store_json(session())));
  test::expect_golden("wire/v1/record_link.json", boost::json::serialize(store_json(link())));
}

TEST(Records, JobOfASession_KeepsItsAppTokenInTheStoreOnly) {
  auto carrying = job();
  carrying.spec = examples::service_spec();
  expect_store_round_trip(carrying);
  EXPECT_THAT(boost::json::serialize(store_json(carrying)), testing::HasSubstr("slwa_x"));
  EXPECT_THAT(boost::json::serialize(api_json(carrying)), testing::Not(testing::HasSubstr("slwa_")));
}

TEST(Records, LinkForPeople_HoldsNoHashOfItsSecret) {
  EXPECT_THAT(boost::json::serialize(api_json(link())), testing::Not(testing::HasSubstr("sha256")));
}

TEST(Records, HostOfAnEarlierVersion_HasNoFeatures) {
  auto able = host();
  able.features = {"services"};
  expect_store_round_trip(able);
  EXPECT_TRUE(from_json<model::Host>(store_json(host()))->features.empty());
  EXPECT_EQ(from_json<model::Host>(store_json(able))->features, able.features);
}

TEST(Records, HostForPeople_HoldsNoHashOfASecret) {
  const std::string text = boost::json::serialize(api_json(host()));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("sha256")));
  const auto again = from_json<model::Host>(parse_json(text).value());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->credential_sha256, "");
  EXPECT_EQ(again->instance_id, "i-1");
}

TEST(Records, UnknownKeys_AreIgnoredAndMissingOnesKeepTheirDefaults) {
  const auto read = from_json<model::Job>(
      parse_json(R"({"id": "job-ffffffffffffffffffff", "state": "QUEUED", "priority": 7})").value());
  ASSERT_TRUE(read) << read.error().text();
  EXPECT_EQ(read->exit_code, std::nullopt);
  EXPECT_EQ(read->spec.log_limit_bytes, model::kDefaultLogLimitBytes);
}

TEST(Records, WithoutAnId_AreInvalidInput) {
  EXPECT_EQ(from_json<model::Job>(parse_json(R"({"state": "QUEUED"})").value()).error().message, "job.id is missing");
  EXPECT_FALSE(from_json<model::Job>(parse_json(R"({"id": "", "state": "QUEUED"})").value()));
  EXPECT_FALSE(from_json<model::Job>(parse_json("[]").value()));
}

TEST(Manifest, BadEntries_AreRefused) {
  const std::string sha(64, '1');
  const auto read = [&](const std::string& entries) {
    return manifest_from_json(parse_json(entries).value(), "source");
  };
  const auto entry = [&](const std::string& path, const std::string& rest = "\"size_bytes\":1") {
    return fmt::format(R"({{"path":"{}","sha256":"{}",{}}})", path, sha, rest);
  };
  EXPECT_TRUE(read("[" + entry("a/b") + "]"));
  for (const char* path : {"", "/a", "../a", "a/../b", "a//b", "./a", "a/", "a\\u0000b"}) {
    EXPECT_FALSE(read("[" + entry(path) + "]")) << path;
  }
  EXPECT_FALSE(read("[" + entry("a", "\"size_bytes\":-1") + "]"));
  EXPECT_FALSE(read("[" + entry("a", "\"size_bytes\":1,\"mode\":4095") + "]"));
  EXPECT_FALSE(read(R"([{"path":"a","sha256":"ABC","size_bytes":1}])"));
  EXPECT_EQ(read("[" + entry("a") + "," + entry("a") + "]").error().message, "source names 'a' twice");
  EXPECT_EQ(read("[" + entry("a") + "," + entry("a-b") + "," + entry("a/b") + "]").error().message,
            "source: 'a' is a file and a directory");
}

TEST(Manifest, ReadFromJson_IsSorted) {
  model::Manifest shuffled = examples::manifest();
  std::swap(shuffled[0], shuffled[1]);
  EXPECT_EQ(manifest_from_json(manifest_json(shuffled), "source").value(), examples::manifest());
}

TEST(Problem, ErrorReadsBackFromItsProblemDocument) {
  const Error error{.code = Code::NotFound,
                    .message = "no job named 'x'",
                    .fix = "slipway job list shows them",
                    .context = {"reading its log"}};
  const Error again = error_from_problem(404, boost::json::serialize(problem_json(error)));
  EXPECT_EQ(again.code, error.code);
  EXPECT_EQ(again.text(), error.text());
  EXPECT_EQ(problem_json(error).at("title"), "Not found");
  EXPECT_EQ(problem_json(error).at("status"), 404);
}

TEST(Problem, AnyOtherAnswer_IsQuotedWithoutControlCharacters) {
  const Error error = error_from_problem(502, "<html>\x1b[31mBad gateway");
  EXPECT_EQ(error.code, Code::Unreachable);
  EXPECT_THAT(error.message, testing::HasSubstr("502: <html> [31mBad gateway"));
  EXPECT_EQ(error_from_problem(418, "").code, Code::Internal);
  EXPECT_EQ(error_from_problem(403, "{}").code, Code::Denied);
}

}  // namespace
}  // namespace slipway::wire
