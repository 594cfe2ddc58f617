// The gateway's whole path: link → cookie → page of the app, and what comes before and after.
#include "api/gateway/gateway.hpp"

#include <future>

#include "api/gateway/gateway_test_support.hpp"

namespace slipway::api {
namespace {
using testing::HasSubstr;
using testing::Not;

const std::pair<std::string, std::string> kForPeople{"Accept", "text/html"};

TEST_F(GatewayTest, Link_OpensTheAppsPage) {
  const auto session = ready();
  const auto link = link_to(session);
  EXPECT_TRUE(link.url.starts_with(session.origin + "/.slipway/open#slws_")) << link.url;
  const auto page = visit(session, "/.slipway/open");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("/.slipway/assets/open.js"));
  EXPECT_EQ(visit(session, "/.slipway/assets/open.js").status, 200);

  const auto cookie = sign_in(session, link);
  const auto answer = visit(session, "/lab?x=1", {{"Cookie", "mine=2; " + cookie}});
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body, "the app says hello");
  EXPECT_EQ(answer.headers.get("Referrer-Policy"), "same-origin");

  const auto seen = app_.last();
  EXPECT_EQ(seen.target, "/lab?x=1");
  EXPECT_EQ(seen.headers.get("Host"), session.host);
  EXPECT_EQ(seen.headers.get("Cookie"), "mine=2");
  EXPECT_EQ(seen.headers.get("X-Forwarded-For"), "127.0.0.1");
  EXPECT_EQ(seen.headers.get("X-Forwarded-Proto"), "http");
  const auto proof = seen.headers.get("Authorization");
  ASSERT_TRUE(proof);
  EXPECT_EQ(*proof, "token " + session.order.spec.service->app_token);
  EXPECT_GT(proof->size(), 20U);
}

TEST_F(GatewayTest, WithoutLink_ItIsSaidHowToComeIn) {
  const auto session = ready();
  const auto page = visit(session, "/", {kForPeople});
  EXPECT_EQ(page.status, 401);
  EXPECT_THAT(page.body, HasSubstr("Open your personal link"));
  const auto document = visit(session, "/");
  EXPECT_EQ(document.status, 401);
  EXPECT_EQ(document.headers.get("Content-Type"), "application/problem+json");
  EXPECT_TRUE(app_.seen().empty());
}

TEST_F(GatewayTest, ApiToken_LetsInAndIsStripped) {
  const auto session = ready();
  const auto answer = visit(session, "/", {{"Authorization", "Bearer " + token_}});
  EXPECT_EQ(answer.status, 200);
  for (const auto& [name, value] : app_.last().headers.fields()) EXPECT_THAT(value, Not(HasSubstr("slwt"))) << name;
  EXPECT_EQ(visit(session, "/", {{"Authorization", "Bearer " + token_}}, "POST").status, 200);
  EXPECT_EQ(visit(session, "/", {{"Authorization", "Bearer slwt_wrong"}}).status, 401);
}

TEST_F(GatewayTest, WebSocket_ReachesTheApp_AndEndsWithItsLink) {
  const auto session = ready();
  const auto link = link_to(session);
  const auto cookie = sign_in(session, link);
  net::RawSocket socket(people_port());
  EXPECT_THAT(ask_for_websocket(socket, session, "/ws", {{"Cookie", cookie}, {"Origin", session.origin}}),
              HasSubstr(" 101 "));
  socket.send(frame(1, "hello"));
  EXPECT_THAT(socket.read_until("echo hello"), HasSubstr("echo hello"));
  EXPECT_EQ(call("DELETE", "/api/v1/sessions/" + session.id + "/links/" + link.id).status, 200);
  EXPECT_TRUE(socket.ended_within(kPatience));
}

TEST_F(GatewayTest, Events_ArriveWhileTheAnswerGoesOn) {
  const auto session = ready();
  const auto cookie = sign_in(session);
  net::RawSocket socket(people_port());
  socket.send("GET /events HTTP/1.1\r\nHost: " + session.host + "\r\nCookie: " + cookie + "\r\n\r\n");
  EXPECT_THAT(socket.read_until("data: one"), HasSubstr("text/event-stream"));
  app_.end_events();
  EXPECT_THAT(socket.read_until("0\r\n\r\n"), HasSubstr("0\r\n\r\n"));
}

