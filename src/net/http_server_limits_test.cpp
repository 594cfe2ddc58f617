#include <fcntl.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <fstream>

#include "net/test_support.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
// What is freed must not stay in quarantine here: the tests below measure how memory grows.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=1:thread_local_quarantine_size_kb=64";
}  // NOLINT
#endif
#endif

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

void say_ok(std::shared_ptr<Exchange> exchange) { exchange->respond(text_response("ok")); }

ListenOptions with_limits(HttpLimits limits) {
  ListenOptions options;
  options.limits = limits;
  return options;
}

std::string answer_to(TestServer& server, std::string_view request) {
  RawSocket client(server.port());
  client.send(request);
  client.close_sending();
  return client.read_all();
}

long resident_kib() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word == "VmRSS:") break;
  }
  long kib = 0;
  status >> kib;
  return kib;
}

TEST(HttpLimits, MalformedRequests_GetTheirStatusAndAProblemBody) {
  TestServer server(say_ok);
  const std::string start = "GET / HTTP/1.1\r\n";
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\n";
  const std::vector<std::pair<std::string, int>> cases{
      {"\x16\x03\x01\x02\x00\x01", 400},
      {"GET / HTTP/2.0\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTQ/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: x\n\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {start + "Host: x\r\nHost: y\r\n\r\n", 400},
      {start + "Host: x\r\nBad Name: y\r\n\r\n", 400},
      {start + "Host: x\r\nX-Nul: a" + std::string(1, '\0') + "b\r\n\r\n", 400},
      {start + "Host: x\r\nno colon\r\n\r\n", 400},
      {post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400},
      {post + "Content-Length: 3, 3\r\n\r\nabc", 400},
      {post + "Content-Length: -1\r\n\r\n", 400},
      {post + "Content-Length: 99999999999999999999999\r\n\r\n", 400},
      {post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {post + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501},
      {post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501},
      {post + "Expect: something\r\n\r\n", 417},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {start + "Host: x\r\nX-Big: " + std::string(17 << 10, 'b') + "\r\n\r\n", 431},
      {"GET /" + std::string(17 << 10, 'u') + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
      {std::string(20 << 10, 'G'), 431},
  };
  for (const auto& [request, status] : cases) {
    const std::string answer = answer_to(server, request);
    EXPECT_TRUE(answer.starts_with(fmt::format("HTTP/1.1 {} ", status))) << request.substr(0, 200) << "\n→ " << answer;
    EXPECT_TRUE(answer.contains("Content-Type: application/problem+json\r\n"));
    EXPECT_TRUE(answer.contains("Connection: close\r\n"));
    boost::system::error_code error;
    const auto body = boost::json::parse(answer.substr(std::min(answer.find("\r\n\r\n") + 4, answer.size())), error);
    ASSERT_FALSE(error) << answer;
    EXPECT_EQ(body.as_object().at("status").as_int64(), status);
    EXPECT_EQ(body.as_object().at("type").as_string(), "about:blank");
    EXPECT_FALSE(body.as_object().at("detail").as_string().empty());
    EXPECT_FALSE(body.as_object().at("code").as_string().empty());
    EXPECT_FALSE(body.as_object().at("fix").as_string().empty());
  }
  EXPECT_TRUE(answer_to(server, start + "Host: x\r\n\r\n").starts_with("HTTP/1.1 200 "));
}

TEST(HttpLimits, MalformedChunks_ReachTheReaderAsInvalidInput) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->read_body(1 << 20, [exchange](Result<std::string> body) {
      exchange->respond(text_response(body ? *body : body.error().text(), body ? 200 : http_status(body.error().code)));
    });
  });
  const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& chunks : {std::string("zz\r\n"), std::string("3\r\nabcd\r\n0\r\n\r\n"), std::string("-1\r\n"),
                                    "1" + std::string(20, '0') + "\r\n", "1;" + std::string(70 << 10, 'e')}) {
    RawSocket client(server.port());
    client.send(head + chunks);
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << chunks.substr(0, 50) << answer;
  }
}

