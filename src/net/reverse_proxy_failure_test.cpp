#include <gtest/gtest.h>

#include "net/proxy_test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

TEST(ReverseProxyFailure, UpstreamThatBreaksBeforeItsAnswer_LeavesTheExchangeToTheCaller) {
  for (const char* part : {"", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 103 Early Hints\r\n\r\n"}) {
    for (const bool hard : {false, true}) {
      ProxyRig rig;
      RawSocket client = rig.client();
      client.send(get("/", "Connection: close\r\n"));
      RawSocket app = rig.app();
      app.read_until("\r\n\r\n");
      app.send(part);
      hard ? app.reset() : app.close();
      EXPECT_TRUE(client.read_all().contains("gateway: the upstream broke off before its answer")) << part;
      const ProxyEnd end = rig.next_end();
      EXPECT_FALSE(end.answered);
      ASSERT_FALSE(end.result);
      EXPECT_EQ(end.result.error().code, Code::Unreachable);
    }
  }
}

TEST(ReverseProxyFailure, UpstreamThatBreaksInsideItsAnswer_IsSeenByThePeer) {
  for (const char* part : {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
                           "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort"}) {
    ProxyRig rig;
    RawSocket client = rig.client();
    client.send(get("/"));
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send(part);
    EXPECT_TRUE(client.read_until("short").starts_with("HTTP/1.1 200 OK\r\n"));
    app.close();
    EXPECT_FALSE(client.read_all().contains("0\r\n\r\n")) << part;
    const ProxyEnd end = rig.next_end();
    EXPECT_TRUE(end.answered);
    ASSERT_FALSE(end.result);
    EXPECT_EQ(end.result.error().code, Code::Unreachable);
  }
}

TEST(ReverseProxyFailure, ChunksThatAreNone_BreakTheAnswerOff) {
  for (const std::string& chunk : {std::string("zz\r\n"), "5;" + std::string(70 << 10, 'e')}) {
    ProxyRig rig;
    RawSocket client = rig.client();
    client.send(get("/"));
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n" + chunk);
    EXPECT_FALSE(client.read_all().contains("0\r\n\r\n"));
    EXPECT_FALSE(rig.next_end().result);
  }
}

TEST(ReverseProxyFailure, BadHeads_AreErrorsBeforeAnythingIsSent) {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  const std::vector<std::string> heads{
      "SSH-2.0-OpenSSH\r\n\r\n",
      "HTTP/2.0 200 OK\r\n\r\n",
      "HTTP/1.1 20 OK\r\n\r\n",
      "HTTP/1.1 099 OK\r\n\r\n",
      ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
      ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\nok",
      ok + "Content-Length: 2, 2\r\n\r\nok",
      ok + "Content-Length: -2\r\n\r\nok",
      ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ok + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
      ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      ok + "no colon\r\n\r\n",
      ok + "Bad Name: x\r\n\r\n",
      ok + "X-Nul: a" + std::string(1, '\0') + "b\r\n\r\n",
      ok + "X-Big: " + std::string(40 << 10, 'b') + "\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"};
  for (const std::string& head : heads) {
    ProxyRig rig;
    RawSocket client = rig.client();
    client.send(get("/", "Connection: close\r\n"));
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send(head);
    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 502 ")) << head.substr(0, 200);
    const ProxyEnd end = rig.next_end();
    EXPECT_FALSE(end.answered);
    EXPECT_FALSE(end.result);
    EXPECT_TRUE(app.ended_within(10s));
  }
}

TEST(ReverseProxyFailure, InterimAnswersWithoutEnd_AreAnError) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(get("/", "Connection: close\r\n"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  for (int i = 0; i < 20; ++i) app.send("HTTP/1.1 103 Early Hints\r\n\r\n");
  EXPECT_TRUE(client.read_all().contains("too many interim answers"));
}

TEST(ReverseProxyFailure, UpgradeToSomethingElse_IsAnError) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(get("/", "Connection: Upgrade, close\r\nUpgrade: websocket\r\n"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  app.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 502 "));
}

TEST(ReverseProxyFailure, UpstreamThatEndedOrSpokeWhileItWaited_IsNotAsked) {
  for (const char* unasked : {"", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}) {
    ProxyRig rig;
    rig.keep_upstreams();
    RawSocket client = rig.client();
    client.send(get("/"));
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    client.read_until("ok");
    EXPECT_TRUE(rig.next_end().result);
    EXPECT_TRUE(rig.has_kept());
    app.send(unasked);
    if (*unasked == '\0') app.close_sending();
    client.send(get("/next", "Connection: close\r\n"));
    EXPECT_TRUE(client.read_all().contains("had ended before it was used"));
    EXPECT_FALSE(rig.next_end().answered);
    EXPECT_EQ(app.read_all(), "");
  }
}

TEST(ReverseProxyFailure, SilentApp_IsATimeoutAndAnUploadThatMovesIsNot) {
  ProxyRig rig(200ms);
  RawSocket client = rig.client();
  client.send(post("Content-Length: 100\r\nConnection: close\r\n"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(app.ended_within(100ms));
    client.send("x");
    EXPECT_EQ(app.read_exactly(1), "x");
  }
  EXPECT_TRUE(client.read_all().contains("gateway: no answer within"));
  const ProxyEnd end = rig.next_end();
  ASSERT_FALSE(end.result);
  EXPECT_EQ(end.result.error().code, Code::Timeout);
}

TEST(ReverseProxyFailure, AnswerThatHasBegun_MayPauseLongerThanTheTimeout) {
  ProxyRig rig(50ms);
  RawSocket client = rig.client();
  client.send(get("/"));
  RawSocket app = rig.app();
  app.read_until("\r\n\r\n");
  app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
  client.read_until("\r\n\r\no");
  EXPECT_FALSE(client.ended_within(200ms));
  app.send("k");
  EXPECT_EQ(client.read_exactly(1), "k");
}

TEST(ReverseProxyFailure, PeerThatLeaves_ClosesTheUpstream) {
  enum class Stage { BeforeAnswer, InsideAnswer, InsideBody, BeforeUpgrade };
  for (const Stage stage : {Stage::BeforeAnswer, Stage::InsideAnswer, Stage::InsideBody, Stage::BeforeUpgrade}) {
    for (const int how : {0, 1, 2}) {
      ProxyRig rig;
      RawSocket client = rig.client();
      const char* upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
      if (stage == Stage::InsideBody) client.send(post("Content-Length: 9\r\n") + "abc");
      if (stage != Stage::InsideBody) client.send(get("/", stage == Stage::BeforeUpgrade ? upgrade : ""));
      RawSocket app = rig.app();
      app.read_until(stage == Stage::InsideBody ? "abc" : "\r\n\r\n");
      if (stage == Stage::InsideAnswer) {
        app.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
        client.read_until("abc");
      }
      if (how == 0) client.close();
      if (how == 1) client.reset();
      if (how == 2) client.close_sending();
      EXPECT_TRUE(app.ended_within(10s)) << static_cast<int>(stage) << how;
      const ProxyEnd end = rig.next_end();
      ASSERT_FALSE(end.result);
      EXPECT_EQ(end.result.error().code, Code::Cancelled);
    }
  }
}

TEST(ReverseProxyFailure, MalformedBody_IsThePeersFault) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(post("Transfer-Encoding: chunked\r\n") + "3\r\nabc\r\nzz\r\n");
  RawSocket app = rig.app();
  EXPECT_TRUE(app.read_all().ends_with("3\r\nabc\r\n"));
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 502 "));
  const ProxyEnd end = rig.next_end();
  ASSERT_FALSE(end.result);
  EXPECT_EQ(end.result.error().code, Code::InvalidInput);
}

TEST(ReverseProxyFailure, AnswerInTheMiddleOfAnUpload_ReachesThePeer) {
  for (const bool leaves : {false, true}) {
    ProxyRig rig;
    rig.keep_upstreams();
    RawSocket client = rig.client();
    std::thread uploading([&] {
      client.send(post(fmt::format("Content-Length: {}\r\n", 64 << 20)));
      client.send_until_held(64 << 20, 10s);
    });
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig");
    if (leaves) app.close_sending();
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nbig"));
    uploading.join();
    EXPECT_FALSE(rig.has_kept());
  }
}

TEST(ReverseProxyFailure, Cancel_EndsBothConnectionsOnce) {
  const char* upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
  for (const std::string& answer : {std::string(), std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
                                    fmt::format("HTTP/1.1 101 Switching Protocols\r\n{}\r\nabc", upgrade)}) {
    ProxyRig rig;
    RawSocket client = rig.client();
    client.send(get("/", upgrade));
    RawSocket app = rig.app();
    app.read_head();
    app.send(answer);
    if (!answer.empty()) client.read_until("abc");
    rig.cancel();
    rig.cancel();
    EXPECT_TRUE(app.ended_within(10s));
    const ProxyEnd end = rig.next_end();
    ASSERT_FALSE(end.result);
    EXPECT_EQ(end.result.error().code, Code::Cancelled);
    EXPECT_EQ(end.answered, !answer.empty());
    if (answer.empty()) EXPECT_TRUE(client.read_until("outside").starts_with("HTTP/1.1 502 "));
    if (!answer.empty()) EXPECT_TRUE(client.ended_within(10s));
    EXPECT_TRUE(rig.nothing_ended());
  }
}

TEST(ReverseProxyFailure, ServerDestroyedWhileProxying_IsSafe) {
  for (const bool upgraded : {false, true}) {
    ProxyRig rig;
    RawSocket client = rig.client();
    client.send(get("/", upgraded ? "Connection: Upgrade\r\nUpgrade: websocket\r\n" : ""));
    RawSocket app = rig.app();
    app.read_until("\r\n\r\n");
    app.send(upgraded ? "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nabc"
                      : "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    client.read_until("abc");
    rig.front().reset();
    EXPECT_TRUE(client.ended_within(10s));
    app.send("more");
    EXPECT_TRUE(!upgraded || app.ended_within(10s));
  }
}

}  // namespace
}  // namespace slipway::net
