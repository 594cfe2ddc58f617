// RouterNetwork: the network of one local cloud. One network namespace is its router; every guest hangs on a routed
// port of its own (proxy ARP, fixed MAC and address, checked there), 169.254.169.254 lives on the router, dnsmasq gives
// addresses and names, one nft table holds source checks, security groups and NAT; one veth pair leads to the outside.
// What exists already (after kill -9 of the cloud) is adopted. Thread-safe; blocking (milliseconds). Owned by the
// cloud's assembly.
#pragma once
#include <memory>
#include <string>

#include "base/result.hpp"
#include "localcloud/machines/identity.hpp"
#include "localcloud/machines/security.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

struct GuestPort {
  std::string instance_id;
  Ipv4 address;          ///< in identity.guest_network(), index 4..254
  std::string mac;       ///< mac_for(address)
  std::string hostname;  ///< given by DHCP, resolvable by the neighbours; "ip-10-98-0-7"
};

class RouterNetwork {
 public:
  virtual ~RouterNetwork() = default;

  /// Makes the guest's port and a network namespace in which it waits as `eth0`; returns the namespace's path, for
  /// GuestSpec. The guest takes it into a namespace of its own and gives it back at its end, so call this before each
  /// start. Repeatable with the same values: then it adopts, also a port that a running guest has. Conflict if another
  /// guest has the address.
  virtual Result<std::string> add_guest(const GuestPort& port) = 0;
  /// Removes port and namespace. Nothing there is fine. The guest must have ended.
  virtual Result<void> remove_guest(const std::string& instance_id) = 0;
  /// Replaces the whole policy in one transaction. Before the first call no guest reaches another or the outside.
  virtual Result<void> set_security(const SecurityPolicy& policy) = 0;

  /// A listening TCP socket inside the router's namespace, e.g. 169.254.169.254:80. Guests reach only that one and DNS
  /// there. The peer's address of an accepted connection is proof of which guest asks.
  [[nodiscard]] virtual Result<runtime::Fd> listen_inside(Ipv4 address, int port) const = 0;
  /// Outer end of the veth pair: an address of this machine that guests reach on every port.
  [[nodiscard]] virtual Ipv4 outside_address() const = 0;

  /// Puts back what others threw away: forwarding accepts before Docker's policy, a dead dnsmasq. Call every 10 s.
  virtual Result<void> repair() = 0;
  /// Removes everything, also ports of guests. Repeatable. Without it all stays, for the next open.
  virtual Result<void> close() = 0;
};

/// Makes or adopts the namespace, uplink, firewall and dnsmasq. Unsupported with what is missing (ip, nft, dnsmasq).
Result<std::unique_ptr<RouterNetwork>> open_router_network(const Identity& identity);

/// Well-known address of EC2's metadata service.
inline constexpr Ipv4 kMetadataAddress{0xA9FEA9FE};
/// And of its name server ("Amazon DNS"): the same everywhere, so an image may name it.
inline constexpr Ipv4 kResolverAddress{0xA9FEA9FD};

}  // namespace slipway::localcloud
