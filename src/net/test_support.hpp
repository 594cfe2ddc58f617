// What the tests of net/ share: a loop on a thread of its own, and a blocking socket that says exactly what it is told.
#pragma once
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "net/http_server.hpp"
#include "net/sockets.hpp"
#include "runtime/loop.hpp"

namespace slipway::net {

class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;
  ~LoopThread() {
    loop_.stop();
    thread_.join();
  }
  /// Runs `work` on the loop's thread and gives what it returns.
  template <typename Work>
  auto run(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    loop_.post([&task] { task(); });
    return result.get();
  }
  runtime::Loop& loop() { return loop_; }

 private:
  runtime::Loop loop_;
  std::thread thread_;
};

/// A server on a loop thread of its own; the port is the kernel's choice.
class TestServer {
 public:
  explicit TestServer(HttpServer::Handler handler, ListenOptions options = {}) {
    server_ = thread_.run([&] {
      auto server = HttpServer::listen(thread_.loop(), std::move(options), std::move(handler));
      return server ? std::move(*server) : nullptr;
    });
    EXPECT_TRUE(server_);
    port_ = server_ ? server_->port() : 0;
  }
  TestServer(const TestServer&) = delete;
  TestServer& operator=(const TestServer&) = delete;
  ~TestServer() { reset(); }
  void reset() {
    thread_.run([this] { server_.reset(); });
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(const std::string& target) const {
    return fmt::format("http://127.0.0.1:{}{}", port_, target);
  }
  HttpServer& server() { return *server_; }
  LoopThread& thread() { return thread_; }
  runtime::Loop& loop() { return thread_.loop(); }

 private:
  LoopThread thread_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
};

class TestDirectory {
 public:
  TestDirectory() {
    std::string name = "/tmp/slipway-net-XXXXXX";
    path_ = mkdtemp(name.data());
  }
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;
  ~TestDirectory() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class RawSocket {
 public:
  explicit RawSocket(runtime::Fd fd) : fd_(std::move(fd)) { set_patience(); }
  explicit RawSocket(std::uint16_t port) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = ip_address("127.0.0.1", port);
    EXPECT_EQ(connect(fd_.get(), address->get(), address->size), 0);
    set_patience();
  }
  explicit RawSocket(const std::string& unix_path) : fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto address = unix_address(unix_path);
    EXPECT_EQ(connect(fd_.get(), address->address.get(), address->address.size), 0);
    set_patience();
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t put = ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (put <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  void close_sending() { shutdown(fd_.get(), SHUT_WR); }
  void close() { fd_.reset(); }
  /// Closes with a reset instead of a goodbye.
  void reset() {
    const linger hard{.l_onoff = 1, .l_linger = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    fd_.reset();
  }
  /// Everything up to the end of the connection.
  std::string read_all() {
    std::string out;
    while (read_more(out)) {
    }
    return out;
  }
  /// Until `mark` has come, or the end.
  std::string read_until(std::string_view mark) {
    std::string out;
    while (!out.contains(mark) && read_more(out)) {
    }
    return out;
  }
  /// A message's head and not a byte more.
  std::string read_head() {
    std::string head;
    for (std::string next = "x"; !next.empty() && !head.ends_with("\r\n\r\n"); head += next) next = read_exactly(1);
    return head;
  }
  /// True when the peer has closed or reset, false if nothing came for `patience`.
  bool ended_within(Duration patience) {
    pollfd entry{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    while (poll(&entry, 1, static_cast<int>(patience.count())) > 0) {
      std::string dropped;
      if (!read_more(dropped)) return true;
    }
    return false;
  }
  /// Sends until `total` bytes are with the kernel or it took nothing for `patience`; how many it took.
  std::size_t send_until_held(std::size_t total, Duration patience) {
    const std::string piece(64 << 10, 'h');
    std::size_t sent = 0;
    pollfd entry{.fd = fd_.get(), .events = POLLOUT, .revents = 0};
    while (sent < total && poll(&entry, 1, static_cast<int>(patience.count())) > 0) {
      const ssize_t put =
          ::send(fd_.get(), piece.data(), std::min(piece.size(), total - sent), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put > 0) sent += static_cast<std::size_t>(put);
      if (put < 0 && errno != EAGAIN) break;
    }
    return sent;
  }
  /// Reads `size` bytes, or up to the end, and forgets them; how many came.
  std::size_t skip(std::size_t size) {
    std::vector<char> buffer(64 << 10);
    std::size_t got = 0;
    while (got < size) {
      const ssize_t more = recv(fd_.get(), buffer.data(), std::min(buffer.size(), size - got), 0);
      if (more <= 0) break;
      got += static_cast<std::size_t>(more);
    }
    return got;
  }
  /// Exactly `size` bytes, unless the end comes first.
  std::string read_exactly(std::size_t size) {
    std::string out(size, '\0');
    std::size_t got = 0;
    for (ssize_t more = 1; got < size && more > 0; got += static_cast<std::size_t>(std::max<ssize_t>(more, 0))) {
      more = recv(fd_.get(), out.data() + got, size - got, 0);
    }
    out.resize(got);
    return out;
  }
  [[nodiscard]] int fd() const { return fd_.get(); }
  runtime::Fd take_fd() { return std::move(fd_); }

 private:
  void set_patience() {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  bool read_more(std::string& out) {
    char buffer[65536];
    const ssize_t got = recv(fd_.get(), buffer, sizeof buffer, 0);
    if (got > 0) out.append(buffer, static_cast<std::size_t>(got));
    return got > 0;
  }
  runtime::Fd fd_;
};

/// Listens on a port that the kernel chose; the test speaks for whoever is connected to.
class Acceptor {
 public:
  Acceptor() : listener_(*listen_tcp("127.0.0.1", 0)) {}
  [[nodiscard]] std::uint16_t port() const { return local_port(listener_.get()); }
  RawSocket accept() {
    pollfd entry{.fd = listener_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(poll(&entry, 1, 20'000), 1) << "nobody connected";
    return RawSocket(runtime::Fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
  }

 private:
  runtime::Fd listener_;
};

/// Two ends of one connection: one for the code under test, one that the test speaks on.
inline std::pair<runtime::Fd, RawSocket> connected_pair() {
  int ends[2] = {-1, -1};
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  return {runtime::Fd(ends[0]), RawSocket(runtime::Fd(ends[1]))};
}

/// `size` bytes that repeat nowhere in a period of a read or a record.
inline std::string pattern(std::size_t size, unsigned seed) {
  std::string out(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& c : out) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24U);
  }
  return out;
}

inline Response text_response(std::string body, int status = 200) {
  return {.status = status, .headers = {}, .body = std::move(body)};
}

}  // namespace slipway::net
