#include "net/raw_stream.hpp"

#include <gtest/gtest.h>

#include "net/test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

constexpr std::string_view kUpgrade = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: slipway-tunnel\r\n";

/// A server that upgrades to slipway-tunnel; what it was handed lies here until a test takes it.
class UpgradeServer {
 public:
  explicit UpgradeServer(ListenOptions options = {})
      : server_(
            [this](std::shared_ptr<Exchange> exchange) {
              if (exchange->head().target == "/denied") return exchange->respond(text_response("no entry", 403));
              if (exchange->head().target == "/never") return exchange->on_gone([exchange] {});
              exchange->accept_upgrade("slipway-tunnel", [this](Result<std::unique_ptr<RawStream>> stream) {
                accepted_.set_value(std::move(stream));
              });
            },
            std::move(options)) {}

  Result<std::unique_ptr<RawStream>> accepted() {
    auto future = accepted_.get_future();
    if (future.wait_for(20s) != std::future_status::ready) return fail(Code::Timeout, "nobody asked");
    return future.get();
  }
  Result<std::unique_ptr<RawStream>> connect(UpgradeTarget target) {
    target.endpoint.port = server_.port();
    target.endpoint.host = "127.0.0.1";
    if (target.path.empty()) target.path = "/";
    if (target.protocol.empty()) target.protocol = "slipway-tunnel";
    return connect_to(std::move(target));
  }
  Result<std::unique_ptr<RawStream>> connect_to(UpgradeTarget target) {
    std::promise<Result<std::unique_ptr<RawStream>>> promise;
    server_.loop().post([&] {
      connect_upgraded(server_.loop(), std::move(target),
                       [&](Result<std::unique_ptr<RawStream>> stream) { promise.set_value(std::move(stream)); });
    });
    return promise.get_future().get();
  }
  TestServer* operator->() { return &server_; }
  template <typename Work>
  auto run(Work work) {
    return server_.thread().run(std::move(work));
  }

 private:
  std::promise<Result<std::unique_ptr<RawStream>>> accepted_;
  TestServer server_;
};

/// Two connections of the test with a splice between them.
class Spliced {
 public:
  Spliced() {
    auto [first, one] = connected_pair();
    auto [second, two] = connected_pair();
    join(std::move(first), std::move(second));
    ends_ = std::make_unique<std::pair<RawSocket, RawSocket>>(std::move(one), std::move(two));
  }
  Spliced(const Spliced&) = delete;
  Spliced& operator=(const Spliced&) = delete;
  ~Spliced() { drop(); }
  RawSocket& first() { return ends_->first; }
  RawSocket& second() { return ends_->second; }
  void drop() {
    thread_.run([this] { handle_.reset(); });
  }
  std::optional<SpliceEnd> wait_done(Duration patience = 20s) {
    auto future = done_.get_future();
    if (future.wait_for(patience) != std::future_status::ready) return std::nullopt;
    return future.get();
  }

 private:
  void join(runtime::Fd first, runtime::Fd second) {
    thread_.run([&] {
      handle_ =
          splice(thread_.loop(), make_raw_stream(thread_.loop(), std::move(first)),
                 make_raw_stream(thread_.loop(), std::move(second)), [this](SpliceEnd end) { done_.set_value(end); });
    });
  }
  LoopThread thread_;
  std::promise<SpliceEnd> done_;
  std::shared_ptr<void> handle_;
  std::unique_ptr<std::pair<RawSocket, RawSocket>> ends_;
};

/// Both ends send `bytes` of their own at once and check what they get.
void exchange_patterns(RawSocket& one, RawSocket& two, std::size_t bytes) {
  const std::string first = pattern(bytes, 1), second = pattern(bytes, 2);
  std::thread sender_one([&] { one.send(first); });
  std::thread sender_two([&] { two.send(second); });
  std::string at_two;
  std::thread reader([&] { at_two = two.read_exactly(bytes); });
  const std::string at_one = one.read_exactly(bytes);
  for (std::thread* thread : {&sender_one, &sender_two, &reader}) thread->join();
  EXPECT_TRUE(at_one == second);
  EXPECT_TRUE(at_two == first);
}

