// The devices behind slots: which ones a host has, which nodes a grant stands for, and whose they are meanwhile.
// Blocking, but touches only a device directory. Any thread.
#pragma once
#include <string>
#include <vector>

#include "agent/core/slot_table.hpp"
#include "base/result.hpp"

namespace slipway::agent {

/// What `directory` ("/dev") holds: tty10 … tty63, uinput, and as GPUs nvidia0, nvidia1, … or, where there is none,
/// dri/renderD128, …. A directory that is missing has nothing.
SlotInventory find_devices(const std::string& directory);

struct DeviceNode {
  std::string host;       ///< path on the host
  std::string container;  ///< where the container sees it: the same name below /dev
  bool operator==(const DeviceNode&) const = default;
};
/// The nodes of a grant, each once; beside a GPU of NVIDIA those that all its GPUs share.
std::vector<DeviceNode> device_nodes(const std::string& directory, const SlotGrant& grant);
/// Groups, other than root's, that may read and write the nodes: the container's user joins them.
std::vector<unsigned> device_groups(const std::vector<DeviceNode>& nodes);

/// A terminal belongs to whom it was given, as login(1) does it: owner `uid`, mode 0600. May be repeated.
Result<void> give_terminals(const std::string& directory, const std::vector<int>& ttys, unsigned uid);
/// Back to root and the group of tty0, mode 0620. May be repeated; a terminal that is gone is fine.
Result<void> take_terminals_back(const std::string& directory, const std::vector<int>& ttys);

}  // namespace slipway::agent
