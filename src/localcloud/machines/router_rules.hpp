// What the router network consists of, as text for ip, nft and dnsmasq. Pure.
#pragma once
#include <string>
#include <vector>

#include "localcloud/machines/identity.hpp"
#include "localcloud/machines/router_network.hpp"

namespace slipway::localcloud {

/// Interface names; 15 characters is the kernel's limit.
std::string outer_uplink_name(const Identity& identity);  ///< outside
std::string uplink_name(const Identity& identity);        ///< in the router
std::string port_name(const Identity& identity, Ipv4 guest);
std::string port_prefix(const Identity& identity);

/// Tables inside the router: the fixed one and the one that set_security() replaces.
std::string security_table(const Identity& identity);

/// `ip` batches.
std::string uplink_outer_commands(const Identity& identity);
std::string uplink_router_commands(const Identity& identity);
std::string port_commands(const Identity& identity, const GuestPort& port, const std::string& guest_namespace);

/// nft scripts. The fixed rules may be loaded again over themselves: the map of ports is left alone.
std::string router_ruleset(const Identity& identity);
std::string add_port_script(const Identity& identity, const GuestPort& port);
std::string remove_port_script(const Identity& identity, const GuestPort& port);
std::string outer_ruleset(const Identity& identity);

/// `directory` holds the pid file and `hosts/`; `resolv_file` names the outer resolvers, empty for none.
std::vector<std::string> dnsmasq_argv(const Identity& identity, const std::string& directory,
                                      const std::string& resolv_file);
std::string dnsmasq_host_line(const GuestPort& port);
/// The reverse, for the removal of a guest whose port we did not make ourselves.
Result<GuestPort> parse_dnsmasq_host_line(const std::string& instance_id, const std::string& line);

/// The one of the resolver files whose servers are reachable from another namespace: a loopback one is not. Empty if
/// none. Each candidate is {path, content}, the best first.
std::string pick_resolv_file(const std::vector<std::pair<std::string, std::string>>& candidates);

}  // namespace slipway::localcloud
