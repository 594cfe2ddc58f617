// Leftovers: what of one local cloud is on this machine and belongs to no live instance, found by looking at the
// machine itself; no cloud process is needed. Blocking; any thread.
#pragma once
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "localcloud/machines/identity.hpp"

namespace slipway::localcloud {

enum class LeftoverKind {
  Process,
  Mount,
  LoopDevice,
  NetworkNamespace,
  Interface,
  FirewallTable,
  FirewallRule,
  Cgroup,
};

struct Leftover {
  LeftoverKind kind;
  std::string name;    ///< pid, mount point, device, namespace, interface, table, rule, directory
  std::string detail;  ///< for people: command line, backing file, …
};

/// What is in use and therefore no leftover.
struct InUse {
  bool cloud = false;               ///< a cloud process runs: router, uplink, tables and volume store are its own
  std::set<std::string> instances;  ///< live ones; while there is one, the router and the store are in use as well
};

/// "process", "mount", "loop_device", "network_namespace", "interface", "firewall_table", "firewall_rule", "cgroup".
std::string_view leftover_kind_name(LeftoverKind kind);

/// Sorted by kind, then name; cgroups in the order in which they can be removed.
Result<std::vector<Leftover>> find_leftovers(const Identity& identity, const InUse& in_use);
/// What is in use now, by looking: the data directory's lock and the supervisors that run.
InUse look_in_use(const Identity& identity);
/// Ends, unmounts or deletes it. Already gone is fine.
Result<void> remove_leftover(const Leftover& leftover);
/// Finds and removes until nothing is left (removing one may free another), processes first. Returns what was removed.
Result<std::vector<Leftover>> remove_leftovers(const Identity& identity, const InUse& in_use);

}  // namespace slipway::localcloud
