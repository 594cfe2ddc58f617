#include "net/reverse_proxy.hpp"

#include <gtest/gtest.h>

#include "net/proxy_test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

TEST(ReverseProxy, RequestAndAnswer_LoseWhatBelongsToOneConnection) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(get("/a%20b?c=d",
                  "Connection: X-Hop, keep-alive, host\r\nX-Hop: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\n"
                  "Proxy-Connection: x\r\nX-Stays: 2\r\nCookie: a=b\r\n"));
  RawSocket app = rig.app();
  EXPECT_EQ(
      app.read_until("\r\n\r\n"),
      "GET /a%20b?c=d HTTP/1.1\r\nHost: session.localhost\r\nX-Stays: 2\r\nCookie: a=b\r\nX-Gateway: here\r\n\r\n");
  app.send(
      "HTTP/1.1 200 OK\r\nConnection: X-Private\r\nX-Private: 1\r\nKeep-Alive: timeout=5\r\nX-Public: 2\r\n"
      "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(client.read_until("\r\n\r\nok"),
            "HTTP/1.1 200 OK\r\nX-Public: 2\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Edited: 200\r\n"
            "Content-Length: 2\r\n\r\nok");
  const ProxyEnd end = rig.next_end();
  EXPECT_TRUE(end.result && end.answered && !end.upgraded);
  EXPECT_EQ(end.status, 200);
  EXPECT_EQ(end.response_bytes, 2U);
}

TEST(ReverseProxy, AnswersWithoutBody_KeepTheirLengthAndTheConnection) {
  struct Case {
    const char* method;
    const char* answer;
    const char* expected;
  };
  const std::vector<Case> cases{
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 1234567\r\n\r\n",
       "HTTP/1.1 200 OK\r\nX-Edited: 200\r\nContent-Length: 1234567\r\n\r\n"},
      {"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Edited: 200\r\n\r\n"},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 204 No Content\r\nX-Edited: 204\r\n\r\n"},
      {"GET", "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 99\r\n\r\n",
       "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nX-Edited: 304\r\nContent-Length: 99\r\n\r\n"},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
       "HTTP/1.1 200 OK\r\nX-Edited: 200\r\nContent-Length: 0\r\n\r\n"},
      {"GET", "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nContent-Length: 2\r\n\r\nab",
       "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\nX-Edited: 206\r\nContent-Length: 2\r\n\r\nab"}};
  ProxyRig rig;
  rig.keep_upstreams();
  RawSocket client = rig.client();
  std::optional<RawSocket> app;
  for (const Case& one : cases) {
    client.send(fmt::format("{} / HTTP/1.1\r\nHost: x\r\n\r\n", one.method));
    if (!app) app.emplace(rig.app());
    EXPECT_TRUE(app->read_until("\r\n\r\n").starts_with(one.method));
    app->send(one.answer);
    EXPECT_EQ(client.read_exactly(std::string_view(one.expected).size()), one.expected);
    EXPECT_TRUE(rig.next_end().result);
  }
}

TEST(ReverseProxy, ServerSentEvents_ArriveOneByOne) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(get("/events"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  app.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").contains("Transfer-Encoding: chunked\r\n"));
  for (const char* event : {"data: 1\n\n", "data: 2\n\n", "data: 3\n\n"}) {
    app.send(fmt::format("9\r\n{}\r\n", event));
    EXPECT_EQ(client.read_until("\n\n\r\n"), fmt::format("9\r\n{}\r\n", event));
  }
  EXPECT_TRUE(rig.nothing_ended());
  app.send("0\r\n\r\n");
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "0\r\n\r\n");
}

TEST(ReverseProxy, AnswerThatEndsWithItsConnection_IsSentChunked) {
  ProxyRig rig;
  rig.keep_upstreams();
  RawSocket client = rig.client();
  client.send(get("/"));
  {
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send("HTTP/1.0 200 OK\r\n\r\nuntil the end");
  }
  EXPECT_TRUE(client.read_until("0\r\n\r\n").contains("Transfer-Encoding: chunked\r\n\r\n"));
  EXPECT_TRUE(rig.next_end().result);
  EXPECT_FALSE(rig.has_kept());
}

TEST(ReverseProxy, PeerOfHttp10_GetsTheBodyWithoutChunks) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send("GET / HTTP/1.0\r\nHost: x\r\n\r\n");
  RawSocket app = rig.app();
  EXPECT_TRUE(app.read_until("\r\n\r\n").starts_with("GET / HTTP/1.1\r\n"));
  app.send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n");
  EXPECT_EQ(client.read_all(), "HTTP/1.1 200 OK\r\nX-Edited: 200\r\nConnection: close\r\n\r\nok");
}

