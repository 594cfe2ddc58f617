#include "net/http_client.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <fstream>

#include "net/test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

Result<Response> fetch(LoopThread& thread, Endpoint endpoint, ClientRequest what) {
  std::promise<Result<Response>> promise;
  thread.loop().post([&] {
    request(thread.loop(), std::move(endpoint), std::move(what),
            [&](Result<Response> response) { promise.set_value(std::move(response)); });
  });
  return promise.get_future().get();
}

Endpoint at(const TestServer& server) {
  return {.unix_path = {}, .host = "127.0.0.1", .port = server.port(), .tls = {}};
}

void describe(std::shared_ptr<Exchange> exchange) {
  exchange->read_body(100 << 20, [exchange](Result<std::string> body) {
    const RequestHead& head = exchange->head();
    exchange->respond(text_response(fmt::format("{} {} {} {}", head.method, head.target,
                                                head.headers.get("host").value_or("none"), body ? *body : "broken")));
  });
}

/// A peer that answers with exactly these bytes and closes, whatever it is asked.
class CannedPeer {
 public:
  explicit CannedPeer(std::string answer, bool stays_open = false) : listener_(*listen_tcp("127.0.0.1", 0)) {
    fcntl(listener_.get(), F_SETFL, 0);
    thread_ = std::thread([this, answer = std::move(answer), stays_open] {
      const runtime::Fd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      char buffer[4096];
      std::string asked;
      ssize_t got = 1;
      while (!asked.contains("\r\n\r\n") && (got = recv(peer.get(), buffer, sizeof buffer, 0)) > 0)
        asked.append(buffer, got);
      send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
      while (stays_open && recv(peer.get(), buffer, sizeof buffer, 0) > 0) {
      }
    });
  }
  CannedPeer(const CannedPeer&) = delete;
  CannedPeer& operator=(const CannedPeer&) = delete;
  ~CannedPeer() { thread_.join(); }
  [[nodiscard]] Endpoint endpoint() const {
    return {.unix_path = {}, .host = "127.0.0.1", .port = local_port(listener_.get()), .tls = {}};
  }

 private:
  runtime::Fd listener_;
  std::thread thread_;
};

TEST(HttpClient, Request_OverTcpAndUnix_GetsTheAnswer) {
  const TestDirectory directory;
  TestServer tcp(describe);
  TestServer unix_server(describe, {.unix_path = directory / "docker.sock"});
  const auto first = fetch(tcp.thread(), at(tcp), {.method = "POST", .target = "/a?b", .body = "bytes"});
  ASSERT_TRUE(first) << first.error().text();
  EXPECT_EQ(first->body, fmt::format("POST /a?b 127.0.0.1:{} bytes", tcp.port()));
  const Endpoint docker{.unix_path = directory / "docker.sock", .host = "docker", .port = 0, .tls = {}};
  const auto second = fetch(tcp.thread(), docker, {.target = "/v1.41/info"});
  ASSERT_TRUE(second) << second.error().text();
  EXPECT_EQ(second->body, "GET /v1.41/info docker ");
}

TEST(HttpClient, NameOfThisMachine_IsResolved) {
  TestServer server(describe);
  Endpoint endpoint = at(server);
  endpoint.host = "localhost";
  const auto response = fetch(server.thread(), endpoint, {});
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 200);
}

TEST(HttpClient, UnknownName_IsAnErrorWithTheName) {
  TestServer server(describe);
  Endpoint endpoint = at(server);
  endpoint.host = "no-such-host.invalid";
  const auto response = fetch(server.thread(), endpoint, {.timeout = 2s});
  ASSERT_FALSE(response);
  EXPECT_TRUE(response.error().code == Code::Unreachable || response.error().code == Code::Timeout);
  EXPECT_TRUE(response.error().message.contains("no-such-host.invalid"));
}

TEST(HttpClient, BodyFile_IsSentFromItsPosition) {
  const TestDirectory directory;
  const std::string content(3 << 20, 'f');
  std::ofstream(directory / "file") << "skipped" << content;
  TestServer server(describe);
  ClientRequest what{.method = "PUT", .target = "/f"};
  what.body_file = runtime::Fd(open((directory / "file").c_str(), O_RDONLY | O_CLOEXEC));
  lseek(what.body_file->get(), 7, SEEK_SET);
  what.body_file_bytes = content.size();
  const auto response = fetch(server.thread(), at(server), std::move(what));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_TRUE(response->body.ends_with(" " + content));
}

