#include "net/websocket.hpp"

#include <gtest/gtest.h>

#include "net/test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

/// One end of a connection: keeps it and what it received. Used on the loop's thread; `closed` is for the test's.
struct End {
  std::shared_ptr<WebSocket> socket;
  std::vector<std::pair<std::string, bool>> messages;
  std::promise<std::string> closed;
  std::function<void(std::string_view, bool)> react;

  void take(std::shared_ptr<WebSocket> opened) {
    socket = std::move(opened);
    socket->on_message([this](std::string_view message, bool binary) {
      messages.emplace_back(message, binary);
      if (react) react(message, binary);
    });
    socket->on_closed([this](const std::string& why) { closed.set_value(why); });
  }
  std::string wait_closed() {
    auto future = closed.get_future();
    if (future.wait_for(20s) != std::future_status::ready) return "still open";
    return future.get();
  }
};

/// A server whose WebSockets are handed to `accepted`.
class WebSocketServer {
 public:
  explicit WebSocketServer(std::function<void(std::shared_ptr<WebSocket>)> accepted, WebSocketOptions options = {},
                           ListenOptions listen = {})
      : server_(
            [accepted = std::move(accepted), options](std::shared_ptr<Exchange> exchange) {
              if (exchange->head().target == "/denied") return exchange->respond(text_response("no entry", 403));
              if (exchange->head().target == "/never") return exchange->on_gone([exchange] {});
              exchange->accept_websocket(options, [accepted](Result<std::shared_ptr<WebSocket>> socket) {
                if (socket) accepted(std::move(*socket));
              });
            },
            std::move(listen)) {}
  Result<std::shared_ptr<WebSocket>> connect(End* end, WebSocketTarget target = {}, WebSocketOptions options = {}) {
    std::promise<Result<std::shared_ptr<WebSocket>>> promise;
    if (target.host.empty()) target.host = "127.0.0.1";
    target.port = server_.port();
    server_.loop().post([&] {
      connect_websocket(server_.loop(), target, options, [&](Result<std::shared_ptr<WebSocket>> socket) {
        if (socket && end != nullptr) end->take(*socket);
        promise.set_value(std::move(socket));
      });
    });
    return promise.get_future().get();
  }
  TestServer& operator*() { return server_; }
  TestServer* operator->() { return &server_; }
  template <typename Work>
  auto run(Work work) {
    return server_.thread().run(std::move(work));
  }

 private:
  TestServer server_;
};

/// Sends back what it gets.
struct Echo {
  std::vector<std::shared_ptr<WebSocket>> sockets;
  void operator()(std::shared_ptr<WebSocket> socket) {
    WebSocket* raw = socket.get();
    raw->on_message([raw](std::string_view message, bool binary) {
      binary ? raw->send_binary(std::string(message)) : raw->send_text(std::string(message));
    });
    raw->on_closed([](const std::string&) {});
    sockets.push_back(std::move(socket));
  }
};

TEST(WebSocket, Echo_KeepsOrderKindAndContent) {
  Echo echo;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { echo(std::move(socket)); });
  End end;
  std::string large(3 << 20, 'l');
  large[1000] = '\0';
  std::promise<void> all;
  end.react = [&](std::string_view, bool) {
    if (end.messages.size() == 103) all.set_value();
  };
  ASSERT_TRUE(server.connect(&end));
  int sent = 0;
  server.run([&] {
    end.socket->send_text("text", [&] { ++sent; });
    end.socket->send_binary(std::string("\xff\x00\xfe", 3), [&] { ++sent; });
    end.socket->send_binary(large, [&] { ++sent; });
    EXPECT_EQ(end.socket->queued_bytes(), 7 + large.size());
    for (int i = 0; i < 100; ++i) end.socket->send_text(std::to_string(i));
  });
  ASSERT_EQ(all.get_future().wait_for(20s), std::future_status::ready);
  server.run([&] {
    EXPECT_EQ(sent, 3);
    EXPECT_EQ(end.socket->queued_bytes(), 0U);
    EXPECT_EQ(end.messages[0], std::make_pair(std::string("text"), false));
    EXPECT_EQ(end.messages[1], std::make_pair(std::string("\xff\x00\xfe", 3), true));
    EXPECT_TRUE(end.messages[2].first == large && end.messages[2].second);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(end.messages[3 + i].first, std::to_string(i));
    EXPECT_TRUE(end.socket->peer_address().contains("127.0.0.1"));
    EXPECT_EQ(echo.sockets[0]->peer_address(), "127.0.0.1");
    end.socket.reset();
    echo.sockets.clear();
  });
}

