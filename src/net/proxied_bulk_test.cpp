// What the reverse proxy and the splices do to memory, and to much data.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/wait.h>

#include <fstream>

#include "net/proxy_test_support.hpp"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/allocator_interface.h>
#define SLIPWAY_ASAN 1
#endif
#endif

namespace slipway::net {
namespace {
using namespace std::chrono_literals;

constexpr std::size_t kBytes = 64 << 20;

std::size_t allocated_bytes() {
#ifdef SLIPWAY_ASAN
  return __sanitizer_get_current_allocated_bytes();
#else
  return mallinfo2().uordblks;
#endif
}

/// The most that was allocated while `work` ran, over what was before.
template <typename Work>
std::size_t growth_during(LoopThread& loop, Work work) {
  std::size_t most = 0;
  const std::size_t before = allocated_bytes();
  runtime::Loop::Timer watch =
      loop.run([&] { return loop.loop().every(1ms, [&] { most = std::max(most, allocated_bytes()); }); });
  work();
  loop.run([&] { watch.cancel(); });
  return most > before ? most - before : 0;
}

/// Compares what comes with `expected` without keeping it.
bool reads_exactly(RawSocket& socket, std::string_view expected) {
  for (std::size_t at = 0; at < expected.size();) {
    const std::string part = socket.read_exactly(std::min<std::size_t>(64 << 10, expected.size() - at));
    if (part.empty() || !expected.substr(at).starts_with(part)) return false;
    at += part.size();
  }
  return true;
}

TEST(ProxiedBulk, SixtyFourMegabytesEachWay_ArriveByteForByteWithoutGrowingMemory) {
  const std::string up = pattern(kBytes, 1), down = pattern(kBytes, 2);
  ProxyRig rig;
  RawSocket client = rig.client();
  const std::size_t grown = growth_during(rig.front().thread(), [&] {
    std::thread uploading([&] {
      client.send(post(fmt::format("Content-Length: {}\r\n", kBytes)));
      client.send(up);
    });
    RawSocket app = rig.app();
    app.read_head();
    std::thread downloading([&] {
      app.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kBytes));
      app.send(std::string_view(down).substr(1));  // an answer that is complete ends the upload
    });
    EXPECT_TRUE(client.read_head().starts_with("HTTP/1.1 200"));
    std::thread receiving([&] {
      EXPECT_TRUE(reads_exactly(client, std::string_view(down).substr(1)));
      EXPECT_TRUE(reads_exactly(client, std::string_view(down).substr(0, 1)));
    });
    EXPECT_TRUE(reads_exactly(app, up));
    downloading.join();
    app.send(std::string_view(down).substr(0, 1));
    for (std::thread* thread : {&uploading, &receiving}) thread->join();
  });
  const ProxyEnd end = rig.next_end();
  EXPECT_EQ(end.request_bytes, kBytes);
  EXPECT_EQ(end.response_bytes, kBytes);
  EXPECT_LT(grown, 2U << 20);
}

/// Answers a chunked body with the same, chunked, as it comes.
void echo(std::shared_ptr<Exchange> exchange) {
  exchange->begin(200, {});
  exchange->read_body_pieces(
      1ULL << 40,
      [exchange](std::string_view piece) -> Result<void> {
        exchange->pause_body();
        exchange->write(std::string(piece), [exchange](bool) { exchange->resume_body(); });
        return {};
      },
      [exchange](Result<void> end) { end ? exchange->finish() : exchange->abort(); });
}

TEST(ProxiedBulk, ChunkedBody_IsEchoedByteForByte) {
  TestServer app(echo);
  ProxyRig rig;
  rig.use_app_port(app.port());
  const std::string body = pattern(kBytes, 3);
  RawSocket client = rig.client();
  std::thread uploading([&] {
    client.send(post("Transfer-Encoding: chunked\r\n"));
    for (std::size_t at = 0, size = 1; at < body.size(); at += size, size = size % 99'991 + 7) {
      const std::string_view piece = std::string_view(body).substr(at, size);
      client.send(fmt::format("{:x}\r\n{}\r\n", piece.size(), piece));
    }
    client.send("0\r\n\r\n");
  });
  std::string got;
  client.read_head();
  std::string line;
  do {
    line.clear();
    while (!line.ends_with("\r\n")) line += client.read_exactly(1);
    got += client.read_exactly(std::stoul(line, nullptr, 16));
    client.read_exactly(2);
  } while (line != "0\r\n");
  uploading.join();
  EXPECT_TRUE(got == body);
}

TEST(ProxiedBulk, SlowReader_HoldsTheApp) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(get("/", "Connection: close\r\n"));
  RawSocket app = rig.app();
  app.read_head();
  app.send(fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 4 * kBytes));
  const std::size_t sent = app.send_until_held(4 * kBytes, 300ms);
  EXPECT_LT(sent, 24U << 20);
  client.read_head();
  std::thread reading([&] { client.skip(4 * kBytes); });
  EXPECT_EQ(sent + app.send_until_held(4 * kBytes - sent, 10s), 4 * kBytes);
  app.close();
  reading.join();
  EXPECT_TRUE(rig.next_end().result);
}

