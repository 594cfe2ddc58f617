// Security groups as the firewall needs them: plain values, and the pure function that turns them into rules.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "localcloud/machines/ipv4.hpp"

namespace slipway::localcloud {

enum class IpProtocol { All, Tcp, Udp, Icmp };

/// One permission. It matches the peer if the address lies in one of `networks` or belongs to a member of one of
/// `groups`; both empty matches nobody.
struct SecurityRule {
  IpProtocol protocol = IpProtocol::All;
  int from_port = 0;  ///< Tcp, Udp: 0..65535, both ends included. Icmp: type and code are not looked at.
  int to_port = 65535;
  std::vector<Ipv4Network> networks;
  std::vector<std::string> groups;
};

struct SecurityGroup {
  std::vector<SecurityRule> ingress;  ///< peer is the source
  std::vector<SecurityRule> egress;   ///< peer is the destination
};

/// The whole policy: what is not opened is dropped; answers to what was let through pass. Metadata, DHCP and DNS of the
/// router are always open to guests, as on EC2.
struct SecurityPolicy {
  std::map<std::string, SecurityGroup> groups;      ///< by group id, [A-Za-z0-9-]{1,64}
  std::map<Ipv4, std::vector<std::string>> guests;  ///< groups of each guest address
};

/// True if one of the group's ingress rules lets this peer in; for what is no packet of a guest's port.
bool lets_in(const SecurityGroup& group, IpProtocol protocol, int port, Ipv4 peer,
             const std::vector<std::string>& peer_groups);

/// EC2's default for a group: everything out.
SecurityRule allow_all_egress();

/// The nft script that replaces table `inet <table>`, which holds this policy and nothing else, in one transaction.
/// What comes in by `uplink` needs no egress rule, what leaves by it no ingress rule. InvalidInput for a bad group name
/// or port range; a group that is named but not described has no rules.
Result<std::string> security_ruleset(const std::string& table, const std::string& uplink, const SecurityPolicy& policy);

}  // namespace slipway::localcloud