TEST(HttpClient, RefusedUpload_GivesTheAnswerInsteadOfABrokenPipe) {
  TestServer server([](std::shared_ptr<Exchange> exchange) { exchange->respond(text_response("too much", 413)); });
  ClientRequest what{.method = "PUT", .body = std::string(20 << 20, 'x')};
  const auto response = fetch(server.thread(), at(server), std::move(what));
  ASSERT_TRUE(response) << response.error().text();
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(response->body, "too much");
}

TEST(HttpClient, Answers_OfEveryFraming_AreUnderstood) {
  LoopThread thread;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"},
      {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: "
       "2\r\n\r\nok",
       "ok"},
      {"HTTP/1.0 204 No Content\r\n\r\n", ""}};
  for (const auto& [answer, body] : cases) {
    CannedPeer peer(answer);
    const auto response = fetch(thread, peer.endpoint(), {});
    ASSERT_TRUE(response) << answer << response.error().text();
    EXPECT_EQ(response->body, body);
  }
}

TEST(HttpClient, BrokenAnswers_AreUnreachable) {
  LoopThread thread;
  for (const char* answer : {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
                             "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    CannedPeer peer(answer);
    const auto response = fetch(thread, peer.endpoint(), {});
    ASSERT_FALSE(response) << answer;
    EXPECT_EQ(response.error().code, Code::Unreachable) << response.error().text();
  }
}

TEST(HttpClient, SilentPeer_IsATimeoutBeforeAndInsideTheAnswer) {
  LoopThread thread;
  for (const char* answer : {"", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok"}) {
    CannedPeer peer(answer, true);
    const auto response = fetch(thread, peer.endpoint(), {.timeout = 100ms});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::Timeout) << response.error().text();
  }
}

TEST(HttpClient, NobodyThere_IsUnreachable) {
  LoopThread thread;
  std::uint16_t port = 0;
  {
    const auto taken = listen_tcp("127.0.0.1", 0);
    port = local_port(taken->get());
  }
  const auto tcp = fetch(thread, {.unix_path = {}, .host = "127.0.0.1", .port = port, .tls = {}}, {});
  ASSERT_FALSE(tcp);
  EXPECT_EQ(tcp.error().code, Code::Unreachable);
  EXPECT_TRUE(tcp.error().message.contains("Connection refused")) << tcp.error().message;
  const auto missing = fetch(thread, {.unix_path = "/nowhere/docker.sock", .host = {}, .port = 0, .tls = {}}, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::Unreachable);
}

TEST(HttpClient, AnswerOverTheLimit_IsTooLarge) {
  TestServer server(
      [](std::shared_ptr<Exchange> exchange) { exchange->respond(text_response(std::string(1001, 'x'))); });
  const auto response = fetch(server.thread(), at(server), {.body_limit_bytes = 1000});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::TooLarge);
}

TEST(HttpClient, LineBreakInAField_IsInvalidInput) {
  TestServer server(describe);
  ClientRequest what;
  what.headers.add("X-A", "1\r\nX-Evil: 2");
  EXPECT_EQ(fetch(server.thread(), at(server), std::move(what)).error().code, Code::InvalidInput);
  EXPECT_EQ(fetch(server.thread(), at(server), {.target = "/ HTTP/1.1\r\n"}).error().code, Code::InvalidInput);
}

/// Follows one stream on the loop's thread.
struct Follower {
  std::unique_ptr<ResponseStream> stream;
  std::string got;
  std::promise<Result<void>> ended;
  std::function<void()> on_piece;
  StreamCallbacks callbacks() {
    return {.on_head = [](int status, const Headers&) { EXPECT_EQ(status, 200); },
            .on_bytes =
                [this](std::string_view bytes) {
                  got += bytes;
                  if (on_piece) on_piece();
                },
            .on_end = [this](Result<void> end) { ended.set_value(std::move(end)); }};
  }
  Result<void> wait() { return ended.get_future().get(); }
};

TEST(ResponseStream, GivesPiecesAsTheyComeAndOneEnd) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    exchange->write("one", [exchange](bool) {
      exchange->write("two", {});
      exchange->finish();
    });
  });
  Follower follower;
  server.thread().run([&] { follower.stream = stream(server.loop(), at(server), {}, follower.callbacks()); });
  EXPECT_TRUE(follower.wait());
  server.thread().run([&] {
    EXPECT_EQ(follower.got, "onetwo");
    follower.stream.reset();
  });
}

