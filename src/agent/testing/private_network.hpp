// What the tests of services share: a server on loopback, in this network or in one of its own.
#pragma once
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <optional>
#include <string>
#include <thread>

#include "runtime/fd.hpp"

namespace slipway::agent {

/// A listening socket on 127.0.0.1 of the calling thread's network; `port` gets its number.
inline runtime::Fd listen_on_loopback(int& port, int backlog = 16) {
  runtime::Fd listener(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return {};
  if (listen(listener.get(), backlog) != 0) return {};
  getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  port = ntohs(address.sin_port);
  return listener;
}

/// A blocking connection to a port of the calling thread's network.
inline runtime::Fd connect_to_loopback(int port) {
  runtime::Fd made(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(made.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return {};
  return made;
}

/// A network of its own, as a container has one, with its loopback up. It lives as long as this object; `tid` leads to
/// it through /proc.
class PrivateNetwork {
 public:
  PrivateNetwork() : thread_([this] { live(); }) { ready_.get_future().wait(); }
  PrivateNetwork(const PrivateNetwork&) = delete;
  PrivateNetwork& operator=(const PrivateNetwork&) = delete;
  ~PrivateNetwork() {
    end_.set_value();
    thread_.join();
  }
  /// False where this test may not make one.
  [[nodiscard]] bool made() const { return listener_.valid(); }
  [[nodiscard]] int tid() const { return tid_; }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] int listener() const { return listener_.get(); }

 private:
  void live() {
    if (unshare(CLONE_NEWNET) == 0) {
      const runtime::Fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      ifreq request{};
      request.ifr_name[0] = 'l';
      request.ifr_name[1] = 'o';
      request.ifr_flags = IFF_UP;
      if (ioctl(any.get(), SIOCSIFFLAGS, &request) == 0) listener_ = listen_on_loopback(port_);
      tid_ = gettid();
    }
    ready_.set_value();
    end_.get_future().wait();
  }

  runtime::Fd listener_;
  int port_ = 0;
  int tid_ = 0;
  std::promise<void> ready_;
  std::promise<void> end_;
  std::thread thread_;  // last: it uses the others
};

/// Answers each connection with a fixed text, after reading something of it.
class FixedServer {
 public:
  explicit FixedServer(std::string answer) : answer_(std::move(answer)), listener_(listen_on_loopback(port_)) {
    thread_ = std::thread([this] { serve(); });
  }
  FixedServer(const FixedServer&) = delete;
  FixedServer& operator=(const FixedServer&) = delete;
  ~FixedServer() {
    shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] int port() const { return port_; }

 private:
  void serve() {
    while (true) {
      const runtime::Fd one(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!one.valid()) return;
      char bytes[4096];
      if (recv(one.get(), bytes, sizeof bytes, 0) <= 0) continue;
      if (send(one.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL) < 0) continue;
    }
  }
  int port_ = 0;
  std::string answer_;
  runtime::Fd listener_;
  std::thread thread_;
};

}  // namespace slipway::agent
