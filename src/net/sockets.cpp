#include "net/sockets.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace slipway::net {
namespace {

Result<void> bind_and_listen(int fd, const SocketAddress& address, const std::string& name) {
  if (bind(fd, address.get(), address.size) != 0) {
    if (errno != EADDRINUSE) return fail_errno(errno, "bind " + name);
    return fail(Error{.code = Code::Conflict,
                      .message = fmt::format("{} is taken by another program", name),
                      .fix = "stop that program or choose another address",
                      .context = {}});
  }
  if (listen(fd, SOMAXCONN) != 0) return fail_errno(errno, "listen on " + name);
  return {};
}

/// True if a socket file is there that nobody serves any more.
bool is_stale(const SocketAddress& address, const std::string& path) {
  struct stat info{};
  if (lstat(path.c_str(), &info) != 0 || !S_ISSOCK(info.st_mode)) return false;
  auto probe = open_socket(AF_UNIX);
  return probe && connect(probe->get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

}  // namespace

std::string SocketAddress::ip() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (family() == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text, sizeof text);
  if (family() == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, text, sizeof text);
  }
  return text;
}

std::uint16_t SocketAddress::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

void SocketAddress::set_port(std::uint16_t port) {
  if (family() == AF_INET) reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  if (family() == AF_INET6) reinterpret_cast<sockaddr_in6*>(&storage)->sin6_port = htons(port);
}

Result<SocketAddress> ip_address(const std::string& ip, std::uint16_t port) {
  SocketAddress address;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (inet_pton(AF_INET, ip.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    address.size = sizeof *v4;
  } else if (inet_pton(AF_INET6, ip.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    address.size = sizeof *v6;
  } else {
    return fail(Code::InvalidInput, "'{}' is no IP address", ip);
  }
  return address;
}

Result<UnixAddress> unix_address(const std::string& path) {
  UnixAddress out;
  auto* name = reinterpret_cast<sockaddr_un*>(&out.address.storage);
  name->sun_family = AF_UNIX;
  std::string shown = path;
  if (path.size() >= sizeof name->sun_path) {
    const std::filesystem::path whole(path);
    out.directory = runtime::Fd(open(whole.parent_path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!out.directory.valid()) return fail_errno(errno, "open " + whole.parent_path().string());
    shown = fmt::format("/proc/self/fd/{}/{}", out.directory.get(), whole.filename().string());
  }
  if (shown.empty() || shown.size() >= sizeof name->sun_path) {
    return fail(Code::InvalidInput, "'{}' cannot be the name of a Unix socket", path);
  }
  std::memcpy(name->sun_path, shown.c_str(), shown.size() + 1);
  out.address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + shown.size() + 1);
  return out;
}

Result<runtime::Fd> open_socket(int family) {
  runtime::Fd fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail_errno(errno, "socket");
  return fd;
}

Result<runtime::Fd> listen_tcp(const std::string& ip, std::uint16_t port) {
  SLIPWAY_ASSIGN(const SocketAddress address, ip_address(ip, port));
  SLIPWAY_ASSIGN(runtime::Fd fd, open_socket(address.family()));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  SLIPWAY_TRY(bind_and_listen(fd.get(), address, fmt::format("{}:{}", ip, port)));
  return fd;
}

Result<runtime::Fd> listen_unix(const std::string& path) {
  SLIPWAY_ASSIGN(const UnixAddress address, unix_address(path));
  SLIPWAY_ASSIGN(runtime::Fd fd, open_socket(AF_UNIX));
  // The socket file takes its mode from the descriptor, so there is no moment at which others could connect.
  if (fchmod(fd.get(), 0600) != 0) return fail_errno(errno, "fchmod of the socket " + path);
  if (is_stale(address.address, path)) unlink(path.c_str());
  SLIPWAY_TRY(bind_and_listen(fd.get(), address.address, path));
  return fd;
}

std::uint16_t local_port(int fd) {
  SocketAddress address;
  address.size = sizeof address.storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address.storage), &address.size) != 0) return 0;
  return address.port();
}

}  // namespace slipway::net
