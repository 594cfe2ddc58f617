// One search for each kind of leftover. Each looks at the machine's own tables, never at ours. Blocking; any thread.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "localcloud/machines/leftovers.hpp"

namespace slipway::localcloud {

/// Decides by a name whether a thing is this cloud's and in nobody's use.
class OwnedNames {
 public:
  OwnedNames(const Identity& identity, const InUse& in_use) : identity_(identity), in_use_(in_use) {}
  [[nodiscard]] const Identity& identity() const { return identity_; }
  /// Router, uplink, tables, volume store.
  [[nodiscard]] bool shared_in_use() const { return in_use_.cloud || !in_use_.instances.empty(); }
  /// True if `text` carries "slipway-<id>" and names no live instance; without an instance in it, it is shared.
  [[nodiscard]] bool is_leftover(std::string_view text) const;

 private:
  const Identity& identity_;
  const InUse& in_use_;
};

std::vector<Leftover> find_processes(const OwnedNames& owned);
std::vector<Leftover> find_mounts(const OwnedNames& owned);
std::vector<Leftover> find_loop_devices(const OwnedNames& owned);
std::vector<Leftover> find_network_namespaces(const OwnedNames& owned);
std::vector<Leftover> find_interfaces(const OwnedNames& owned);
/// Our tables, and rules of other tables that name our interfaces.
Result<std::vector<Leftover>> find_firewall(const OwnedNames& owned);
std::vector<Leftover> find_cgroups(const OwnedNames& owned);

}  // namespace slipway::localcloud
