#include "net/http_server.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "net/test_support.hpp"

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

void answer_with_target(std::shared_ptr<Exchange> exchange) {
  exchange->respond(text_response(exchange->head().target));
}

void echo(std::shared_ptr<Exchange> exchange) {
  exchange->read_body(1 << 20, [exchange](Result<std::string> body) {
    if (!body) return exchange->respond(text_response(body.error().text(), http_status(body.error().code)));
    exchange->respond(text_response(std::move(*body)));
  });
}

std::string get(std::string_view target, std::string_view more = "") {
  return fmt::format("GET {} HTTP/1.1\r\nHost: here\r\n{}\r\n", target, more);
}

int count(std::string_view text, std::string_view what) {
  int found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

TEST(HttpServer, Request_OnTcp_IsAnsweredWithPeerAndTarget) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    const RequestHead& head = exchange->head();
    exchange->respond(text_response(fmt::format("{} {} {} {}", head.method, head.target, head.peer_address,
                                                head.headers.get("x-thing").value_or("none"))));
  });
  RawSocket client(server.port());
  client.send(get("/a?b=c", "X-Thing: 1\r\nConnection: close\r\n"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\n")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /a?b=c 127.0.0.1 1")) << answer;
  EXPECT_TRUE(answer.contains("Connection: close\r\n"));
}

TEST(HttpServer, KeepAlive_ServesManyRequestsOnOneConnection) {
  TestServer server(answer_with_target);
  RawSocket client(server.port());
  for (int i = 0; i < 50; ++i) {
    client.send(get(fmt::format("/{}end", i)));
    EXPECT_TRUE(client.read_until("end").ends_with(fmt::format("\r\n\r\n/{}end", i)));
  }
}

TEST(HttpServer, PipelinedRequests_AreAnsweredInOrder) {
  TestServer server(echo);
  RawSocket client(server.port());
  std::string requests, expected;
  for (int i = 0; i < 100; ++i) {
    const std::string close = i == 99 ? "Connection: close\r\n" : "";
    requests += fmt::format("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n{}\r\n{:03}", close, i);
    expected += fmt::format("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n{}\r\n{:03}", close, i);
  }
  client.send(requests);
  client.close_sending();
  EXPECT_TRUE(client.read_all() == expected);
}

TEST(HttpServer, RequestInSingleBytes_IsUnderstood) {
  TestServer server(echo);
  RawSocket client(server.port());
  const std::string request =
      "\r\nPOST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
      "3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
  for (const char c : request) client.send({&c, 1});
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nabc0123456789"));
}

TEST(HttpServer, UnixSocket_HasMode0600AndReplacesAStaleOne) {
  const TestDirectory directory;
  // Longer than a socket address holds.
  const std::string path = directory / std::string(80, 'd');
  std::filesystem::create_directory(path);
  const std::string socket_path = path + "/" + std::string(60, 's');
  {
    const auto stale = listen_unix(socket_path);
  }
  ASSERT_TRUE(std::filesystem::exists(socket_path));
  TestServer server(answer_with_target, {.unix_path = socket_path});
  struct stat info{};
  ASSERT_EQ(stat(socket_path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  RawSocket client(socket_path);
  client.send(get("/unix", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_all().ends_with("/unix"));
  const auto second = listen_unix(socket_path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::Conflict);
  server.reset();
  EXPECT_FALSE(std::filesystem::exists(socket_path));
}

TEST(HttpServer, Listen_OnATakenPort_IsAConflict) {
  TestServer server(answer_with_target);
  runtime::Loop loop;
  const auto second = HttpServer::listen(loop, {.port = server.port()}, answer_with_target);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::Conflict);
}

TEST(HttpServer, ListeningFd_OfTheCaller_IsServed) {
  auto fd = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(fd);
  const std::uint16_t port = local_port(fd->get());
  ListenOptions options;
  options.listening_fd = std::move(*fd);
  options.response_ttl = 1;
  TestServer server(answer_with_target, std::move(options));
  EXPECT_EQ(server.port(), port);
  RawSocket client(port);
  client.send(get("/fd", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_all().ends_with("/fd"));
}

TEST(HttpServer, Head_GetsTheLengthWithoutTheBody) {
  TestServer server(answer_with_target);
  RawSocket client(server.port());
  client.send("HEAD /12345 HTTP/1.1\r\nHost: x\r\n\r\n" + get("/next", "Connection: close\r\n"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nHTTP/1.1 200 OK\r\n")) << answer;
}

TEST(HttpServer, AnswerHeaders_CannotBreakTheLine) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    Response response = text_response("x");
    response.headers.add("X-A", "1\r\nX-Evil: 2");
    response.headers.add("Content-Length", "7");
    exchange->respond(std::move(response));
  });
  RawSocket client(server.port());
  client.send(get("/", "Connection: close\r\n"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.contains("X-A: 1  X-Evil: 2\r\n")) << answer;
  EXPECT_EQ(count(answer, "Content-Length"), 1);
}

TEST(HttpServer, Http10_GetsCloseAndNoChunks) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    exchange->write("one", {});
    exchange->write("two", {});
    exchange->finish();
  });
  RawSocket client(server.port());
  client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.ends_with("\r\n\r\nonetwo")) << answer;
  EXPECT_FALSE(answer.contains("chunked"));
}