TEST(Splice, SixtyFourMegabytesBothWaysAtOnce_ArriveByteForByte) {
  Spliced spliced;
  exchange_patterns(spliced.first(), spliced.second(), 64 << 20);
  spliced.first().close();
  EXPECT_EQ(spliced.second().read_all(), "");
  spliced.second().close();
  const auto end = spliced.wait_done();
  ASSERT_TRUE(end);
  EXPECT_EQ(end->first_to_second_bytes, 64U << 20);
  EXPECT_EQ(end->second_to_first_bytes, 64U << 20);
}

TEST(Splice, SlowReader_HoldsTheWriter) {
  Spliced spliced;
  constexpr std::size_t kTotal = 256 << 20;
  const std::size_t sent = spliced.first().send_until_held(kTotal, 300ms);
  EXPECT_LT(sent, 16U << 20);
  spliced.first().close_sending();
  EXPECT_EQ(spliced.second().skip(kTotal), sent);
}

TEST(Splice, SideThatStopsSending_StillGetsTheAnswer) {
  Spliced spliced;
  spliced.first().send("question");
  spliced.first().close_sending();
  EXPECT_EQ(spliced.second().read_all(), "question");
  const std::string answer = pattern(4 << 20, 3);
  std::thread answering([&] {
    spliced.second().send(answer);
    spliced.second().close();
  });
  EXPECT_TRUE(spliced.first().read_all() == answer);
  answering.join();
  EXPECT_TRUE(spliced.wait_done());
}

