// The outer machine's side of a cloud's network: our own table (NAT for the uplink), and accepts in front of a FORWARD
// chain that drops by default, as Docker's does. Blocking; any thread.
#pragma once
#include "base/result.hpp"
#include "localcloud/machines/identity.hpp"

namespace slipway::localcloud {

/// Puts the table in place and lets the machine forward. Repeatable.
Result<void> open_outer_firewall(const Identity& identity);
/// Puts accepts for the uplink into iptables' FORWARD chain, if the machine has that chain and they are not there.
Result<void> ensure_forward_accepts(const Identity& identity);
/// Removes table and accepts. Nothing there is fine.
Result<void> close_outer_firewall(const Identity& identity);

}  // namespace slipway::localcloud
