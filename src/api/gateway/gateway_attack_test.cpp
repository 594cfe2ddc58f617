// What other people, other sessions' pages and the session's own app must not be able to do.
#include <gtest/gtest.h>

#include "api/gateway/gateway_test_support.hpp"

namespace slipway::api {
namespace {
using testing::HasSubstr;
using testing::Not;

TEST_F(GatewayTest, AnotherSessionsCookie_OpensNothing) {
  const auto mine = ready();
  const auto other = ready();
  const auto cookie = sign_in(mine);
  EXPECT_EQ(visit(other, "/", {{"Cookie", cookie}}).status, 401);
  // Under the other's name as well: the proof is bound to the session.
  const auto renamed = "slipway-" + other.id + cookie.substr(cookie.find('='));
  EXPECT_EQ(visit(other, "/", {{"Cookie", renamed}}).status, 401);
  EXPECT_EQ(exchange_secret(other, link_to(mine).secret()).status, 401);
  EXPECT_TRUE(app_.seen().empty());
}

TEST_F(GatewayTest, TossedCookie_NeitherLetsInNorPushesOut) {
  const auto mine = ready();
  const auto other = ready();
  const auto cookie = sign_in(mine);
  const auto theirs = sign_in(other);
  const auto tossed = "slipway-" + mine.id + theirs.substr(theirs.find('='));
  EXPECT_EQ(visit(mine, "/", {{"Cookie", tossed}}).status, 401);
  EXPECT_EQ(visit(mine, "/", {{"Cookie", tossed + "; " + cookie}}).status, 200);
  EXPECT_EQ(visit(mine, "/", {{"Cookie", cookie + "; " + tossed}}).status, 200);
  EXPECT_FALSE(app_.last().headers.get("Cookie"));
}

/// A browser that is in both sessions shows a page of `other`, which tries to act on `mine`: the cookie comes along,
/// since both are one site.
TEST_F(GatewayTest, PageOfAnotherSession_CannotActHere) {
  const auto mine = ready();
  const auto other = ready();
  const auto cookie = sign_in(mine);
  struct Attempt {
    const char* what;
    const char* method;
    Fields fields;
  };
  const Attempt attempts[] = {
      {"fetch", "GET", {{"Origin", other.origin}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Mode", "cors"}}},
      {"fetch no-cors", "GET", {{"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Mode", "no-cors"}}},
      {"script", "GET", {{"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Dest", "script"}}},
      {"frame", "GET", {{"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Mode", "navigate"}, {"Sec-Fetch-Dest", "iframe"}}},
      {"form",
       "POST",
       {{"Origin", other.origin},
        {"Sec-Fetch-Site", "same-site"},
        {"Sec-Fetch-Mode", "navigate"},
        {"Sec-Fetch-Dest", "document"}}},
      {"form of a browser without Sec-Fetch", "POST", {{"Origin", other.origin}}},
      {"preflight", "OPTIONS", {{"Origin", other.origin}, {"Access-Control-Request-Method", "PUT"}}},
      {"POST without Origin", "POST", {}},
      {"DELETE of a sandboxed frame", "DELETE", {{"Origin", "null"}}},
  };
  for (const auto& attempt : attempts) {
    for (const char* target : {"/", "/.slipway/extend", "/.slipway/status"}) {
      auto fields = attempt.fields;
      fields.emplace_back("Cookie", cookie);
      EXPECT_EQ(visit(mine, target, fields, attempt.method).status, 403) << attempt.what << " " << target;
    }
  }
  EXPECT_TRUE(app_.seen().empty());
  EXPECT_EQ(visit(mine, "/",
                  {{"Cookie", cookie},
                   {"Sec-Fetch-Site", "same-site"},
                   {"Sec-Fetch-Mode", "navigate"},
                   {"Sec-Fetch-Dest", "document"}})
                .status,
            200)
      << "a link that a person follows";
}

TEST_F(GatewayTest, WebSocketOfAnotherSessionsPage_IsRefused) {
  const auto mine = ready();
  const auto desktop = ready("desk");
  const auto other = ready();
  for (const auto& [session, target] : {std::pair{mine, "/ws"}, std::pair{desktop, "/.slipway/vnc"}}) {
    const auto cookie = sign_in(session);
    for (const auto& fields : {Fields{{"Cookie", cookie}, {"Origin", other.origin}}, Fields{{"Cookie", cookie}},
                               Fields{{"Cookie", cookie}, {"Origin", "null"}}}) {
      net::RawSocket socket(people_port());
      EXPECT_THAT(ask_for_websocket(socket, session, target, fields), HasSubstr(" 403 ")) << target;
    }
    net::RawSocket stranger(people_port());
    EXPECT_THAT(ask_for_websocket(stranger, session, target, {{"Origin", session.origin}}), HasSubstr(" 401 "));
  }
  EXPECT_TRUE(app_.seen().empty());
}

TEST_F(GatewayTest, AnotherSessionsPage_CannotSignSomebodyIn) {
  const auto mine = ready();
  const auto other = ready();
  const auto body = R"({"secret": ")" + link_to(mine).secret() + R"("})";
  EXPECT_EQ(visit(mine, "/.slipway/open", {{"Origin", other.origin}}, "POST", body).status, 403);
  EXPECT_EQ(visit(mine, "/.slipway/open", {}, "POST", body).status, 403);
}

TEST_F(GatewayTest, AppsCookies_StayOnItsHost) {
  const auto session = ready();
  const auto answer = visit(session, "/cookies", {{"Cookie", sign_in(session)}});
  std::vector<std::string> set;
  for (const auto& [name, value] : answer.headers.fields())
    if (name == "Set-Cookie") set.push_back(value);
  EXPECT_EQ(set, std::vector<std::string>{"mine=1; Path=/"});
}

TEST_F(GatewayTest, RevokedLink_EndsWhatCameInByIt) {
  const auto session = ready();
  const auto link = link_to(session);
  const auto kept = sign_in(session);
  const auto cookie = sign_in(session, link);
  EXPECT_EQ(call("DELETE", "/api/v1/sessions/" + session.id + "/links/" + link.id).status, 200);
  EXPECT_EQ(visit(session, "/", {{"Cookie", cookie}}).status, 401);
  EXPECT_EQ(exchange_secret(session, link.secret()).status, 401);
  EXPECT_EQ(visit(session, "/", {{"Cookie", kept}}).status, 200);
}

TEST_F(GatewayTest, ExpiredLink_OpensNothing) {
  const auto session = ready();
  const auto link = link_to(session, R"({"lifetime_ms": 1})");
  const auto made = clock_.now().wall;
  while (clock_.now().wall <= made + std::chrono::milliseconds(1)) std::this_thread::yield();
  const auto refused = exchange_secret(session, link.secret());
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.body, HasSubstr("expired"));
}

TEST_F(GatewayTest, WrongSecrets_AreRefused) {
  const auto session = ready();
  EXPECT_EQ(exchange_secret(session, "slws_wrong").status, 401);
  EXPECT_EQ(exchange_secret(session, "").status, 401);
  for (const char* body : {"", "{}", "slws_x", R"({"secret": 1})"})
    EXPECT_EQ(visit(session, "/.slipway/open", {{"Origin", session.origin}}, "POST", body).status, 400) << body;
  EXPECT_EQ(visit(session, "/.slipway/open", {{"Origin", session.origin}}, "POST", std::string(5000, 'x')).status, 413);
}

TEST_F(GatewayTest, UnknownHosts_AreNotAnswered) {
  auto session = ready();
  const auto port = session.host.substr(session.host.rfind(':'));
  auto unknown = session;
  unknown.host = "ses-00000000000000000000.localhost" + port;
  EXPECT_EQ(visit(unknown, "/").status, 404);
  EXPECT_THAT(visit(unknown, "/", {{"Accept", "text/html"}}).body, HasSubstr("There is no such session"));
  unknown.host = "nothing.localhost" + port;
  EXPECT_EQ(visit(unknown, "/").status, 404);
  EXPECT_EQ(visit(unknown, "/api/v1/whoami", {{"Authorization", "Bearer " + token_}}).status, 404);
  // DNS rebinding: a foreign name that points here is not the API.
  unknown.host = "evil.example" + port;
  EXPECT_EQ(visit(unknown, "/api/v1/whoami", {{"Authorization", "Bearer " + token_}}).status, 421);
  EXPECT_EQ(visit(unknown, "/healthz").status, 421);
  unknown.host = "localhost" + port;
  EXPECT_EQ(visit(unknown, "/api/v1/whoami", {{"Authorization", "Bearer " + token_}}).status, 200);
}

TEST_F(GatewayTest, PathsBelowAssets_LeadNowhereElse) {
  const auto session = ready("desk");
  ASSERT_TRUE(runtime::make_directories(directory_ + "/novnc/core"));
  ASSERT_TRUE(runtime::write_file_durably(directory_ + "/novnc/core/rfb.js", "ok"));
  ASSERT_TRUE(runtime::write_file_durably(directory_ + "/secret.js", "secret"));
  ASSERT_EQ(symlink((directory_ + "/secret.js").c_str(), (directory_ + "/novnc/core/link.js").c_str()), 0);
  ASSERT_EQ(mkdir((directory_ + "/novnc/core/folder.js").c_str(), 0755), 0);
  for (const char* path : {"novnc/../secret.js", "novnc/core/../../secret.js", "novnc/core/%2e%2e/%2e%2e/secret.js",
                           "novnc/core/..%2f..%2fsecret.js", "novnc//etc/passwd", "novnc/%2fetc%2fpasswd",
                           "novnc/core/link.js", "novnc/core/folder.js", "novnc/core", "novnc/", "novnc/vnc.html",
                           "novnc/core/none.js", "../status", "open.html", ""}) {
    const auto answer = visit(session, std::string("/.slipway/assets/") + path);
    EXPECT_EQ(answer.status / 100, 4) << path << " " << answer.body;
    EXPECT_THAT(answer.body, Not(HasSubstr("secret\"")));
  }
  EXPECT_EQ(visit(session, "/.slipway/assets/novnc/core/%00.js").status, 400);
  EXPECT_EQ(visit(session, "/.slipway/assets/novnc/core/rfb.js").status, 200);
  EXPECT_EQ(visit(session, "/.slipway/nothing", {{"Cookie", sign_in(session)}}).status, 404);
}

TEST_F(GatewayTest, Tunnel_IsGoodForOneConnectionOfItsOwnHost) {
  const auto session = ready();
  const auto cookie = sign_in(session);
  // A second host, which is told nothing and tries the first one's tunnel.
  const auto first_credential = credential_;
  const auto second = join();
  const auto second_credential = std::exchange(credential_, first_credential);
  auto attempt = [this](const std::string& tunnel, const std::string& credential) {
    auto ended = std::make_shared<std::promise<Code>>();
    client_.loop.post([this, tunnel, credential, ended] {
      net::connect_upgraded(client_.loop, tunnel_request(tunnel, credential),
                            [ended](const Result<std::unique_ptr<net::RawStream>>& stream) {
                              ended->set_value(stream ? Code::Internal : stream.error().code);
                            });
    });
    return ended->get_future().get();
  };
  std::promise<wire::OpenTunnel> ordered;
  agent_->on_tunnel([&](const wire::OpenTunnel& order) { ordered.set_value(order); });
  auto answer = std::async(std::launch::async, [&] { return visit(session, "/", {{"Cookie", cookie}}); });
  const auto order = ordered.get_future().get();
  EXPECT_EQ(order.tunnel.size(), 32U);
  EXPECT_EQ(order.port, 8888);
  EXPECT_EQ(order.allocation, session.order.allocation);
  EXPECT_EQ(attempt(order.tunnel, second_credential), Code::NotFound);
  EXPECT_EQ(attempt(order.tunnel, "slwc_wrong"), Code::Unauthenticated);
  on_client_loop([&] { open_tunnel(order, app_.port()); });
  EXPECT_EQ(answer.get().status, 200);
  EXPECT_EQ(attempt(order.tunnel, first_credential), Code::NotFound);
}

TEST_F(GatewayTest, Secret_StandsInNoLogLineAndNoAnswer) {
  testing::internal::CaptureStderr();
  const auto session = ready();
  const auto link = link_to(session);
  const auto secret = link.secret();
  const auto cookie = sign_in(session, link);
  const auto value = cookie.substr(cookie.find('=') + 1);
  std::vector<net::Response> answers{exchange_secret(session, secret + "x"),
                                     visit(session, "/.slipway/open"),
                                     visit(session, "/?" + secret),
                                     visit(session, "/", {{"Cookie", cookie}}),
                                     visit(session, "/.slipway/status", {{"Cookie", cookie}}),
                                     call("GET", "/s/" + session.id),
                                     call("GET", "/api/v1/sessions/" + session.id),
                                     call("GET", "/api/v1/sessions/" + session.id + "/links"),
                                     call("GET", "/api/v1/history")};
  for (const auto& answer : answers) {
    std::string all = answer.body;
    for (const auto& [name, text] : answer.headers.fields()) all += name + ": " + text + "\n";
    EXPECT_THAT(all, Not(HasSubstr(secret)));
    EXPECT_THAT(all, Not(HasSubstr(value)));
  }
  const auto log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, Not(HasSubstr(secret)));
  EXPECT_THAT(log, Not(HasSubstr(value)));
  EXPECT_THAT(log, Not(HasSubstr("slws_")));
}

}  // namespace
}  // namespace slipway::api
