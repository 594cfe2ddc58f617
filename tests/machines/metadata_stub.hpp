// The least of a metadata service that the base tree needs to become an instance. Tests only.
#pragma once
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <string>
#include <thread>

#include "runtime/fd.hpp"

namespace slipway::localcloud {

class MetadataStub {
 public:
  MetadataStub(runtime::Fd listener, std::string instance_id, std::string public_key)
      : listener_(std::move(listener)),
        instance_id_(std::move(instance_id)),
        public_key_(std::move(public_key)),
        thread_([this] { serve(); }) {}
  ~MetadataStub() {
    stop_ = true;
    thread_.join();
  }

 private:
  void serve() {
    while (!stop_) {
      pollfd polled{.fd = listener_.get(), .events = POLLIN, .revents = 0};
      if (poll(&polled, 1, 50) <= 0) continue;
      const runtime::Fd peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (peer.valid()) answer(peer.get());
    }
  }
  void answer(int peer) const {
    std::string request;
    std::array<char, 2048> buffer;
    while (request.find("\r\n\r\n") == std::string::npos) {
      pollfd polled{.fd = peer, .events = POLLIN, .revents = 0};
      const ssize_t got = poll(&polled, 1, 1000) > 0 ? read(peer, buffer.data(), buffer.size()) : 0;
      if (got <= 0) return;
      request.append(buffer.data(), static_cast<std::size_t>(got));
    }
    std::string body;
    std::string status = "200 OK";
    if (request.starts_with("PUT /latest/api/token")) {
      body = "token";
    } else if (request.find("/meta-data/instance-id ") != std::string::npos) {
      body = instance_id_;
    } else if (request.find("/public-keys/0/openssh-key ") != std::string::npos) {
      body = public_key_;
    } else {
      status = "404 Not Found";
    }
    const std::string reply = "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
                              "\r\nConnection: close\r\n\r\n" + body;
    [[maybe_unused]] const ssize_t ignored = send(peer, reply.data(), reply.size(), MSG_NOSIGNAL);
  }

  runtime::Fd listener_;
  const std::string instance_id_;
  const std::string public_key_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace slipway::localcloud
