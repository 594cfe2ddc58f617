#include <gtest/gtest.h>

#include "net/proxy_test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

/// A WebSocket client and the messages that came to it.
struct Person {
  LoopThread thread;
  std::shared_ptr<WebSocket> socket;
  std::mutex mutex;
  std::condition_variable changed;
  std::string bytes;
  std::promise<std::string> closed;

  ~Person() {
    thread.run([this] { socket.reset(); });
  }
  bool connect(std::uint16_t port) {
    std::promise<bool> opened;
    thread.loop().post([&] {
      WebSocketTarget target{.host = "127.0.0.1", .port = port, .path = "/", .tls = {}, .headers = {}};
      connect_websocket(thread.loop(), target, {}, [&](Result<std::shared_ptr<WebSocket>> result) {
        if (result) take(std::move(*result));
        opened.set_value(socket != nullptr);
      });
    });
    return opened.get_future().get();
  }
  void take(std::shared_ptr<WebSocket> opened) {
    socket = std::move(opened);
    socket->on_message([this](std::string_view message, bool) {
      const std::lock_guard lock(mutex);
      bytes += message;
      changed.notify_all();
    });
    socket->on_closed([this](const std::string& why) { closed.set_value(why); });
  }
  void send(std::string message) {
    thread.run([&] { socket->send_binary(std::move(message)); });
  }
  std::string wait_for(std::size_t size) {
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 20s, [&] { return bytes.size() >= size; });
    return bytes;
  }
  std::string wait_closed() {
    auto future = closed.get_future();
    return future.wait_for(20s) == std::future_status::ready ? future.get() : "still open";
  }
};

/// A server that splices its WebSocket with a connection of the test.
class SplicedWebSocket {
 public:
  SplicedWebSocket()
      : server_([this](std::shared_ptr<Exchange> exchange) {
          exchange->accept_websocket({}, [this](Result<std::shared_ptr<WebSocket>> socket) {
            auto [fd, app] = connected_pair();
            handle_ = splice(server_.loop(), std::move(*socket), make_raw_stream(server_.loop(), std::move(fd)),
                             [this](SpliceEnd end) { done_.set_value(end); });
            app_.set_value(std::move(app));
          });
        }) {
    EXPECT_TRUE(person.connect(server_.port()));
  }
  SplicedWebSocket(const SplicedWebSocket&) = delete;
  SplicedWebSocket& operator=(const SplicedWebSocket&) = delete;
  ~SplicedWebSocket() { drop(); }
  RawSocket app() { return app_.get_future().get(); }
  void drop() {
    server_.thread().run([this] { handle_.reset(); });
  }
  std::optional<SpliceEnd> wait_done(Duration patience = 20s) {
    auto future = done_.get_future();
    if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
    return future.get();
  }
  Person person;

 private:
  std::promise<SpliceEnd> done_;
  std::promise<RawSocket> app_;
  std::shared_ptr<void> handle_;
  TestServer server_;
};

TEST(WebSocketSplice, SixteenMegabytesEachWay_ArriveByteForByte) {
  SplicedWebSocket spliced;
  RawSocket app = spliced.app();
  const std::string up = pattern(16 << 20, 1), down = pattern(16 << 20, 2);
  for (std::size_t at = 0; at < up.size(); at += 1 << 20) spliced.person.send(up.substr(at, 1 << 20));
  std::thread sending([&] { app.send(down); });
  EXPECT_TRUE(app.read_exactly(up.size()) == up);
  EXPECT_TRUE(spliced.person.wait_for(down.size()) == down);
  sending.join();
  app.close();
  EXPECT_TRUE(spliced.person.wait_closed().starts_with("closed by the peer: 1000"));
  const auto end = spliced.wait_done();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->first_to_second_bytes, up.size());
  EXPECT_EQ(end->second_to_first_bytes, down.size());
}

TEST(WebSocketSplice, SlowStream_HoldsThePerson) {
  SplicedWebSocket spliced;
  RawSocket app = spliced.app();
  std::promise<void> all;
  spliced.person.thread.run([&] {
    for (int i = 0; i < 64; ++i) spliced.person.socket->send_binary(std::string(1 << 20, 'x'));
    spliced.person.socket->send_binary("end", [&] { all.set_value(); });
  });
  auto sent = all.get_future();
  EXPECT_EQ(sent.wait_for(300ms), std::future_status::timeout);
  EXPECT_EQ(app.skip((64 << 20) + 3), (64U << 20) + 3);
  EXPECT_EQ(sent.wait_for(20s), std::future_status::ready);
}

TEST(WebSocketSplice, PersonWhoLeaves_LeavesWhatWasSent) {
  SplicedWebSocket spliced;
  RawSocket app = spliced.app();
  spliced.person.thread.run([&] {
    spliced.person.socket->send_binary(std::string(3 << 20, 'x'));
    spliced.person.socket->close(1000, "");
  });
  EXPECT_EQ(app.read_all().size(), 3U << 20);
  app.close();
  EXPECT_TRUE(spliced.wait_done());
}

TEST(WebSocketSplice, TextMessage_ClosesWith1003) {
  SplicedWebSocket spliced;
  RawSocket app = spliced.app();
  spliced.person.thread.run([&] { spliced.person.socket->send_text("words"); });
  EXPECT_TRUE(spliced.person.wait_closed().starts_with("closed by the peer: 1003"));
  EXPECT_EQ(app.read_all(), "");
}

TEST(WebSocketSplice, DestroyingIt_ClosesBothAndCallsNobody) {
  SplicedWebSocket spliced;
  RawSocket app = spliced.app();
  app.send("x");
  spliced.person.wait_for(1);
  spliced.drop();
  EXPECT_TRUE(app.ended_within(10s));
  EXPECT_TRUE(spliced.person.wait_closed().starts_with("closed by the peer: 1001"));
  EXPECT_FALSE(spliced.wait_done(0s));
}

TEST(ProxiedWebSocket, Messages_GoThroughTheProxyBothWays) {
  std::vector<std::shared_ptr<WebSocket>> held;
  TestServer app([&](std::shared_ptr<Exchange> exchange) {
    exchange->accept_websocket({}, [&](Result<std::shared_ptr<WebSocket>> socket) {
      WebSocket* raw = socket->get();
      raw->on_message([raw](std::string_view message, bool) { raw->send_binary(std::string(message)); });
      raw->on_closed([](const std::string&) {});
      held.push_back(std::move(*socket));
    });
  });
  ProxyRig rig;
  rig.use_app_port(app.port());
  Person person;
  ASSERT_TRUE(person.connect(rig.port()));
  const std::string all = pattern(8 << 20, 3);
  for (std::size_t at = 0; at < all.size(); at += 1 << 20) person.send(all.substr(at, 1 << 20));
  EXPECT_TRUE(person.wait_for(all.size()) == all);
  person.thread.run([&] { person.socket->close(1000, "done"); });
  EXPECT_TRUE(rig.next_end().upgraded);
  app.thread().run([&] { held.clear(); });
}

}  // namespace
}  // namespace slipway::net
