// Who listens on which port of this host, as the kernel tells it. A process shares the host's network with others, so a
// port that answers is believed only if it is the allocation's own. Any thread.
#pragma once
#include <set>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace slipway::agent {

struct PortListener {
  int port = 0;
  unsigned uid = 0;
  bool loopback = false;  ///< reached from this host alone
};
/// Text of /proc/net/tcp or tcp6. Pure.
std::vector<PortListener> parse_listeners(std::string_view table);
/// In the calling thread's network. Io if /proc does not tell.
Result<std::vector<PortListener>> read_listeners();

/// What the ports of a process must be like.
struct PortRule {
  unsigned uid = 0;       ///< of the allocation
  std::set<int> exposed;  ///< may be open to the network
  bool operator==(const PortRule&) const = default;
};
/// Unreachable if nothing listens; Denied if somebody else does, or if the port is open to the network and may not be:
/// with what to do about it.
Result<void> check_port(const std::vector<PortListener>& listeners, int port, const PortRule& rule);

}  // namespace slipway::agent
