#include "localcloud/security_policy.hpp"

namespace slipway::localcloud {
namespace {

SecurityRule firewall_rule(const GroupRule& rule) {
  SecurityRule result;
  if (rule.protocol == "tcp") result.protocol = IpProtocol::Tcp;
  if (rule.protocol == "udp") result.protocol = IpProtocol::Udp;
  if (rule.protocol == "icmp") result.protocol = IpProtocol::Icmp;
  if (result.protocol == IpProtocol::Tcp || result.protocol == IpProtocol::Udp) {
    result.from_port = rule.from_port;
    result.to_port = rule.to_port;
  }
  if (const auto network = Ipv4Network::parse(rule.cidr)) result.networks.push_back(*network);
  if (!rule.source_group_id.empty()) result.groups.push_back(rule.source_group_id);
  return result;
}

}  // namespace

SecurityPolicy security_policy(const Inventory& inventory) {
  SecurityPolicy policy;
  for (const auto& [id, group] : inventory.groups()) {
    auto& rules = policy.groups[id];
    for (const auto& rule : group.ingress) rules.ingress.push_back(firewall_rule(rule));
    rules.egress.push_back(SecurityRule{.networks = {Ipv4Network{.base = {}, .prefix = 0}}, .groups = {}});
  }
  for (const auto& [id, instance] : inventory.instances()) {
    if (!instance.live()) continue;
    if (const auto address = Ipv4::parse(instance.private_ip)) policy.guests[*address] = instance.group_ids;
  }
  return policy;
}

}  // namespace slipway::localcloud
