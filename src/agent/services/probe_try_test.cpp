#include "agent/services/probe_try.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/testing/private_network.hpp"
#include "agent/testing/support.hpp"

namespace slipway::agent {
namespace {

model::ServiceSpec service_with(std::vector<model::AppPort> ports, model::Probe probe = {}) {
  model::ServiceSpec service;
  service.ports = std::move(ports);
  service.probe = std::move(probe);
  return service;
}

TEST(Probe, Target_IsTheNamedPortOrTheFirst) {
  const std::vector<model::AppPort> ports{{.name = "web", .port = 8888, .kind = model::PortKind::Http},
                                          {.name = "screen", .port = 5901, .kind = model::PortKind::Vnc}};
  EXPECT_EQ(probe_target(service_with(ports))->port, 8888);
  EXPECT_TRUE(probe_target(service_with(ports))->http);
  const auto screen = probe_target(service_with(ports, {.port = "screen"}));
  EXPECT_EQ(screen->port, 5901);
  EXPECT_FALSE(screen->http);
  EXPECT_EQ(probe_target(service_with(ports, {.port = "none"})).error().code, Code::NotFound);
  for (const char* path : {"api", "/a b", "/a\r\nX: y"}) {
    EXPECT_EQ(probe_target(service_with(ports, {.path = path})).error().code, Code::InvalidInput) << path;
  }
}

TEST(Probe, StatusLines_AreReadStrictly) {
  EXPECT_EQ(*parse_status_line("HTTP/1.1 200 OK\r\n"), 200);
  EXPECT_EQ(*parse_status_line("HTTP/1.0 503\r\n"), 503);
  for (const char* line :
       {"", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 2", "HTTP/1.1 abc", "HTTP/1.1 -10", "RFB 003.008\n"}) {
    EXPECT_FALSE(parse_status_line(line)) << line;
  }
}

struct ProbeTry : testing::Test {
  void SetUp() override {
    if (getuid() != 0) GTEST_SKIP() << "entering a network needs root";
    network = *NetworkNamespace::of_process(getpid());
  }
  std::shared_ptr<const NetworkNamespace> network;

  Result<void> ask(int port, bool http = true, Duration timeout = std::chrono::seconds(20)) {
    return try_probe(*network, {.port = port, .http = http, .path = "/api"}, timeout, {});
  }
  Result<void> ask(const std::string& answer) {
    const FixedServer server(answer);
    return ask(server.port());
  }
};

TEST_F(ProbeTry, AnyStatusBelow500_IsAnAnswer) {
  for (const int status : {200, 302, 401, 403, 404, 499}) {
    EXPECT_TRUE(ask(fmt::format("HTTP/1.1 {} X\r\nContent-Length: 0\r\n\r\n", status))) << status;
  }
  const auto unavailable = ask("HTTP/1.1 503 X\r\n\r\n");
  ASSERT_FALSE(unavailable);
  EXPECT_THAT(unavailable.error().text(), testing::HasSubstr("asked for /api, answers with status 503"));
}

TEST_F(ProbeTry, OtherProtocol_IsNoAnswer) {
  EXPECT_THAT(ask("RFB 003.008\n").error().text(), testing::HasSubstr("not HTTP"));
  EXPECT_THAT(ask("").error().text(), testing::HasSubstr("closed the connection without an answer"));
  EXPECT_FALSE(ask(std::string(100'000, 'x'))) << "a line without an end is not read for ever";
}

TEST_F(ProbeTry, OpenConnection_IsAnswerEnoughForOtherPorts) {
  int port = 0;
  const runtime::Fd listener = listen_on_loopback(port);
  EXPECT_TRUE(ask(port, false));
}

TEST_F(ProbeTry, ServerThatSaysNothing_IsGivenUpAfterTheTime) {
  int port = 0;
  const runtime::Fd listener = listen_on_loopback(port);
  const auto silent = ask(port, true, Duration(200));
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, Code::Timeout);
  EXPECT_THAT(silent.error().text(), testing::HasSubstr("does not answer within"));
}

TEST_F(ProbeTry, NobodyListens_SaysSo) {
  int port = 0;
  listen_on_loopback(port).reset();
  EXPECT_EQ(ask(port).error().text(), fmt::format("nothing listens on port {}", port));
}

}  // namespace
}  // namespace slipway::agent