TEST(HttpLimits, FieldsUpToTheLimit_PassAndOneMoreIs431) {
  TestServer server(say_ok);
  for (const int fields : {99, 100}) {
    std::string request = "GET / HTTP/1.1\r\nHost: x\r\n";
    for (int i = 0; i < fields; ++i) request += fmt::format("X-{}: y\r\n", i);
    EXPECT_TRUE(answer_to(server, request + "\r\n").starts_with(fields == 99 ? "HTTP/1.1 200 " : "HTTP/1.1 431 "));
  }
}

TEST(HttpLimits, HeadJustUnderTheLimit_Passes) {
  TestServer server(say_ok);
  const std::string request = "GET / HTTP/1.1\r\nHost: x\r\nX-Big: " + std::string((16 << 10) - 100, 'b') + "\r\n\r\n";
  EXPECT_TRUE(answer_to(server, request).starts_with("HTTP/1.1 200 "));
}

TEST(HttpLimits, SlowHead_Gets408) {
  TestServer server(say_ok, with_limits({.head_timeout = 100ms}));
  RawSocket client(server.port());
  client.send("GET / HTTP/1.1\r\nHost:");
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST(HttpLimits, SilentConnections_AreClosed) {
  TestServer server(say_ok, with_limits({.head_timeout = 100ms, .idle_timeout = 100ms}));
  RawSocket fresh(server.port());
  EXPECT_EQ(fresh.read_all(), "");
  RawSocket idle(server.port());
  idle.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(idle.read_all().ends_with("ok"));
}

TEST(HttpLimits, StalledBody_IsBrokenOffAndTold) {
  std::promise<Code> told;
  TestServer server(
      [&](std::shared_ptr<Exchange> exchange) {
        exchange->read_body(100, [&, exchange](Result<std::string> body) {
          told.set_value(body ? Code::Internal : body.error().code);
        });
      },
      with_limits({.stall_timeout = 100ms}));
  RawSocket client(server.port());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_EQ(told.get_future().get(), Code::Unreachable);
  EXPECT_TRUE(client.ended_within(10s));
}

TEST(HttpLimits, HandlerThatThinksLong_IsNoStall) {
  runtime::Loop::Timer timer;
  TestServer* running = nullptr;
  TestServer server(
      [&](std::shared_ptr<Exchange> exchange) {
        timer = running->loop().after(400ms, [exchange] { exchange->respond(text_response("late")); });
      },
      with_limits({.head_timeout = 100ms, .idle_timeout = 100ms, .stall_timeout = 100ms}));
  running = &server;
  EXPECT_TRUE(answer_to(server, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ends_with("late"));
  server.thread().run([&] { timer.cancel(); });
}

TEST(HttpLimits, PeerThatDoesNotRead_IsClosedAndTheWriterTold) {
  std::promise<bool> told;
  TestServer server(
      [&](std::shared_ptr<Exchange> exchange) {
        exchange->begin(200, {});
        exchange->write(std::string(32 << 20, 'x'), [&, exchange](bool sent) { told.set_value(sent); });
      },
      with_limits({.stall_timeout = 100ms}));
  RawSocket client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_FALSE(told.get_future().get());
}

TEST(HttpLimits, WriterThatNeverWaits_IsStoppedAtTheQueuesBound) {
  std::promise<int> accepted;
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    int refused_at = -1;
    for (int i = 0; i < 100 && refused_at < 0; ++i) {
      exchange->write(std::string(1 << 20, 'x'), {});
      exchange->write("", [&, i](bool sent) {
        if (!sent && refused_at < 0) refused_at = i;
      });
    }
    accepted.set_value(refused_at);
  });
  RawSocket client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const int refused_at = accepted.get_future().get();
  EXPECT_GE(refused_at, 0);
  EXPECT_LE(refused_at, 64);
}