TEST_F(GatewayTest, Upload_PassesThrough) {
  const auto session = ready();
  const auto cookie = sign_in(session);
  constexpr std::size_t kBytes = 48 << 20;
  const auto answer =
      visit(session, "/upload", {{"Cookie", cookie}, {"Origin", session.origin}}, "POST", std::string(kBytes, 'x'));
  EXPECT_EQ(answer.body, fmt::format("{}", kBytes));
}

TEST_F(GatewayTest, Download_PassesThrough) {
  const auto session = ready();
  EXPECT_EQ(visit(session, "/download", {{"Cookie", sign_in(session)}}).body.size(), LittleApp::kDownloadBytes);
}

TEST_F(GatewayTest, IdleTunnel_IsUsedAgain_AndReplacedWhenTheAppClosedIt) {
  const auto session = ready();
  const auto cookie = sign_in(session);
  EXPECT_EQ(visit(session, "/", {{"Cookie", cookie}}).status, 200);
  EXPECT_EQ(visit(session, "/", {{"Cookie", cookie}}).status, 200);
  EXPECT_EQ(tunnels_, 1);
  on_client_loop([this] { splices_.clear(); });
  EXPECT_EQ(visit(session, "/", {{"Cookie", cookie}}).status, 200);
  EXPECT_EQ(tunnels_, 2);
}

TEST_F(GatewayTest, AppThatCannotBeReached_IsSaid) {
  const auto session = ready();
  agent_->on_tunnel([this](const wire::OpenTunnel& order) {
    agent_->say(wire::TunnelRefused{.tunnel = order.tunnel, .reason = "connection refused"});
  });
  const auto answer = visit(session, "/", {{"Cookie", sign_in(session)}});
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("connection refused"));
}

TEST_F(GatewayTest, LostAgent_FailsWhatWaitsForIt) {
  const auto session = ready();
  const auto cookie = sign_in(session);
  std::promise<void> asked;
  agent_->on_tunnel([&](const wire::OpenTunnel&) { asked.set_value(); });
  auto answer = std::async(std::launch::async, [&] { return visit(session, "/", {{"Cookie", cookie}}); });
  asked.get_future().wait();
  agent_.reset();
  EXPECT_EQ(answer.get().status, 503);
}

TEST_F(GatewayTest, NotReadyYet_ShowsHowFarItIs) {
  auto session = start("web");
  const auto cookie = sign_in(session);
  const auto page = visit(session, "/lab", {{"Cookie", cookie}, kForPeople});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("not ready yet"));
  const auto other = visit(session, "/api/kernels", {{"Cookie", cookie}});
  EXPECT_EQ(other.status, 503);
  EXPECT_EQ(other.headers.get("Retry-After"), "1");
  auto status = json(visit(session, "/.slipway/status", {{"Cookie", cookie}}));
  EXPECT_FALSE(status.at("ready").as_bool());
  EXPECT_TRUE(status.at("phases").as_array()[3].at("at").is_null());
  become_ready(session);
  status = json(visit(session, "/.slipway/status", {{"Cookie", cookie}}));
  EXPECT_TRUE(status.at("ready").as_bool());
  EXPECT_FALSE(status.at("phases").as_array()[3].at("at").is_null());
  EXPECT_EQ(visit(session, "/lab", {{"Cookie", cookie}, kForPeople}).body, "the app says hello");
}

TEST_F(GatewayTest, EndedSession_SaysSo_ToWhoWasInIt) {
  const auto session = start("web");
  const auto cookie = sign_in(session);
  call("POST", "/api/v1/sessions/" + session.id + "/stop");
  const auto order = agent_->expect<wire::StartAllocation>();
  agent_->say(wire::AllocationReport{.allocation = order.allocation,
                                     .epoch = order.epoch,
                                     .state = model::AllocationState::Stopped,
                                     .reason = "stopped",
                                     .stdout_bytes = 0,
                                     .stderr_bytes = 0});
  wait_for_state(session, "ENDED");
  const auto page = visit(session, "/", {{"Cookie", cookie}, kForPeople});
  EXPECT_EQ(page.status, 410);
  EXPECT_THAT(page.body, HasSubstr("has ended"));
  EXPECT_TRUE(json(visit(session, "/.slipway/status", {{"Cookie", cookie}})).at("ended").as_bool());
  EXPECT_EQ(visit(session, "/", {kForPeople}).status, 401) << "a stranger learns nothing";
}

