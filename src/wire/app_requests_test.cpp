#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/golden.hpp"
#include "wire/api_requests.hpp"
#include "wire/examples_test.hpp"

namespace slipway::wire {
namespace {

using testing::HasSubstr;

StartSessionRequest start() {
  return {.app = "jupyter",
          .name = "thesis",
          .pool = "desks",
          .longest = std::chrono::hours(2),
          .startup = {{"dpi", "192"}}};
}

TEST(RegisterApp, Request_KeepsItsGoldenTextAndReadsBack) {
  const RegisterAppRequest request{.name = "jupyter", .spec = examples::app_spec()};
  test::expect_golden("wire/v1/register_app.json", encode(request));
  const auto again = parse_register_app(encode(request));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(encode(*again), encode(request));
}

TEST(RegisterApp, MistypedKeys_AreNamedWithTheNearest) {
  const auto message = [](const std::string& spec) {
    const auto parsed = parse_register_app(fmt::format(R"({{"name": "x", "spec": {}}})", spec));
    return parsed ? "accepted" : parsed.error().message;
  };
  EXPECT_THAT(message(R"({"idel": {}})"), HasSubstr("did you mean 'idle'?"));
  EXPECT_THAT(message(R"({"idle": {"after": 1}})"), HasSubstr("spec.idle"));
  EXPECT_THAT(message(R"({"probe": {"pathh": "/"}})"), HasSubstr("did you mean 'path'?"));
  EXPECT_THAT(message(R"({"slots": {"tty": 1}})"), HasSubstr("did you mean 'ttys'?"));
  EXPECT_THAT(message(R"({"auth": {"heder": "x"}})"), HasSubstr("did you mean 'header'?"));
  EXPECT_THAT(message(R"({"ports": [{"name": "a", "port": 1, "knd": "http"}]})"), HasSubstr("spec.ports[0]"));
  EXPECT_THAT(message(R"({"ports": [{"name": "a", "port": 1, "kind": "ftp"}]})"), HasSubstr("'ftp' is not a kind of"));
  EXPECT_THAT(message(R"({"ports": [{"name": "a", "port": 1, "expose": "all"}]})"), HasSubstr("exposure of a port"));
  EXPECT_THAT(message(R"({"ports": 80})"), HasSubstr("spec.ports must be a list"));
  EXPECT_THAT(message(R"({"resources": {"cpus": 1}})"), HasSubstr("spec.resources"));
}

TEST(RegisterApp, SpecificationsThatCannotBe_NameTheKey) {
  const auto message = [](void (*spoil)(model::AppSpec&)) {
    RegisterAppRequest request{.name = "jupyter", .spec = examples::app_spec()};
    spoil(request.spec);
    const auto parsed = parse_register_app(encode(request));
    return parsed ? "accepted" : parsed.error().message;
  };
  EXPECT_THAT(message([](model::AppSpec& spec) { spec.ports.clear(); }), HasSubstr("ports is missing"));
  EXPECT_THAT(message([](model::AppSpec& spec) { spec.startup["dpi"] = "x"; }), HasSubstr("startup.dpi"));
  EXPECT_THAT(message([](model::AppSpec& spec) { spec.env["SLIPWAY_APP_TOKEN"] = "x"; }),
              HasSubstr("Slipway's to set"));
  EXPECT_THAT(message([](model::AppSpec& spec) { spec.resources.memory_bytes = 1; }), HasSubstr("memory_bytes"));
  EXPECT_THAT(message([](model::AppSpec& spec) { spec.container_image = "--rm"; }), HasSubstr("container_image"));
}

TEST(RegisterApp, ImageWithoutATag_MeansLatest) {
  RegisterAppRequest request{.name = "jupyter", .spec = examples::app_spec()};
  request.spec.container_image = "jupyter";
  EXPECT_EQ(parse_register_app(encode(request))->spec.container_image, "jupyter:latest");
}

TEST(RegisterApp, ExposedPort_ReadsBackAndIsLeftOutOtherwise) {
  RegisterAppRequest request{.name = "book", .spec = {}};
  request.spec.process = true;
  request.spec.command = {"jupyter"};
  request.spec.ports = {{.name = "web", .port = 15500}};
  EXPECT_THAT(encode(request), testing::Not(HasSubstr("expose")));
  request.spec.ports[0].expose = model::PortExposure::Host;
  const auto again = parse_register_app(encode(request));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(again->spec.ports, request.spec.ports);
}

TEST(SubmitJob, JobOfASession_CannotBeSubmittedByPeople) {
  const auto parsed = parse_submit_job(encode(SubmitJobRequest{.name = "x", .spec = examples::service_spec()}));
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error().message, HasSubstr("service"));
}

TEST(StartSession, Request_KeepsItsGoldenTextAndReadsBack) {
  test::expect_golden("wire/v1/start_session.json", encode(start()));
  const auto again = parse_start_session(encode(start()));
  ASSERT_TRUE(again) << again.error().text();
  EXPECT_EQ(encode(*again), encode(start()));
  EXPECT_TRUE(parse_start_session(R"({"app": "jupyter"})"));
}

TEST(StartSession, EachMistake_IsNamed) {
  const auto message = [](std::string_view body) {
    const auto parsed = parse_start_session(body);
    return parsed ? "accepted" : parsed.error().message;
  };
  EXPECT_THAT(message("{}"), HasSubstr("app"));
  EXPECT_THAT(message(R"({"app": "Jupyter!"})"), HasSubstr("app 'Jupyter!' is no name"));
  EXPECT_THAT(message(R"({"app": "x", "name": "-"})"), HasSubstr("name '-'"));
  EXPECT_THAT(message(R"({"app": "x", "pool": "-"})"), HasSubstr("pool '-'"));
  EXPECT_THAT(message(R"({"app": "x", "longest": 1})"), HasSubstr("did you mean 'longest_ms'?"));
  EXPECT_THAT(message(R"({"app": "x", "longest_ms": -1})"), HasSubstr("longest_ms"));
  EXPECT_THAT(message(R"({"app": "x", "startup": {"wallpaper": "sea"}})"), HasSubstr("startup.wallpaper"));
  EXPECT_THAT(message(R"({"app": "x", "startup": {"dpi": 96}})"), HasSubstr("startup.dpi must be text"));
}

TEST(ExtendSessionAndCreateLink, MayBeEmptyAndReadBack) {
  EXPECT_EQ(parse_extend_session("")->longer, Duration(0));
  EXPECT_EQ(parse_create_link("")->lifetime, Duration(0));
  EXPECT_EQ(parse_extend_session(encode(ExtendSessionRequest{.longer = Duration(5)}))->longer, Duration(5));
  EXPECT_EQ(parse_create_link(encode(CreateLinkRequest{.lifetime = Duration(7)}))->lifetime, Duration(7));
  EXPECT_FALSE(parse_extend_session(R"({"for": "1h"})"));
  EXPECT_FALSE(parse_create_link("[]"));
}

}  // namespace
}  // namespace slipway::wire