TEST(HttpLimits, ConnectionsOverTheLimit_AreClosedAtOnce) {
  TestServer server(say_ok, with_limits({.connections = 3}));
  std::vector<std::unique_ptr<RawSocket>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<RawSocket>(server.port()));
    clients.back()->send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(clients.back()->read_until("ok").ends_with("ok"));
  }
  RawSocket fourth(server.port());
  EXPECT_TRUE(fourth.ended_within(10s));
  clients.front()->close();
  // The place is free as soon as the server has seen the end of the first connection.
  bool served = false;
  for (int i = 0; i < 200 && !served; ++i) {
    RawSocket next(server.port());
    next.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    served = next.read_until("ok").ends_with("ok");
  }
  EXPECT_TRUE(served);
}

TEST(HttpStreaming, SixtyFourMegabytesEchoed_DoNotGrowMemory) {
  constexpr std::size_t kPiece = 256 << 10;
  constexpr std::size_t kPieces = 256;
  // What is read goes out before more is read, so neither direction piles up.
  struct Sum {
    std::uint64_t bytes = 0;
  };
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    const auto sum = std::make_shared<Sum>();
    exchange->read_body_pieces(
        1ULL << 30,
        [sum](std::string_view piece) -> Result<void> {
          sum->bytes += piece.size();
          return {};
        },
        [exchange, sum](Result<void> end) {
          exchange->respond(text_response(end ? std::to_string(sum->bytes) : end.error().text()));
        });
  });
  RawSocket client(server.port());
  client.send(
      fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", kPiece * kPieces));
  const std::string piece(kPiece, 'p');
  client.send(piece);
  const long before = resident_kib();
  for (std::size_t i = 1; i < kPieces; ++i) client.send(piece);
  const long grown = resident_kib() - before;
  EXPECT_TRUE(client.read_all().ends_with(std::to_string(kPiece * kPieces)));
  EXPECT_LT(grown, 16 << 10);
}

TEST(HttpStreaming, SixtyFourMegabytesOfAFile_DoNotGrowMemory) {
  const TestDirectory directory;
  const std::string path = directory / "large";
  std::ofstream(path) << "x";
  std::filesystem::resize_file(path, 64 << 20);
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    exchange->respond_with_file(200, {}, runtime::Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0, 64 << 20);
  });
  RawSocket client(server.port());
  const long before = resident_kib();
  client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  std::size_t got = 0;
  std::array<char, 65536> buffer{};
  for (ssize_t size = 0; (size = recv(client.fd(), buffer.data(), buffer.size(), 0)) > 0;)
    got += static_cast<std::size_t>(size);
  EXPECT_GT(got, 64U << 20);
  EXPECT_LT(resident_kib() - before, 16 << 10);
}

TEST(HttpStreaming, PausedBody_HoldsThePeerWithoutADeadline) {
  std::shared_ptr<Exchange> held;
  std::uint64_t got = 0;
  TestServer server(
      [&](std::shared_ptr<Exchange> exchange) {
        held = exchange;
        exchange->read_body_pieces(
            1ULL << 30,
            [&](std::string_view piece) -> Result<void> {
              if (got == 0) held->pause_body();
              got += piece.size();
              return {};
            },
            [&](Result<void> end) {
              held->respond(text_response(end ? std::to_string(got) : end.error().text()));
              held.reset();
            });
      },
      with_limits({.stall_timeout = 100ms}));
  constexpr std::size_t kTotal = 64 << 20;
  RawSocket client(server.port());
  client.send(fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", kTotal));
  const std::size_t sent = client.send_until_held(kTotal, 400ms);
  EXPECT_LT(sent, 24U << 20);
  server.thread().run([&] { held->resume_body(); });
  EXPECT_EQ(sent + client.send_until_held(kTotal - sent, 10s), kTotal);
  EXPECT_TRUE(client.read_all().ends_with(std::to_string(kTotal)));
}

TEST(HttpAnswer, OfKnownLength_IsExactlyThatLong) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->begin_sized(200, {}, 4);
    exchange->write("ab", {});
    if (exchange->head().target == "/long") exchange->write("cde", {});
    if (exchange->head().target == "/exact") exchange->write("cd", {});
    exchange->finish();
  });
  const std::string more = " HTTP/1.1\r\nHost: x\r\n\r\n";
  EXPECT_TRUE(answer_to(server, "GET /exact" + more).ends_with("\r\n\r\nabcd"));
  EXPECT_FALSE(answer_to(server, "GET /short" + more).ends_with("abcd"));
  EXPECT_FALSE(answer_to(server, "GET /long" + more).contains("abcd"));
  EXPECT_TRUE(answer_to(server, "HEAD /exact" + more).contains("Content-Length: 4\r\n"));
}

