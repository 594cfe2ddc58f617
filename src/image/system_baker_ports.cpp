// The baker's ports to the real world.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <thread>

#include "image/baker.hpp"
#include "image/openssh.hpp"
#include "runtime/fd.hpp"

namespace slipway::image {
namespace {

/// A connected datagram socket has chosen its route and its own address; nothing is sent.
Result<std::string> own_address_towards(const std::string& address) {
  sockaddr_in peer{};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(22);
  if (inet_pton(AF_INET, address.c_str(), &peer.sin_addr) != 1) {
    return fail(Code::Unsupported, "'{}' is not an IPv4 address", address);
  }
  const runtime::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in own{};
  socklen_t length = sizeof own;
  if (!socket.valid() || connect(socket.get(), reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&own), &length) != 0) {
    return fail_errno(errno, "find the route to " + address);
  }
  char text[INET_ADDRSTRLEN] = {};
  inet_ntop(AF_INET, &own.sin_addr, text, sizeof text);
  return std::string(text);
}

}  // namespace

BakerPorts system_baker_ports(cloud::Cloud& cloud, const Clock& clock) {
  return {.cloud = cloud,
          .clock = clock,
          .connect = connect_openssh,
          .sleep = [](Duration delay) { std::this_thread::sleep_for(delay); },
          .own_address_towards = own_address_towards};
}

}  // namespace slipway::image