TEST(Splice, SideThatLeaves_LeavesWhatItSentToTheOther) {
  Spliced spliced;
  const std::string last = pattern(100'000, 4);
  spliced.second().send("unread");
  spliced.first().send(last);
  spliced.first().close();
  EXPECT_TRUE(spliced.second().read_exactly(last.size()) == last);
  spliced.second().send("into the void");
  spliced.second().close();
  EXPECT_TRUE(spliced.wait_done());
}

TEST(Splice, DestroyingIt_ClosesBothAndCallsNobody) {
  Spliced spliced;
  spliced.first().send("x");
  EXPECT_EQ(spliced.second().read_exactly(1), "x");
  spliced.drop();
  EXPECT_TRUE(spliced.first().ended_within(10s));
  EXPECT_TRUE(spliced.second().ended_within(10s));
  EXPECT_FALSE(spliced.wait_done(0s));
}

TEST(Splice, ResetOfOneSide_ClosesTheOther) {
  Acceptor acceptor;
  RawSocket peer(acceptor.port());
  runtime::Fd first = acceptor.accept().take_fd();
  auto [second, other] = connected_pair();
  LoopThread thread;
  std::shared_ptr<void> handle = thread.run([&] {
    return splice(thread.loop(), make_raw_stream(thread.loop(), std::move(first)),
                  make_raw_stream(thread.loop(), std::move(second)), {});
  });
  peer.send("x");
  EXPECT_EQ(other.read_exactly(1), "x");
  peer.reset();
  EXPECT_TRUE(other.ended_within(10s));
  thread.run([&] { handle.reset(); });
}

TEST(Upgrade, BytesSentWithTheHead_AreNotLost) {
  UpgradeServer server;
  RawSocket client(server->port());
  const std::string early = pattern(100'000, 5);  // more than what the server reads with the head
  std::thread sending([&] { client.send(std::string(kUpgrade) + "\r\n" + early); });
  auto stream = server.accepted();
  ASSERT_TRUE(stream) << stream.error().text();
  auto [fd, app] = connected_pair();
  std::shared_ptr<void> handle = server.run(
      [&] { return splice(server->loop(), std::move(*stream), make_raw_stream(server->loop(), std::move(fd)), {}); });
  EXPECT_TRUE(app.read_exactly(early.size()) == early);
  sending.join();
  app.send("answer");
  const std::string got = client.read_until("answer");
  EXPECT_TRUE(got.starts_with("HTTP/1.1 101 Switching Protocols\r\n")) << got;
  EXPECT_TRUE(got.contains("Connection: Upgrade\r\nUpgrade: slipway-tunnel\r\n\r\nanswer")) << got;
  server.run([&] { handle.reset(); });
}

TEST(Upgrade, RequestsThatAskForNone_Are400AndInvalidInput) {
  const std::string get = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string& request :
       {get + "Connection: close\r\n\r\n", get + "Connection: close\r\nUpgrade: slipway-tunnel\r\n\r\n",
        get + "Connection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n",
        get + "Connection: Upgrade, close\r\nUpgrade: slipway-tunnel\r\nContent-Length: 1\r\n\r\nx",
        std::string("GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: slipway-tunnel\r\n\r\n")}) {
    UpgradeServer server;
    RawSocket client(server->port());
    client.send(request);
    EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 400 ")) << request;
    const auto stream = server.accepted();
    ASSERT_FALSE(stream);
    EXPECT_EQ(stream.error().code, Code::InvalidInput);
  }
}

TEST(Upgrade, ClosingTheServer_ClosesWhatWasHandedOver) {
  UpgradeServer server;
  RawSocket client(server->port());
  client.send(std::string(kUpgrade) + "\r\n");
  auto stream = server.accepted();
  ASSERT_TRUE(stream);
  EXPECT_TRUE(server.run([&] { return (*stream)->is_open(); }));
  server->reset();
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 101 "));
  server.run([&] {
    EXPECT_FALSE((*stream)->is_open());
    stream->reset();
  });
}

TEST(Upgrade, StreamWhosePeerLeft_IsNotOpen) {
  UpgradeServer server;
  RawSocket client(server->port());
  client.send(std::string(kUpgrade) + "\r\n");
  auto stream = server.accepted();
  ASSERT_TRUE(stream);
  client.read_until("\r\n\r\n");
  client.close();
  bool open = true;
  for (int i = 0; i < 1000 && open; ++i) open = server.run([&] { return (*stream)->is_open(); });
  EXPECT_FALSE(open);
  server.run([&] { stream->reset(); });
}

ListenOptions with_tls(PinnedAuthority& pin) {
  const WallTime now = SystemClock().now().wall;
  const auto authority = make_authority("test", now);
  pin.fingerprint_hex = *fingerprint(authority->certificate_pem);
  ListenOptions options;
  options.tls = *issue_server_certificate(*authority, {"x"}, now, 1h);
  return options;
}

TEST(ConnectUpgraded, OverTls_CarriesSixtyFourMegabytesBothWays) {
  PinnedAuthority pin;
  UpgradeServer server(with_tls(pin));
  UpgradeTarget target;
  target.endpoint.tls = pin;
  target.headers.add("Authorization", "Bearer x");
  auto dialled = server.connect(std::move(target));
  ASSERT_TRUE(dialled) << dialled.error().text();
  auto accepted = server.accepted();
  ASSERT_TRUE(accepted);
  auto [near_fd, near] = connected_pair();
  auto [far_fd, far] = connected_pair();
  std::vector<std::shared_ptr<void>> handles = server.run([&] {
    std::vector<std::shared_ptr<void>> made;
    made.push_back(
        splice(server->loop(), std::move(*dialled), make_raw_stream(server->loop(), std::move(near_fd)), {}));
    made.push_back(
        splice(server->loop(), std::move(*accepted), make_raw_stream(server->loop(), std::move(far_fd)), {}));
    return made;
  });
  exchange_patterns(near, far, 64 << 20);
  near.send("last words");
  near.close_sending();
  EXPECT_EQ(far.read_all(), "last words");
  far.send("the very last");
  far.close();
  EXPECT_EQ(near.read_all(), "the very last");
  server.run([&] { handles.clear(); });
}

TEST(ConnectUpgraded, WrongAuthority_IsDenied) {
  PinnedAuthority pin;
  UpgradeServer server(with_tls(pin));
  UpgradeTarget target;
  target.endpoint.tls = PinnedAuthority{.fingerprint_hex = std::string(64, '0')};
  const auto denied = server.connect(std::move(target));
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Code::Denied);
}