TEST(ResponseStream, Endless_OutlivesItsTimeoutAfterTheHead) {
  std::shared_ptr<Exchange> held;
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    held = exchange;
  });
  Follower follower;
  ClientRequest what{.timeout = 100ms, .endless = true};
  server.thread().run(
      [&] { follower.stream = stream(server.loop(), at(server), std::move(what), follower.callbacks()); });
  auto ended = follower.ended.get_future();
  EXPECT_EQ(ended.wait_for(400ms), std::future_status::timeout);
  server.thread().run([&] {
    held->finish();
    held.reset();
  });
  EXPECT_TRUE(ended.get());
  server.thread().run([&] { follower.stream.reset(); });
}

TEST(ResponseStream, Pause_HoldsTheServerBack) {
  std::size_t flushed = 0;
  std::function<void(std::shared_ptr<Exchange>)> write_on = [&](std::shared_ptr<Exchange> exchange) {
    exchange->write(std::string(1 << 20, 'w'), [&, exchange](bool sent) {
      if (!sent) return;
      if (++flushed == 64) return exchange->finish();
      write_on(exchange);
    });
  };
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    write_on(exchange);
  });
  Follower follower;
  std::promise<void> first;
  follower.on_piece = [&, once = false]() mutable {
    if (!std::exchange(once, true)) {
      follower.stream->pause();
      first.set_value();
    }
  };
  server.thread().run(
      [&] { follower.stream = stream(server.loop(), at(server), {.timeout = 10s}, follower.callbacks()); });
  first.get_future().get();
  auto ended = follower.ended.get_future();
  EXPECT_EQ(ended.wait_for(300ms), std::future_status::timeout);
  server.thread().run([&] {
    EXPECT_LT(flushed, 32U) << "what the kernel buffers is far less than the answer";
    EXPECT_LE(follower.got.size(), 64U << 10);
    follower.stream->resume();
  });
  EXPECT_TRUE(ended.get());
  server.thread().run([&] {
    EXPECT_EQ(follower.got.size(), 64U << 20);
    follower.stream.reset();
  });
}

TEST(ResponseStream, DestroyedInsideACallback_CallsNothingMoreAndTheServerSeesIt) {
  std::promise<void> gone;
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    exchange->write("piece", {});
    exchange->on_gone([&, exchange] { gone.set_value(); });
  });
  for (const bool in_head : {true, false}) {
    gone = {};
    Follower follower;
    StreamCallbacks callbacks = follower.callbacks();
    if (in_head) callbacks.on_head = [&](int, const Headers&) { follower.stream.reset(); };
    if (!in_head) follower.on_piece = [&] { follower.stream.reset(); };
    callbacks.on_end = [](const Result<void>&) { FAIL() << "called after its owner let go"; };
    server.thread().run([&] { follower.stream = stream(server.loop(), at(server), {}, std::move(callbacks)); });
    EXPECT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
    server.thread().run([&] { EXPECT_EQ(follower.got, in_head ? "" : "piece"); });
  }
}

TEST(ResponseStream, DestroyedWhileConnecting_CallsNothing) {
  TestServer server(describe);
  server.thread().run([&] {
    StreamCallbacks callbacks;
    callbacks.on_end = [](const Result<void>&) { FAIL(); };
    Endpoint named = at(server);
    named.host = "localhost";
    auto one = stream(server.loop(), at(server), {}, callbacks);
    auto two = stream(server.loop(), named, {}, callbacks);
  });
  EXPECT_TRUE(fetch(server.thread(), at(server), {}));
}

TEST(ResponseStream, LoopThatEndsBeforeIt_LeavesNothingBehind) {
  auto thread = std::make_unique<LoopThread>();
  CannedPeer peer("HTTP/1.1 200 OK\r\n");
  Endpoint named{.unix_path = {}, .host = "no-such-host.invalid", .port = 1, .tls = {}};
  thread->run([&] {
    request(thread->loop(), peer.endpoint(), {}, [](const Result<Response>&) {});
    request(thread->loop(), named, {}, [](const Result<Response>&) {});
  });
  thread.reset();  // a leak would be the sanitiser's finding
  RawSocket unblock(peer.endpoint().port);
  unblock.send("\r\n\r\n");
}

}  // namespace
}  // namespace slipway::net
