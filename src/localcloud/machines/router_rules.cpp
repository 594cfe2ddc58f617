#include "localcloud/machines/router_rules.hpp"

#include "localcloud/machines/text.hpp"

namespace slipway::localcloud {
namespace {

constexpr std::string_view kDomain = "ec2.internal";

}  // namespace

std::string outer_uplink_name(const Identity& identity) { return "sw" + identity.id + "u"; }
std::string uplink_name(const Identity& identity) { return "sw" + identity.id + "r"; }
std::string port_prefix(const Identity& identity) { return "sw" + identity.id + "p"; }
std::string port_name(const Identity& identity, Ipv4 guest) {
  return fmt::format("{}{}", port_prefix(identity), guest.value & 255);
}
std::string security_table(const Identity& identity) { return identity.name() + "-security"; }

std::string uplink_outer_commands(const Identity& identity) {
  const std::string link = outer_uplink_name(identity);
  const Ipv4Network net = identity.uplink_network();
  return fmt::format(
      "address replace {}/{} dev {}\n"
      "link set {} up\n"
      "route replace {} via {} dev {}\n",
      net.at(1).text(), net.prefix, link, link, identity.guest_network().text(), net.at(2).text(), link);
}

std::string uplink_router_commands(const Identity& identity) {
  const std::string link = uplink_name(identity);
  const Ipv4Network net = identity.uplink_network();
  // The unreachable route keeps packets to addresses that no guest has from circling between router and outside.
  return fmt::format(
      "link set lo up\n"
      "address replace {}/32 dev lo\n"
      "address replace {}/32 dev lo\n"
      "address replace {}/{} dev {}\n"
      "link set {} up\n"
      "route replace default via {} dev {}\n"
      "route replace unreachable {}\n",
      kMetadataAddress.text(), kResolverAddress.text(), net.at(2).text(), net.prefix, link, link, net.at(1).text(),
      link, identity.guest_network().text());
}

std::string port_commands(const Identity& identity, const GuestPort& port, const std::string& guest_namespace) {
  const std::string link = port_name(identity, port.address);
  return fmt::format(
      "link add {0} type veth peer name eth0 address {1} netns {2}\n"
      "link set {0} alias {3}\n"
      "address replace {4}/24 dev {0} noprefixroute\n"
      "link set {0} up\n"
      "route replace {5}/32 dev {0} src {4}\n"
      "neighbour replace {5} lladdr {1} dev {0} nud permanent\n",
      link, port.mac, guest_namespace, port.instance_id, identity.router_address().text(), port.address.text());
}

std::string router_ruleset(const Identity& identity) {
  return fmt::format(
      "table inet {0} {{\n"
      "  map ports {{ type ifname . ether_addr . ipv4_addr : verdict; }}\n"
      "  chain source {{ type filter hook prerouting priority -150; policy drop; }}\n"
      "  chain input {{ type filter hook input priority 0; policy drop; }}\n"
      "  chain postrouting {{ type nat hook postrouting priority 100; policy accept; }}\n"
      "}}\n"
      "flush chain inet {0} source\n"
      "flush chain inet {0} input\n"
      "flush chain inet {0} postrouting\n"
      "table inet {0} {{\n"
      "  chain source {{\n"
      "    iifname {{ \"lo\", \"{1}\" }} accept\n"
      "    meta nfproto ipv6 drop\n"
      "    iifname \"{2}*\" ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept\n"
      "    iifname . ether saddr . ip saddr vmap @ports\n"
      "  }}\n"
      "  chain input {{\n"
      "    iifname \"lo\" accept\n"
      "    ct state established,related accept\n"
      "    icmp type echo-request accept\n"
      "    iifname \"{2}*\" udp dport {{ 53, 67 }} accept\n"
      "    iifname \"{2}*\" tcp dport 53 accept\n"
      "    iifname \"{2}*\" ip daddr {3} meta l4proto tcp accept\n"
      "    reject\n"
      "  }}\n"
      "  chain postrouting {{\n"
      "    oifname \"{1}\" ip daddr != {4} masquerade\n"
      "  }}\n"
      "}}\n",
      identity.name(), uplink_name(identity), port_prefix(identity), kMetadataAddress.text(),
      identity.uplink_network().text());
}

namespace {
std::string port_element(const Identity& identity, const GuestPort& port) {
  return fmt::format("\"{}\" . {} . {} : accept", port_name(identity, port.address), port.mac, port.address.text());
}
}  // namespace

std::string add_port_script(const Identity& identity, const GuestPort& port) {
  return fmt::format("add element inet {} ports {{ {} }}\n", identity.name(), port_element(identity, port));
}

std::string remove_port_script(const Identity& identity, const GuestPort& port) {
  // Adding first makes the deletion succeed also when it was not there.
  return fmt::format("{}delete element inet {} ports {{ {} }}\n", add_port_script(identity, port), identity.name(),
                     port_element(identity, port));
}

/// Guest networks and uplinks of all clouds of a machine: Identity::guest_network() and uplink_network() over every
/// slot.
constexpr std::string_view kEveryCloud = "10.98.0.0/16, 10.99.0.0/16";

std::string outer_ruleset(const Identity& identity) {
  return fmt::format(
      "table inet {0}\n"
      "delete table inet {0}\n"
      "table inet {0} {{\n"
      "  chain postrouting {{\n"
      "    type nat hook postrouting priority 100; policy accept;\n"
      "    ip saddr {1} oifname != \"{2}\" masquerade\n"
      "  }}\n"
      // Masqueraded, a guest would be taken for the other cloud's own outside.
      "  chain forward {{\n"
      "    type filter hook forward priority 0; policy accept;\n"
      "    iifname \"{2}\" ip daddr {{ {3} }} drop\n"
      "  }}\n"
      "}}\n",
      identity.name(), identity.uplink_network().text(), outer_uplink_name(identity), kEveryCloud);
}

std::vector<std::string> dnsmasq_argv(const Identity& identity, const std::string& directory,
                                      const std::string& resolv_file) {
  const Ipv4Network guests = identity.guest_network();
  std::vector<std::string> argv{
      "dnsmasq",
      "--conf-file=/dev/null",
      "--pid-file=" + directory + "/dnsmasq.pid",
      "--bind-dynamic",
      "--interface=" + port_prefix(identity) + "*",
      fmt::format("--listen-address={}", kResolverAddress.text()),
      "--no-hosts",
      "--domain=" + std::string(kDomain),
      fmt::format("--local=/{}/", kDomain),
      "--domain-needed",
      // cloud-init asks for these to find out whether the resolver makes answers up.
      "--local=/invalid/",
      "--local=/does-not-exist.example.com/",
      "--cache-size=1000",
      fmt::format("--dhcp-range={},static,255.255.255.0,12h", guests.base.text()),
      "--dhcp-hostsdir=" + directory + "/hosts",
      "--dhcp-option=option:router," + identity.router_address().text(),
      "--dhcp-option=option:dns-server," + identity.router_address().text(),
      "--dhcp-authoritative",
      "--dhcp-rapid-commit",
      "--no-ping",
      "--leasefile-ro",
      "--quiet-dhcp",
  };
  argv.push_back(resolv_file.empty() ? "--no-resolv" : "--resolv-file=" + resolv_file);
  return argv;
}

std::string dnsmasq_host_line(const GuestPort& port) {
  return fmt::format("{},{},{}\n", port.mac, port.address.text(), port.hostname);
}

Result<GuestPort> parse_dnsmasq_host_line(const std::string& instance_id, const std::string& line) {
  const auto fields = split(trim(line), ',');
  if (fields.size() != 3) return fail(Code::Corrupt, "the DHCP entry of {} is damaged", instance_id);
  SLIPWAY_ASSIGN(const Ipv4 address, Ipv4::parse(fields[1]));
  return GuestPort{.instance_id = instance_id,
                   .address = address,
                   .mac = std::string(fields[0]),
                   .hostname = std::string(fields[2])};
}

std::string pick_resolv_file(const std::vector<std::pair<std::string, std::string>>& candidates) {
  for (const auto& [path, content] : candidates) {
    bool usable = false;
    bool loopback = false;
    for (const std::string_view line : split(content, '\n')) {
      const auto words = split(line, ' ');
      if (words.size() < 2 || words[0] != "nameserver") continue;
      (words[1].starts_with("127.") || words[1] == "::1" ? loopback : usable) = true;
    }
    if (usable && !loopback) return path;
  }
  return "";
}

}  // namespace slipway::localcloud