TEST(ConnectUpgraded, Refusal_HasTheCodeOfItsStatusAndItsWords) {
  UpgradeServer server;
  const auto denied = server.connect({.endpoint = {}, .path = "/denied", .headers = {}, .protocol = {}});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Code::Denied);
  EXPECT_TRUE(denied.error().message.contains("403 no entry")) << denied.error().message;
}

TEST(ConnectUpgraded, SilentPeer_IsATimeout) {
  UpgradeServer server;
  const auto late = server.connect({.endpoint = {}, .path = "/never", .headers = {}, .protocol = {}, .timeout = 100ms});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::Timeout);
}

TEST(ConnectUpgraded, LineBreakInAField_IsInvalidInput) {
  UpgradeServer server;
  UpgradeTarget target;
  target.headers.add("X-Bad", "a\r\nX-Other: b");
  const auto bad = server.connect(std::move(target));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::InvalidInput);
}

TEST(ConnectUpgraded, AnswersThatAreNoUpgrade_AreUnreachable) {
  UpgradeServer server;
  for (const char* answer :
       {"", "HTTP/1.1 101 Swit", "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"}) {
    Acceptor acceptor;
    std::thread peer([&] {
      RawSocket socket = acceptor.accept();
      socket.read_until("\r\n\r\n");
      socket.send(answer);
    });
    UpgradeTarget target{.endpoint = {}, .path = "/", .headers = {}, .protocol = "slipway-tunnel"};
    target.endpoint.host = "127.0.0.1";
    target.endpoint.port = acceptor.port();
    const auto stream = server.connect_to(std::move(target));
    peer.join();
    ASSERT_FALSE(stream) << answer;
    EXPECT_EQ(stream.error().code, Code::Unreachable) << answer;
  }
}

TEST(ConnectUpgraded, BytesSentWithTheAnswer_AreNotLost) {
  UpgradeServer server;
  Acceptor acceptor;
  std::promise<std::string> head;
  std::thread peer([&] {
    RawSocket socket = acceptor.accept();
    head.set_value(socket.read_until("\r\n\r\n"));
    socket.send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: slipway-tunnel\r\n\r\nearly");
    EXPECT_EQ(socket.read_all(), "bye");
  });
  UpgradeTarget target{.endpoint = {}, .path = "/agent/v1/tunnels/t", .headers = {}, .protocol = "slipway-tunnel"};
  target.endpoint.host = "127.0.0.1";
  target.endpoint.port = acceptor.port();
  target.headers.add("Authorization", "Bearer x");
  auto stream = server.connect_to(std::move(target));
  ASSERT_TRUE(stream) << stream.error().text();
  auto [fd, app] = connected_pair();
  std::shared_ptr<void> handle = server.run(
      [&] { return splice(server->loop(), std::move(*stream), make_raw_stream(server->loop(), std::move(fd)), {}); });
  EXPECT_EQ(app.read_exactly(5), "early");
  app.send("bye");
  app.close();
  peer.join();
  const std::string sent = head.get_future().get();
  EXPECT_TRUE(sent.starts_with("GET /agent/v1/tunnels/t HTTP/1.1\r\n")) << sent;
  EXPECT_TRUE(sent.contains("Authorization: Bearer x\r\n"));
  EXPECT_TRUE(sent.contains("Connection: Upgrade\r\nUpgrade: slipway-tunnel\r\n"));
  server.run([&] { handle.reset(); });
}

}  // namespace
}  // namespace slipway::net