TEST_F(GatewayTest, Extend_IsOneClick) {
  const auto session = ready();
  const auto cookie = sign_in(session);
  EXPECT_EQ(visit(session, "/.slipway/extend", {{"Cookie", cookie}, {"Origin", session.origin}}, "POST").status, 204);
  EXPECT_EQ(
      visit(session, "/.slipway/extend", {{"Cookie", cookie}, {"Origin", session.origin}}, "POST", R"({"for": "30m"})")
          .status,
      204);
  EXPECT_FALSE(json(visit(session, "/.slipway/status", {{"Cookie", cookie}})).at("ends_at").is_null());
  EXPECT_EQ(visit(session, "/.slipway/extend", {{"Cookie", cookie}}, "POST").status, 403);
  EXPECT_EQ(visit(session, "/.slipway/extend", {{"Origin", session.origin}}, "POST").status, 401);
}

TEST_F(GatewayTest, Desktop_IsShownInOurPage) {
  const auto session = ready("desk");
  const auto cookie = sign_in(session);
  EXPECT_THAT(visit(session, "/", {{"Cookie", cookie}, kForPeople}).body, HasSubstr("noVNC is not installed"));
  ASSERT_TRUE(runtime::make_directories(directory_ + "/novnc/core"));
  ASSERT_TRUE(runtime::write_file_durably(directory_ + "/novnc/core/rfb.js", "export default 1;"));
  const auto page = visit(session, "/", {{"Cookie", cookie}, kForPeople});
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.body, HasSubstr("/.slipway/assets/desktop.js"));
  EXPECT_EQ(visit(session, "/.slipway/assets/novnc/core/rfb.js").body, "export default 1;");
  EXPECT_EQ(visit(session, "/.slipway/ping").status, 204);
}

TEST_F(GatewayTest, Desktop_BytesGoBothWays) {
  // The app's HTTP server stands in for a VNC server: what matters is that bytes pass as they are.
  const auto session = ready("desk");
  const auto cookie = sign_in(session);
  net::RawSocket socket(people_port());
  EXPECT_THAT(ask_for_websocket(socket, session, "/.slipway/vnc", {{"Cookie", cookie}, {"Origin", session.origin}}),
              HasSubstr(" 101 "));
  socket.send(frame(2, "GET /vnc HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_THAT(socket.read_until("the app says hello"), HasSubstr("200"));
  socket.send(frame(2, "GET /download HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_GT(socket.read_until("\x88").size(), LittleApp::kDownloadBytes);
}

TEST_F(GatewayTest, Desktop_EndsWithItsLink) {
  const auto session = ready("desk");
  const auto link = link_to(session);
  const auto cookie = sign_in(session, link);
  net::RawSocket socket(people_port());
  EXPECT_THAT(ask_for_websocket(socket, session, "/.slipway/vnc", {{"Cookie", cookie}, {"Origin", session.origin}}),
              HasSubstr(" 101 "));
  EXPECT_EQ(call("DELETE", "/api/v1/sessions/" + session.id + "/links/" + link.id).status, 200);
  EXPECT_THAT(socket.read_until("\x88"), HasSubstr("\x88")) << "a WebSocket's close frame";
}

TEST_F(GatewayTest, ShortAddress_LeadsToTheSessionsOrigin) {
  const auto session = start("web");
  const auto answer = call("GET", "/s/" + session.id);
  EXPECT_EQ(answer.status, 302);
  EXPECT_EQ(answer.headers.get("Location"), session.origin + "/");
  EXPECT_EQ(call("GET", "/s/nothing").status, 404);
  EXPECT_EQ(call("GET", "/s/" + session.id + "/more").status, 404);
}

}  // namespace
}  // namespace slipway::api