TEST(ReverseProxy, InterimAnswers_ArePassedOn) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(get("/"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  app.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n");
  app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST(ReverseProxy, ExpectedGoAhead_ComesFromTheApp) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\n"));
  RawSocket app = rig.app();
  EXPECT_TRUE(app.read_until("\r\n\r\n").ends_with("Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"));
  app.send("HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(app.read_exactly(4), "body");
  app.send("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 201 Created\r\n"));
  EXPECT_EQ(rig.next_end().request_bytes, 4U);
}

TEST(ReverseProxy, ExpectedGoAheadThatIsRefused_NeverAsksForTheBody) {
  ProxyRig rig;
  rig.keep_upstreams();
  RawSocket client = rig.client();
  client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\n"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  app.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
  EXPECT_TRUE(answer.contains("Connection: close\r\n"));
  EXPECT_TRUE(rig.next_end().result);
  EXPECT_FALSE(rig.has_kept());  // the app still waits for four bytes
}

TEST(ReverseProxy, AppThatNeverGivesTheGoAhead_GetsTheBodyAfterASecond) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(post("Content-Length: 4\r\nExpect: 100-continue\r\n"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_EQ(app.read_exactly(4), "body");
}

TEST(ReverseProxy, ChunkedBody_StaysChunkedWithoutItsTrailers) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(post("Transfer-Encoding: chunked\r\nTrailer: X-T\r\n"));
  RawSocket app = rig.app();
  EXPECT_TRUE(app.read_until("\r\n\r\n").ends_with("X-Gateway: here\r\nTransfer-Encoding: chunked\r\n\r\n"));
  client.send("3;ext=1\r\nabc\r\n");
  EXPECT_EQ(app.read_until("abc\r\n"), "3\r\nabc\r\n");
  client.send("0\r\nX-T: 1\r\n\r\n");
  EXPECT_EQ(app.read_until("0\r\n\r\n"), "0\r\n\r\n");
  app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(client.read_until("ok").ends_with("\r\n\r\nok"));
}

TEST(ReverseProxy, FinishedUpstream_ServesTheNextRequest) {
  ProxyRig rig;
  rig.keep_upstreams();
  RawSocket client = rig.client();
  std::optional<RawSocket> app;
  for (int i = 0; i < 20; ++i) {
    client.send(i % 2 == 0 ? get("/") : post("Content-Length: 3\r\n") + "abc");
    if (!app) app.emplace(rig.app());
    app->read_until(i % 2 == 0 ? "\r\n\r\n" : "abc");
    app->send(i % 3 == 0 ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
                         : "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client.read_until(i % 3 == 0 ? "0\r\n\r\n" : "ok");
    EXPECT_TRUE(rig.next_end().result);
  }
}

TEST(ReverseProxy, UpstreamThatIsNotClean_IsNotUsedAgain) {
  ProxyRig rig;
  rig.keep_upstreams();
  for (const char* answer :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}) {
    RawSocket client = rig.client();
    client.send(get("/", "Connection: close\r\n"));
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send(answer);
    EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nok"));
    EXPECT_TRUE(rig.next_end().result);
    EXPECT_FALSE(rig.has_kept()) << answer;
    EXPECT_TRUE(app.ended_within(10s));
  }
}

TEST(ReverseProxy, Upgrade_CarriesBytesThatCameEarly) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(get("/ws", "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n") +
              "early");
  RawSocket app = rig.app();
  const std::string head = app.read_until("\r\n\r\n");
  EXPECT_TRUE(head.contains("Sec-WebSocket-Key: k\r\n")) << head;
  EXPECT_TRUE(head.ends_with("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")) << head;
  app.send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
      "a\r\n\r\nfirst");
  EXPECT_EQ(client.read_until("first"),
            "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: a\r\nX-Edited: 101\r\nConnection: "
            "Upgrade\r\nUpgrade: websocket\r\n\r\nfirst");
  EXPECT_EQ(app.read_exactly(5), "early");
  client.send("more");
  EXPECT_EQ(app.read_exactly(4), "more");
  app.send("bye");
  app.close();
  EXPECT_EQ(client.read_all(), "bye");
  client.close();
  const ProxyEnd end = rig.next_end();
  EXPECT_TRUE(end.result && end.answered && end.upgraded);
  EXPECT_EQ(end.status, 101);
  EXPECT_EQ(end.request_bytes, 9U);
  EXPECT_EQ(end.response_bytes, 8U);
}

TEST(ReverseProxy, UpgradeThatTheAppRefuses_IsAnOrdinaryAnswer) {
  ProxyRig rig;
  rig.keep_upstreams();
  RawSocket client = rig.client();
  client.send(get("/ws", "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  app.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
  EXPECT_TRUE(client.read_until("\r\n\r\nno").starts_with("HTTP/1.1 403 Forbidden\r\n"));
  EXPECT_TRUE(rig.next_end().result);
  client.send(get("/next"));
  EXPECT_TRUE(app.read_until("\r\n\r\n").starts_with("GET /next HTTP/1.1\r\n"));
}

TEST(ReverseProxy, UpgradeWithABody_IsNoUpgrade) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(post("Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n") + "abc");
  RawSocket app = rig.app();
  EXPECT_FALSE(app.read_until("abc").contains("Upgrade"));
  app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_TRUE(client.read_until("ok").starts_with("HTTP/1.1 200 OK\r\n"));
}

}  // namespace
}  // namespace slipway::net
