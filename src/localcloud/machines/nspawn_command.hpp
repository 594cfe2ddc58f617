// How systemd-nspawn is called. Pure.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "localcloud/machines/guest.hpp"

namespace slipway::localcloud {

/// "slipway-<cloud>-<instance>".
std::string machine_name(const GuestSpec& spec);
/// "slipway-<cloud>/<instance>", below the root of each hierarchy.
std::string cgroup_path(const GuestSpec& spec);
std::vector<std::string> nspawn_argv(const GuestSpec& spec);
/// `version_1`: version 1 holds the cgroup controllers of this machine.
std::map<std::string, std::string> nspawn_environment(bool version_1, const std::string& notify_socket);
/// Exit status of nspawn with --keep-unit when the guest rebooted (systemd's EXIT_FORCE_RESTART).
inline constexpr int kNspawnRebooted = 133;

}  // namespace slipway::localcloud
