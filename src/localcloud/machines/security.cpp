#include "localcloud/machines/security.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace slipway::localcloud {
namespace {

constexpr std::size_t kLongestGroupId = 64;

Result<void> check_group_id(const std::string& id) {
  const auto good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-'; };
  if (id.empty() || id.size() > kLongestGroupId || !std::ranges::all_of(id, good)) {
    return fail(Code::InvalidInput, "'{}' is no id of a security group", id);
  }
  return {};
}

Result<void> check_rule(const std::string& group, const SecurityRule& rule) {
  for (const std::string& peer : rule.groups) SLIPWAY_TRY(check_group_id(peer));
  if (rule.from_port < 0 || rule.to_port > 65535 || rule.from_port > rule.to_port) {
    return fail(Code::InvalidInput, "security group {}: no port range {}-{}", group, rule.from_port, rule.to_port);
  }
  return {};
}

std::string match_protocol(const SecurityRule& rule) {
  switch (rule.protocol) {
    case IpProtocol::All:
      return "";
    case IpProtocol::Icmp:
      return "ip protocol icmp ";
    case IpProtocol::Tcp:
      return fmt::format("tcp dport {}-{} ", rule.from_port, rule.to_port);
    case IpProtocol::Udp:
      return fmt::format("udp dport {}-{} ", rule.from_port, rule.to_port);
  }
  return "";
}

/// One line for each peer: networks in one set could overlap, which nft refuses.
std::string rule_lines(const SecurityRule& rule, std::string_view peer_field) {
  std::string out;
  for (const Ipv4Network& network : rule.networks) {
    out += "    " + match_protocol(rule);
    if (network.prefix > 0) out += fmt::format("ip {} {} ", peer_field, network.text());
    out += "accept\n";
  }
  for (const std::string& group : rule.groups) {
    out += fmt::format("    {}ip {} @members-{} accept\n", match_protocol(rule), peer_field, group);
  }
  return out;
}

std::string group_chain(std::string_view prefix, const std::string& id, const std::vector<SecurityRule>& rules,
                        std::string_view peer_field) {
  std::string out = fmt::format("  chain {}-{} {{\n", prefix, id);
  for (const SecurityRule& rule : rules) out += rule_lines(rule, peer_field);
  return out + "  }\n";
}

/// Every group that is described, named by a guest or named as a peer.
std::set<std::string> all_groups(const SecurityPolicy& policy) {
  std::set<std::string> out;
  const auto add_peers = [&](const std::vector<SecurityRule>& rules) {
    for (const SecurityRule& rule : rules) out.insert(rule.groups.begin(), rule.groups.end());
  };
  for (const auto& [id, group] : policy.groups) {
    out.insert(id);
    add_peers(group.ingress);
    add_peers(group.egress);
  }
  for (const auto& [guest, groups] : policy.guests) out.insert(groups.begin(), groups.end());
  return out;
}

std::string member_set(const std::string& id, const SecurityPolicy& policy) {
  std::string elements;
  for (const auto& [guest, groups] : policy.guests) {
    if (std::ranges::find(groups, id) == groups.end()) continue;
    elements += (elements.empty() ? "" : ", ") + guest.text();
  }
  if (elements.empty()) return fmt::format("  set members-{} {{ type ipv4_addr; }}\n", id);
  return fmt::format("  set members-{} {{ type ipv4_addr; elements = {{ {} }}; }}\n", id, elements);
}

std::string guest_chain(std::string_view prefix, Ipv4 guest, const std::vector<std::string>& groups) {
  std::string out = fmt::format("  chain {}-guest-{} {{\n", prefix, guest.text());
  for (const std::string& group : groups) out += fmt::format("    jump {}-{}\n", prefix, group);
  return out + "  }\n";
}

std::string dispatch(std::string_view prefix, std::string_view field, const SecurityPolicy& policy) {
  if (policy.guests.empty()) return "";
  std::string elements;
  for (const auto& [guest, groups] : policy.guests) {
    elements +=
        fmt::format("{}{} : jump {}-guest-{}", elements.empty() ? "" : ", ", guest.text(), prefix, guest.text());
  }
  return fmt::format("    ip {} vmap {{ {} }}\n", field, elements);
}

/// Two chains on the same hook: a packet passes only if the egress rules of its source and the ingress rules of its
/// destination both accept it.
std::string hooks(const std::string& uplink, const SecurityPolicy& policy) {
  return fmt::format(
      "  chain egress {{\n"
      "    type filter hook forward priority 0; policy drop;\n"
      "    ct state established,related accept\n"
      "    ct state invalid drop\n"
      "    iifname \"{0}\" accept\n"
      "{1}  }}\n"
      "  chain ingress {{\n"
      "    type filter hook forward priority 10; policy drop;\n"
      "    ct state established,related accept\n"
      "    oifname \"{0}\" accept\n"
      "{2}  }}\n",
      uplink, dispatch("out", "saddr", policy), dispatch("in", "daddr", policy));
}

}  // namespace

bool lets_in(const SecurityGroup& group, IpProtocol protocol, int port, Ipv4 peer,
             const std::vector<std::string>& peer_groups) {
  return std::ranges::any_of(group.ingress, [&](const SecurityRule& rule) {
    const bool kind = rule.protocol == IpProtocol::All ||
                      (rule.protocol == protocol && rule.from_port <= port && port <= rule.to_port);
    const auto holds_peer = [&](const Ipv4Network& network) { return network.contains(peer); };
    const auto is_of_peer = [&](const std::string& id) {
      return std::ranges::find(peer_groups, id) != peer_groups.end();
    };
    return kind && (std::ranges::any_of(rule.networks, holds_peer) || std::ranges::any_of(rule.groups, is_of_peer));
  });
}

SecurityRule allow_all_egress() { return {.networks = {Ipv4Network{.base = Ipv4{0}, .prefix = 0}}, .groups = {}}; }

Result<std::string> security_ruleset(const std::string& table, const std::string& uplink,
                                     const SecurityPolicy& policy) {
  for (const auto& [id, group] : policy.groups) {
    for (const SecurityRule& rule : group.ingress) SLIPWAY_TRY(check_rule(id, rule));
    for (const SecurityRule& rule : group.egress) SLIPWAY_TRY(check_rule(id, rule));
  }
  // Naming the table before deleting it makes the deletion succeed also when there is none.
  std::string out = fmt::format("table inet {0}\ndelete table inet {0}\ntable inet {0} {{\n", table);
  static const SecurityGroup kNothing;
  const std::set<std::string> groups = all_groups(policy);
  for (const std::string& id : groups) {
    SLIPWAY_TRY(check_group_id(id));
    out += member_set(id, policy);
  }
  for (const std::string& id : groups) {
    const auto found = policy.groups.find(id);
    const SecurityGroup& group = found == policy.groups.end() ? kNothing : found->second;
    out += group_chain("out", id, group.egress, "daddr");
    out += group_chain("in", id, group.ingress, "saddr");
  }
  for (const auto& [guest, names] : policy.guests) {
    out += guest_chain("out", guest, names);
    out += guest_chain("in", guest, names);
  }
  return out + hooks(uplink, policy) + "}\n";
}

}  // namespace slipway::localcloud