TEST(WebSocket, Close_AfterQueuedMessages_DeliversThemAndTheCode) {
  End accepted, end;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); });
  ASSERT_TRUE(server.connect(&end));
  server.run([&] {
    end.socket->send_text("one");
    end.socket->send_text("two");
    end.socket->close(4001, "done here");
    end.socket->send_text("three");
  });
  EXPECT_EQ(accepted.wait_closed(), "closed by the peer: 4001 done here");
  EXPECT_EQ(end.wait_closed(), "closed here: 4001 done here");
  server.run([&] {
    EXPECT_EQ(accepted.messages.size(), 2U);
    end.socket.reset();
    accepted.socket.reset();
  });
}

TEST(WebSocket, Destroying_ClosesTheConnection) {
  End accepted, end;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); });
  ASSERT_TRUE(server.connect(&end));
  server.run([&] {
    end.socket->send_text("x", [] { FAIL() << "called after its owner let go"; });
    end.socket.reset();
  });
  EXPECT_TRUE(accepted.wait_closed().starts_with("closed by the peer: 1001"));
  server.run([&] { accepted.socket.reset(); });
}

TEST(WebSocket, DestroyingInsideItsOwnCallback_IsSafe) {
  End accepted, end;
  accepted.react = [&](std::string_view, bool) { accepted.socket.reset(); };
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); });
  ASSERT_TRUE(server.connect(&end));
  server.run([&] { end.socket->send_text("go"); });
  EXPECT_TRUE(end.wait_closed().starts_with("closed by the peer"));
  server.run([&] { end.socket.reset(); });
}

TEST(WebSocket, MessageOverTheLimit_ClosesWith1009) {
  End accepted, end;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); },
                         {.message_limit_bytes = 1000});
  ASSERT_TRUE(server.connect(&end));
  server.run([&] { end.socket->send_text(std::string(1001, 'x')); });
  EXPECT_TRUE(end.wait_closed().starts_with("closed by the peer: 1009"));
  EXPECT_NE(accepted.wait_closed(), "still open");
  server.run([&] {
    end.socket.reset();
    accepted.socket.reset();
  });
}

TEST(WebSocket, PeerThatFallsSilent_IsGoneAfterTwoPingIntervals) {
  End accepted;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); },
                         {.ping_interval = 100ms});
  RawSocket client(server->port());
  client.send(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
  EXPECT_EQ(accepted.wait_closed(), "no sign of life for 0.2s");
  server.run([&] { accepted.socket.reset(); });
}

TEST(WebSocket, IdleButAlivePeer_StaysConnected) {
  End accepted, end;
  const WebSocketOptions quick{.ping_interval = 50ms};
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); }, quick);
  ASSERT_TRUE(server.connect(&end, {}, quick));
  auto closed = end.closed.get_future();
  EXPECT_EQ(closed.wait_for(600ms), std::future_status::timeout);
  server.run([&] {
    end.socket.reset();
    accepted.socket.reset();
  });
}

TEST(WebSocket, PeerThatVanishes_IsReported) {
  End accepted;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); });
  RawSocket client(server->port());
  client.send(
      "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  client.read_until("\r\n\r\n");
  client.reset();
  EXPECT_NE(accepted.wait_closed(), "still open");
  server.run([&] { accepted.socket.reset(); });
}