TEST(HttpServer, StreamedAnswer_IsChunkedAndTheConnectionGoesOn) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    if (exchange->head().target == "/last") return exchange->respond(text_response("last"));
    exchange->begin(200, {});
    exchange->write("abc", [exchange](bool sent) {
      EXPECT_TRUE(sent);
      exchange->write("", {});
      exchange->write("defg", {});
      exchange->finish();
    });
  });
  RawSocket client(server.port());
  client.send(get("/") + get("/last", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_all().starts_with(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST(HttpServer, UnansweredExchange_Becomes500) {
  TestServer server([](std::shared_ptr<Exchange>) {});
  RawSocket client(server.port());
  client.send(get("/", "Connection: close\r\n"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  EXPECT_TRUE(answer.contains("application/problem+json"));
}

TEST(HttpServer, AbandonedStream_EndsWithoutTheLastChunk) {
  TestServer server([](std::shared_ptr<Exchange> exchange) {
    exchange->begin(200, {});
    exchange->write("half", [exchange](bool) { exchange->abort(); });
  });
  RawSocket client(server.port());
  client.send(get("/"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.ends_with("4\r\nhalf\r\n")) << answer;
}

TEST(HttpServer, Expect100_IsAnsweredWhenTheBodyIsRead) {
  TestServer server(echo);
  RawSocket client(server.port());
  client.send("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("body");
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nbody"));
}

TEST(HttpServer, BodyOverTheHandlersLimit_IsTooLargeAndTheAnswerArrives) {
  TestServer server(echo);
  for (const bool chunked : {false, true}) {
    RawSocket client(server.port());
    const std::string big(3 << 20, 'x');
    const std::string length = fmt::format("Content-Length: {}", big.size());
    client.send("POST / HTTP/1.1\r\nHost: x\r\n" + (chunked ? "Transfer-Encoding: chunked" : length) + "\r\n\r\n");
    client.send(chunked ? fmt::format("{:x}\r\n{}", big.size(), big) : big);
    const std::string answer = client.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 413 ")) << answer;
    EXPECT_TRUE(answer.contains("Connection: close\r\n"));
  }
}

TEST(HttpServer, SmallUnreadBody_IsDroppedAndTheConnectionGoesOn) {
  TestServer server(answer_with_target);
  RawSocket client(server.port());
  client.send("POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + std::string(100000, 'b') +
              get("/2", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_all().ends_with("/2"));
}

TEST(HttpServer, RespondWithFile_SendsTheRange) {
  const TestDirectory directory;
  const std::string path = directory / "file";
  std::string content;
  for (int i = 0; i < 300000; ++i) content += fmt::format("{:07}\n", i);
  std::ofstream(path, std::ios::binary) << content;
  TestServer server([path](std::shared_ptr<Exchange> exchange) {
    exchange->respond_with_file(206, {}, runtime::Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), 8, 2000000);
  });
  RawSocket client(server.port());
  client.send(get("/", "Connection: close\r\n"));
  const std::string answer = client.read_all();
  EXPECT_TRUE(answer.contains("Content-Length: 2000000\r\n"));
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), content.substr(8, 2000000));
}

TEST(HttpServer, RespondWithFile_ThatIsTooShort_BreaksOff) {
  const TestDirectory directory;
  const std::string path = directory / "file";
  std::ofstream(path) << "short";
  TestServer server([path](std::shared_ptr<Exchange> exchange) {
    exchange->respond_with_file(200, {}, runtime::Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC)), 0, 100);
  });
  RawSocket client(server.port());
  client.send(get("/"));
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\nshort"));
}

}  // namespace
}  // namespace slipway::net
