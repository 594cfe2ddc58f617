#include "localcloud/machines/nspawn_command.hpp"

#include "localcloud/machines/identity.hpp"

namespace slipway::localcloud {
namespace {

/// nspawn separates the parts of a bind with ':'.
std::string escape_bind(const std::string& path) {
  std::string out;
  for (const char c : path) {
    if (c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string machine_name(const GuestSpec& spec) { return fmt::format("slipway-{}-{}", spec.cloud, spec.instance_id); }

std::string cgroup_path(const GuestSpec& spec) { return fmt::format("slipway-{}/{}", spec.cloud, spec.instance_id); }

std::vector<std::string> nspawn_argv(const GuestSpec& spec) {
  std::vector<std::string> argv{
      "systemd-nspawn",
      "--quiet",
      "--boot",
      "--machine=" + machine_name(spec),
      "--hostname=" + spec.hostname,
      "--directory=" + spec.root,
      // The guest's namespace must belong to its user namespace, so nspawn makes it and the supervisor moves the port
      // in.
      "--private-network",
      // The machine may have no systemd of its own to register with, and where it has, our cgroups are the guest's.
      "--register=no",
      "--keep-unit",
      "--settings=no",
      "--link-journal=no",
      "--timezone=off",
      // Without it the guest's resolver configuration is overwritten with the outer one.
      "--resolv-conf=off",
      "--console=read-only",
      // Nothing on the disk is chowned: the mount maps the owners.
      fmt::format("--private-users={}:{}", spec.uid_base, kUidsPerGuest),
      "--private-users-ownership=map",
      // All of it counts inside the guest's user namespace only; Docker inside needs it.
      "--capability=all",
      "--system-call-filter=add_key keyctl bpf",
      "--oom-score-adjust=0",
  };
  for (const GuestBind& bind : spec.binds) {
    argv.push_back(
        fmt::format("--bind{}={}:{}", bind.read_only ? "-ro" : "", escape_bind(bind.source), escape_bind(bind.target)));
  }
  return argv;
}

std::map<std::string, std::string> nspawn_environment(bool version_1, const std::string& notify_socket) {
  std::map<std::string, std::string> env{{"NOTIFY_SOCKET", notify_socket}, {"TERM", "dumb"}};
  if (version_1) {
    // The guest sees the version 1 controllers that it was given, so that Docker inside can set limits.
    env["SYSTEMD_NSPAWN_UNIFIED_HIERARCHY"] = "0";
    env["SYSTEMD_NSPAWN_USE_CGNS"] = "1";
  }
  return env;
}

}  // namespace slipway::localcloud
