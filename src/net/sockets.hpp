// Sockets: the system calls that make listening and connecting sockets, without Asio.
#pragma once
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::net {

/// A socket address with the length that goes with it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] int family() const { return storage.ss_family; }
  /// "127.0.0.1" or "::1"; empty for a Unix socket.
  [[nodiscard]] std::string ip() const;
  [[nodiscard]] std::uint16_t port() const;
  void set_port(std::uint16_t port);
};

/// InvalidInput if `ip` is no IP address.
Result<SocketAddress> ip_address(const std::string& ip, std::uint16_t port);

/// A Unix socket's address. A path over the 107 bytes of sockaddr_un goes through /proc/self/fd, which needs
/// `directory` open until bind or connect returned.
struct UnixAddress {
  SocketAddress address;
  runtime::Fd directory;
};
Result<UnixAddress> unix_address(const std::string& path);

/// A bound, listening TCP socket. Conflict if the address is taken.
Result<runtime::Fd> listen_tcp(const std::string& ip, std::uint16_t port);
/// A bound, listening Unix socket of mode 0600. A socket at which nobody listens is replaced; Conflict otherwise.
Result<runtime::Fd> listen_unix(const std::string& path);
/// A socket without blocking, not inherited by children.
Result<runtime::Fd> open_socket(int family);
/// The port that a listening socket has got; 0 for a Unix socket.
std::uint16_t local_port(int fd);

}  // namespace slipway::net