TEST(HttpGone, PeerThatLeaves_IsToldOnce) {
  for (const bool hard : {false, true}) {
    std::promise<void> gone;
    TestServer server([&](std::shared_ptr<Exchange> exchange) {
      exchange->begin(200, {});
      exchange->write("x", {});
      exchange->on_gone([&, exchange] { gone.set_value(); });
    });
    RawSocket client(server.port());
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    client.read_until("x\r\n");
    hard ? client.reset() : client.close();
    EXPECT_EQ(gone.get_future().wait_for(20s), std::future_status::ready);
  }
}

TEST(HttpGone, CompletedAnswer_IsNotToldAsGone) {
  std::promise<void> dropped;
  struct OnDrop {
    std::promise<void>* promise;
    ~OnDrop() { promise->set_value(); }
  };
  TestServer server([&](std::shared_ptr<Exchange> exchange) {
    const auto watch = std::make_shared<OnDrop>(&dropped);
    exchange->on_gone([watch] { ADD_FAILURE() << "told although the answer was complete"; });
    exchange->respond(text_response("all"));
  });
  RawSocket client(server.port());
  client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_TRUE(client.read_until("all").ends_with("all"));
  client.close();
  EXPECT_EQ(dropped.get_future().wait_for(20s), std::future_status::ready);
}

TEST(HttpGone, ServerDestroyedInsideItsCallbacks_IsSafe) {
  LoopThread thread;
  std::unique_ptr<HttpServer> server;
  std::shared_ptr<Exchange> kept;
  const auto restart = [&](HttpServer::Handler handler) {
    return thread.run([&] {
      server = std::move(*HttpServer::listen(thread.loop(), {}, std::move(handler)));
      return server->port();
    });
  };
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
  const std::vector<HttpServer::Handler> handlers{
      [&](std::shared_ptr<Exchange> exchange) {
        server.reset();
        exchange->respond(text_response("too late"));
      },
      [&](std::shared_ptr<Exchange> exchange) {
        exchange->read_body(10, [&, exchange](const Result<std::string>&) { server.reset(); });
      },
      [&](std::shared_ptr<Exchange> exchange) {
        exchange->read_body_pieces(
            10,
            [&, exchange](std::string_view) -> Result<void> {
              server.reset();
              return {};
            },
            [](const Result<void>&) { ADD_FAILURE() << "called after the server was destroyed"; });
      },
      [&](std::shared_ptr<Exchange> exchange) {
        exchange->begin(200, {});
        exchange->write("x", [&, exchange](bool) {
          server.reset();
          exchange->write("y", {});
          exchange->finish();
        });
      },
      [&](std::shared_ptr<Exchange> exchange) {
        kept = exchange;
        exchange->on_gone([&] { ADD_FAILURE() << "called after the server was destroyed"; });
        server.reset();
      }};
  for (const auto& handler : handlers) {
    RawSocket client(restart(handler));
    client.send(post);
    EXPECT_TRUE(client.ended_within(10s));
  }
  thread.run([&] {
    kept->respond(text_response("nobody listens"));
    kept.reset();
    server.reset();
  });
}

}  // namespace
}  // namespace slipway::net
