#include "agent/services/network_namespace.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>

#include "base/log.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kCancelLook = std::chrono::milliseconds(50);

Result<runtime::Fd> open_namespace(const std::string& path) {
  runtime::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.valid()) return fd;
  if (errno == ENOENT || errno == ESRCH) return fail(Code::NotFound, "there is no {}", path);
  return fail_errno(errno, "open " + path);
}

std::unexpected<Error> refused_connection(int port, int error) {
  if (error == ECONNREFUSED) return fail(Code::Unreachable, "nothing listens on port {}", port);
  return fail(Code::Unreachable, "port {} cannot be reached: {}", port, strerrordesc_np(error));
}

}  // namespace

SteadyTime steady_now() { return SystemClock().now().steady; }

Result<void> wait_for_events(int fd, short events, SteadyTime until, const Cancelled& cancelled) {
  while (true) {
    if (cancelled && *cancelled) return fail(Code::Cancelled, "cancelled");
    const Duration left = until - steady_now();
    pollfd one{.fd = fd, .events = events, .revents = 0};
    const int wait = static_cast<int>(std::clamp<Duration>(left, Duration(0), kCancelLook).count());
    const int got = poll(&one, 1, wait);
    if (got > 0) return {};
    if (got < 0 && errno != EINTR) return fail_errno(errno, "poll");
    if (left <= Duration(0)) return fail(Code::Timeout, "nothing came in time");
  }
}

Result<std::shared_ptr<const NetworkNamespace>> NetworkNamespace::of_process(int pid, std::optional<PortRule> rule) {
  SLIPWAY_ASSIGN(runtime::Fd there, open_namespace(fmt::format("/proc/{}/ns/net", pid)));
  return std::shared_ptr<const NetworkNamespace>(new NetworkNamespace(std::move(there), std::move(rule)));
}

/// A socket belongs for ever to the network that it was made in, so the thread is there for this one call only.
Result<runtime::Fd> NetworkNamespace::make_socket() const {
  SLIPWAY_ASSIGN(const runtime::Fd home, open_namespace("/proc/thread-self/ns/net"));
  if (setns(there_.get(), CLONE_NEWNET) != 0) {
    if (errno == EPERM) return fail(Code::Denied, "this agent may not enter a container's network; it has to be root");
    return fail_errno(errno, "enter the container's network");
  }
  runtime::Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int error = errno;
  if (setns(home.get(), CLONE_NEWNET) != 0) {
    // Whatever this thread did next would happen to the container's network.
    log::error("a thread could not return from a container's network");
    std::abort();
  }
  if (!socket.valid()) return fail_errno(error, "make a socket");
  return socket;
}

Result<runtime::Fd> NetworkNamespace::connect(int port, Duration timeout, const Cancelled& cancelled) const {
  const SteadyTime until = steady_now() + timeout;
  if (rule_) {
    // The network that others share is this host's own, which is this agent's.
    SLIPWAY_ASSIGN(const auto listeners, read_listeners());
    SLIPWAY_TRY(check_port(listeners, port, *rule_));
  }
  SLIPWAY_ASSIGN(runtime::Fd socket, make_socket());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno != EINPROGRESS) return refused_connection(port, errno);
    auto waited = wait_for_events(socket.get(), POLLOUT, until, cancelled);
    if (!waited && waited.error().code == Code::Timeout) {
      return fail(Code::Timeout, "port {} did not take a connection within {}", port, format_duration(timeout));
    }
    SLIPWAY_TRY(std::move(waited));
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return refused_connection(port, error);
  }
  const int on = 1;  // a key press or a WebSocket message must not wait for an acknowledgement
  if (setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) return fail_errno(errno, "TCP_NODELAY");
  return socket;
}

}  // namespace slipway::agent