TEST(ProxiedBulk, SlowApp_HoldsTheUpload) {
  ProxyRig rig;
  RawSocket client = rig.client();
  client.send(post(fmt::format("Content-Length: {}\r\n", 4 * kBytes)));
  RawSocket app = rig.app();
  const std::size_t sent = client.send_until_held(4 * kBytes, 300ms);
  EXPECT_LT(sent, 24U << 20);
  app.read_head();
  std::thread reading([&] {
    app.skip(3 * kBytes);
    app.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    app.skip(kBytes);
  });
  client.send_until_held(4 * kBytes - sent, 10s);
  EXPECT_TRUE(client.read_until("\r\n\r\nok").starts_with("HTTP/1.1 200 OK"));
  client.close();
  reading.join();
}

/// Child process: people and agents, whose memory is not the controller's. Opens `count` WebSockets through tunnels and
/// stays until `until` closes.
[[noreturn]] void be_the_others(std::uint16_t port, const PinnedAuthority& pin, int count, int ready, int until) {
  LoopThread thread;
  std::vector<std::shared_ptr<void>> handles;
  std::vector<std::unique_ptr<RawStream>> people;
  const auto dial = [&](const char* path, const char* protocol) {
    const auto opened = std::make_shared<std::promise<std::unique_ptr<RawStream>>>();
    thread.loop().post([&, opened, path, protocol] {
      UpgradeTarget target{.endpoint = {}, .path = path, .headers = {}, .protocol = protocol};
      target.endpoint = {.unix_path = {}, .host = "127.0.0.1", .port = port, .tls = pin};
      target.headers.add("Cookie", std::string(1000, 'c'));
      connect_upgraded(thread.loop(), std::move(target), [opened](Result<std::unique_ptr<RawStream>> stream) {
        if (!stream) fmt::print(stderr, "{}\n", stream.error().text());
        if (!stream) std::_Exit(1);
        opened->set_value(std::move(*stream));
      });
    });
    return opened->get_future();
  };
  std::vector<RawSocket> apps;
  for (int i = 0; i < count; ++i) {
    auto [fd, app] = connected_pair();
    auto tunnel = dial("/tunnel", "slipway-tunnel").get();
    handles.push_back(thread.run(
        [&] { return splice(thread.loop(), std::move(tunnel), make_raw_stream(thread.loop(), std::move(fd)), {}); }));
    auto person = dial("/ws", "websocket");
    app.read_head();
    app.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    people.push_back(person.get());
    apps.push_back(std::move(app));
  }
  char byte = 'r';
  if (write(ready, &byte, 1) != 1 || read(until, &byte, 1) < 0) std::_Exit(2);
  std::_Exit(0);
}

TEST(ProxiedBulk, IdleUpgradedConnectionOverTls_HoldsLessThanThirtyKilobytes) {
  constexpr int kConnections = 200, kFirst = 20;
  const WallTime now = SystemClock().now().wall;
  const auto authority = make_authority("test", now);
  const PinnedAuthority pin{.fingerprint_hex = *fingerprint(authority->certificate_pem)};
  auto listening = listen_tcp("127.0.0.1", 0);
  const std::uint16_t port = local_port(listening->get());
  int ready[2], until[2];
  ASSERT_TRUE(pipe2(ready, O_CLOEXEC) == 0 && pipe2(until, O_CLOEXEC) == 0);
  const pid_t others = fork();
  if (others == 0) {
    listening->reset();
    close(until[1]);
    be_the_others(port, pin, kConnections, ready[1], until[0]);
  }
  ListenOptions options;
  options.listening_fd = std::move(*listening);
  options.tls = *issue_server_certificate(*authority, {"x"}, now, 1h);
  std::unique_ptr<RawStream> tunnel;
  int open = 0;
  std::size_t first_bytes = 0;
  runtime::Loop* loop = nullptr;
  TestServer controller(
      [&](std::shared_ptr<Exchange> exchange) {
        if (exchange->head().target == "/tunnel") {
          if (open++ == kFirst) first_bytes = allocated_bytes();
          exchange->accept_upgrade("slipway-tunnel",
                                   [&](Result<std::unique_ptr<RawStream>> stream) { tunnel = std::move(*stream); });
          return;
        }
        ProxyRequest request{.target = "/", .headers = end_to_end(exchange->head().headers)};
        request.upstream = std::move(tunnel);
        reverse_proxy(*loop, exchange, std::move(request), {});
      },
      std::move(options));
  loop = &controller.loop();
  char byte = 0;
  close(ready[1]);
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  const std::size_t each = (controller.thread().run(allocated_bytes) - first_bytes) / (kConnections - kFirst);
  RecordProperty("bytes_each", static_cast<int>(each));
  fmt::print("an idle upgraded connection and its tunnel hold {} bytes\n", each);
  EXPECT_LT(each, 30U << 10);
  close(until[1]);
  int status = 0;
  EXPECT_EQ(waitpid(others, &status, 0), others);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace slipway::net
