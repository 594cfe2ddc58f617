// Identity: what tells one local cloud from another on this machine. At its first start a data directory claims one
// *slot* of the machine; id, guest network, uplink network and uid ranges follow from it and stay for ever. Claims lie
// in a machine-wide registry, so that two data directories never meet, also when started at the same moment or when the
// other one is stopped. Any thread; blocking.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "localcloud/machines/ipv4.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

/// Guests have 65536 uids each; a cloud owns 256 such ranges, one for each last byte of a guest's address.
inline constexpr std::uint32_t kUidsPerGuest = 65536;
/// Slots lie in systemd's range for containers (0x80000..0x6fffffff), 2^24 uids each, hence 96 of them.
inline constexpr int kSlotCount = 96;

struct Identity {
  std::string id;              ///< 5 characters of [a-z0-9], the first a letter; stands in every name that we make
  int slot = 0;                ///< 0 .. kSlotCount-1
  std::string data_directory;  ///< absolute

  /// 10.98.<slot>.0/24. The router is .1; guests get .4 to .254, as in a subnet of EC2.
  [[nodiscard]] Ipv4Network guest_network() const;
  [[nodiscard]] Ipv4 router_address() const { return guest_network().at(1); }
  /// 10.99.<slot>.0/30: .1 is the outer end of the veth pair, .2 the router's.
  [[nodiscard]] Ipv4Network uplink_network() const;
  [[nodiscard]] Ipv4 outside_address() const { return uplink_network().at(1); }
  /// First uid of the range of the guest with this address.
  [[nodiscard]] std::uint32_t uid_base(Ipv4 guest) const;

  /// "slipway-<id>": the router's network namespace, the firewall tables, the parent cgroup.
  [[nodiscard]] std::string name() const { return "slipway-" + id; }
  /// "slipway-<id>-<instance>": the guest's network namespace and its supervisor's name.
  [[nodiscard]] std::string name(const std::string& instance_id) const { return name() + "-" + instance_id; }

  /// Below the data directory:
  [[nodiscard]] std::string instances_directory() const { return data_directory + "/instances"; }
  [[nodiscard]] std::string instance_directory(const std::string& instance_id) const {
    return instances_directory() + "/" + instance_id;
  }
  [[nodiscard]] std::string network_directory() const { return data_directory + "/network"; }
  [[nodiscard]] std::string lxcfs_directory() const { return data_directory + "/lxcfs"; }
  [[nodiscard]] std::string volumes_directory() const { return data_directory + "/volumes"; }
  [[nodiscard]] std::string volumes_file() const { return data_directory + "/volumes-" + id + ".btrfs"; }
};

struct IdentityOptions {
  std::string registry_directory = "/var/lib/slipway/claims";
  /// Networks that the machine routes already; read from the machine where absent.
  std::optional<std::vector<Ipv4Network>> routes;
};

/// The directory's identity; claims and durably stores one at the first call (makes the directory, mode 0700). Conflict
/// if the directory is a copy of another one that still exists; Exhausted if no slot is free.
Result<Identity> open_identity(const std::string& data_directory, RandomSource& random, const IdentityOptions& = {});
/// The stored identity without claiming anything; NotFound if the directory has none.
Result<Identity> read_identity(const std::string& data_directory);
/// Gives the claim back and removes the stored identity; for the deletion of a data directory. Repeatable.
Result<void> release_identity(const Identity& identity, const IdentityOptions& = {});

/// Held while a cloud process owns the data directory. Conflict if another process holds it. Released by the kernel.
Result<runtime::Fd> lock_data_directory(const std::string& data_directory);
/// True if a cloud process holds that lock now.
bool is_data_directory_locked(const std::string& data_directory);

/// Pure: the lowest slot that is not claimed and whose networks no route overlaps.
std::optional<int> pick_slot(const std::vector<int>& claimed, const std::vector<Ipv4Network>& routes);

}  // namespace slipway::localcloud
