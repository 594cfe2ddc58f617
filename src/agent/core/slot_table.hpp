// SlotTable: who holds which of a host's countable devices. A service gets all that it asks for or nothing, and what it
// got comes back once. Pure; owned by Core.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/app.hpp"

namespace slipway::agent {

/// The kernel has no terminal beyond the last; those below the first are the machine's own. As the original host
/// service had it.
inline constexpr int kFirstTty = 10;
inline constexpr int kLastTty = 63;
/// Sessions that share a GPU at most, as in the original.
inline constexpr int kSessionsOfAGpu = 3;
/// One node makes any number of devices, so the count is ours: three (pointer, pad, keyboard) for as many sessions as
/// the kernel has input handlers of the old kind.
inline constexpr int kUinputSlots = 96;

/// Users of processes: a range that neither Debian, systemd nor subordinate ids use (they begin at 100000).
inline constexpr unsigned kFirstProcessUser = 66'000;
inline constexpr unsigned kProcessUsers = 1024;

/// What a host has to give out.
struct SlotInventory {
  std::vector<int> ttys;  ///< numbers, ascending
  int uinputs = 0;
  std::vector<int> gpus;           ///< indices, ascending
  std::string directory = "/dev";  ///< where this was looked up: for messages
  std::set<unsigned> taken_users;  ///< accounts of the host in the range of processes' users
};

/// What one service holds: numbers within the inventory, ascending.
struct SlotGrant {
  std::vector<int> ttys;
  std::vector<int> uinputs;  ///< 0 … kUinputSlots - 1
  std::vector<int> gpus;     ///< different ones
  std::vector<int> ports;    ///< of the host, as asked for
  unsigned user = 0;         ///< of a process, nobody else's; 0: none
  bool operator==(const SlotGrant&) const = default;
  [[nodiscard]] bool empty() const {
    return ttys.empty() && uinputs.empty() && gpus.empty() && ports.empty() && user == 0;
  }
};

/// What a process wants beyond devices.
struct ProcessWish {
  std::vector<int> ports;  ///< different ones
  bool user = false;
};

class SlotTable {
 public:
  explicit SlotTable(SlotInventory inventory) : inventory_(std::move(inventory)) {}

  /// All of `wanted` for `holder`, the lowest free numbers and the GPUs with the fewest sessions first. Unsupported if
  /// this host never has that many, Exhausted if it has not now; the message names the kind, the number and why.
  /// Conflict if `holder` holds some already. A port that another one holds is Exhausted, one beyond the range of
  /// model/app.hpp Unsupported. On an error nothing is taken.
  Result<SlotGrant> take(const AllocationId& holder, const model::Slots& wanted, const ProcessWish& process = {});
  /// What a journal says that `holder` got before a restart: it counts, whatever the host has by now.
  void restore(const AllocationId& holder, const SlotGrant& grant);
  /// False if `holder` holds none (any more).
  bool give_back(const AllocationId& holder);

  [[nodiscard]] const SlotInventory& inventory() const { return inventory_; }
  [[nodiscard]] model::Slots free() const;

 private:
  [[nodiscard]] std::vector<int> free_ttys() const;
  [[nodiscard]] std::vector<int> free_uinputs() const;
  [[nodiscard]] std::vector<int> free_gpus() const;  ///< with room for a session, least used first
  [[nodiscard]] Result<void> check_ports(const std::vector<int>& ports) const;
  [[nodiscard]] Result<unsigned> free_user() const;

  SlotInventory inventory_;
  std::map<AllocationId, SlotGrant> held_;
};

}  // namespace slipway::agent