TEST(WebSocket, FramesSentWithTheUpgrade_AreNotLost) {
  End accepted;
  std::promise<void> got;
  accepted.react = [&](std::string_view, bool) { got.set_value(); };
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); });
  RawSocket client(server->port());
  client.send(
      std::string(
          "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n") +
      std::string("\x81\x82\x00\x00\x00\x00hi", 8));
  ASSERT_EQ(got.get_future().wait_for(20s), std::future_status::ready);
  server.run([&] {
    EXPECT_EQ(accepted.messages[0].first, "hi");
    accepted.socket.reset();
  });
}

TEST(WebSocket, AcceptOfAnOrdinaryRequest_Is400AndInvalidInput) {
  std::promise<Code> code;
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    exchange->accept_websocket({}, [&](Result<std::shared_ptr<WebSocket>> socket) {
      code.set_value(socket ? Code::Internal : socket.error().code);
    });
  });
  RawSocket client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 400 "));
  EXPECT_EQ(code.get_future().get(), Code::InvalidInput);
}

TEST(WebSocket, Refusal_HasTheCodeOfItsStatus) {
  WebSocketServer server([](std::shared_ptr<WebSocket>) {});
  const auto denied = server.connect(nullptr, {.path = "/denied"});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Code::Denied);
  EXPECT_TRUE(denied.error().message.contains("no entry")) << denied.error().message;
}

TEST(WebSocket, ServerThatNeverAnswers_IsATimeout) {
  WebSocketServer server([](std::shared_ptr<WebSocket>) {});
  const auto late = server.connect(nullptr, {.path = "/never", .timeout = 100ms});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::Timeout);
}

TEST(WebSocket, NobodyThere_IsUnreachable) {
  WebSocketServer server([](std::shared_ptr<WebSocket>) {});
  server->reset();
  const auto socket = server.connect(nullptr);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Code::Unreachable);
}

TEST(WebSocket, OverTls_WithThePinOfTheServer) {
  const WallTime now = SystemClock().now().wall;
  const auto authority = make_authority("test", now);
  ListenOptions listen;
  listen.tls = *issue_server_certificate(*authority, {"x"}, now, 1h);
  Echo echo;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { echo(std::move(socket)); }, {}, std::move(listen));
  End end;
  std::promise<void> got;
  end.react = [&](std::string_view, bool) { got.set_value(); };
  const PinnedAuthority pin{.fingerprint_hex = *fingerprint(authority->certificate_pem)};
  ASSERT_TRUE(server.connect(&end, {.tls = pin}));
  const std::string large(2 << 20, 'x');
  server.run([&] { end.socket->send_binary(large); });
  ASSERT_EQ(got.get_future().wait_for(20s), std::future_status::ready);
  const auto denied = server.connect(nullptr, {.tls = PinnedAuthority{.fingerprint_hex = std::string(64, '0')}});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Code::Denied);
  server.run([&] {
    EXPECT_TRUE(end.messages[0].first == large);
    end.socket.reset();
    echo.sockets.clear();
  });
}

TEST(WebSocket, SenderThatNeverWaits_IsStoppedAtTheQueuesBound) {
  End accepted, end;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); });
  ASSERT_TRUE(server.connect(&end));
  server.run([&] {
    for (int i = 0; i < 200; ++i) end.socket->send_binary(std::string(1 << 20, 'x'));
    EXPECT_LE(end.socket->queued_bytes(), 128U << 20);
  });
  EXPECT_EQ(end.wait_closed(), "the peer takes messages too slowly");
  EXPECT_NE(accepted.wait_closed(), "still open");
  server.run([&] {
    end.socket.reset();
    accepted.socket.reset();
  });
}

TEST(WebSocket, ClosingTheServer_ClosesItsWebSockets) {
  End accepted, end;
  WebSocketServer server([&](std::shared_ptr<WebSocket> socket) { accepted.take(std::move(socket)); });
  ASSERT_TRUE(server.connect(&end));
  server->reset();
  EXPECT_NE(end.wait_closed(), "still open");
  EXPECT_NE(accepted.wait_closed(), "still open");
  server.run([&] {
    end.socket.reset();
    accepted.socket.reset();
  });
}

}  // namespace
}  // namespace slipway::net
