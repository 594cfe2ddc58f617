#include "localcloud/machines/leftovers.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "localcloud/machines/guest_driver.hpp"
#include "localcloud/machines/leftover_search.hpp"
#include "localcloud/machines/loop_mount.hpp"
#include "localcloud/machines/network_namespace.hpp"
#include "localcloud/machines/text.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

constexpr std::array<std::pair<LeftoverKind, std::string_view>, 8> kNames{{
    {LeftoverKind::Process, "process"},
    {LeftoverKind::Mount, "mount"},
    {LeftoverKind::LoopDevice, "loop_device"},
    {LeftoverKind::NetworkNamespace, "network_namespace"},
    {LeftoverKind::Interface, "interface"},
    {LeftoverKind::FirewallTable, "firewall_table"},
    {LeftoverKind::FirewallRule, "firewall_rule"},
    {LeftoverKind::Cgroup, "cgroup"},
}};

/// Removing one thing frees the next (a process its mount, a mount its loop device); deeper chains do not exist.
constexpr int kRounds = 5;
constexpr std::chrono::milliseconds kBetweenRounds{100};

Result<void> end_process(const std::string& name) {
  const auto pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
  if (pid <= 1) return fail(Code::InvalidInput, "'{}' is no process", name);
  if (kill(pid, SIGKILL) != 0 && errno != ESRCH) return fail_errno(errno, "kill process " + name);
  return {};
}

Result<void> unmount(const std::string& name) {
  // Detached: whatever still uses it is a leftover as well, and ends it.
  if (umount2(name.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT) {
    return fail_errno(errno, "unmount " + name);
  }
  return {};
}

Result<void> delete_interface(const std::string& name) {
  return has_interface("", name) ? run_ip_batch("", fmt::format("link delete {}\n", name)) : Result<void>();
}

Result<void> delete_table(const std::string& name) {
  return run_nft("", fmt::format("table {0}\ndelete table {0}\n", name));
}

/// The name is what iptables or nft needs to delete it: "iptables FORWARD -i … -j ACCEPT" or "nft ip filter FORWARD
/// handle 7".
Result<void> delete_rule(const std::string& name) {
  const auto words = split(name, ' ');
  std::vector<std::string> argv(words.begin(), words.end());
  if (argv.size() > 2 && argv[0] == "iptables") {
    argv.insert(argv.begin() + 1, {"-w", "5", "-D"});
  } else if (argv.size() == 6 && argv[0] == "nft") {
    argv.insert(argv.begin() + 1, {"delete", "rule"});
  } else {
    return fail(Code::InvalidInput, "'{}' is no firewall rule", name);
  }
  SLIPWAY_TRY(runtime::run_checked(std::move(argv)));
  return {};
}

Result<void> delete_cgroup(const std::string& name) {
  if (rmdir(name.c_str()) != 0 && errno != ENOENT) return fail_errno(errno, "remove cgroup " + name);
  return {};
}

}  // namespace

std::string_view leftover_kind_name(LeftoverKind kind) {
  for (const auto& [value, name] : kNames) {
    if (value == kind) return name;
  }
  return "process";
}

Result<std::vector<Leftover>> find_leftovers(const Identity& identity, const InUse& in_use) {
  std::vector<Leftover> out;
  const auto add = [&](std::vector<Leftover> found) { std::ranges::move(found, std::back_inserter(out)); };
  const OwnedNames owned(identity, in_use);
  add(find_processes(owned));
  add(find_mounts(owned));
  add(find_loop_devices(owned));
  add(find_network_namespaces(owned));
  add(find_interfaces(owned));
  SLIPWAY_ASSIGN(auto rules, find_firewall(owned));
  add(std::move(rules));
  add(find_cgroups(owned));
  // A cgroup can be removed only after those inside it, so the longer path comes first.
  std::ranges::sort(out, [](const Leftover& a, const Leftover& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    return a.kind == LeftoverKind::Cgroup ? a.name > b.name : a.name < b.name;
  });
  return out;
}

InUse look_in_use(const Identity& identity) {
  const auto running = running_instances(identity.instances_directory());
  return {.cloud = is_data_directory_locked(identity.data_directory),
          .instances = std::set<std::string>(running.begin(), running.end())};
}

Result<void> remove_leftover(const Leftover& leftover) {
  switch (leftover.kind) {
    case LeftoverKind::Process:
      return end_process(leftover.name);
    case LeftoverKind::Mount:
      return unmount(leftover.name);
    case LeftoverKind::LoopDevice:
      return detach_loop_device(leftover.name);
    case LeftoverKind::NetworkNamespace:
      return remove_network_namespace(leftover.name);
    case LeftoverKind::Interface:
      return delete_interface(leftover.name);
    case LeftoverKind::FirewallTable:
      return delete_table(leftover.name);
    case LeftoverKind::FirewallRule:
      return delete_rule(leftover.name);
    case LeftoverKind::Cgroup:
      return delete_cgroup(leftover.name);
  }
  return {};
}

Result<std::vector<Leftover>> remove_leftovers(const Identity& identity, const InUse& in_use) {
  std::vector<Leftover> removed;
  Result<void> last;
  for (int round = 0; round < kRounds; ++round) {
    SLIPWAY_ASSIGN(const auto found, find_leftovers(identity, in_use));
    if (found.empty()) return removed;
    for (const Leftover& leftover : found) {
      auto done = remove_leftover(leftover);
      if (done) {
        removed.push_back(leftover);
      } else {
        last = std::move(done);
      }
    }
    std::this_thread::sleep_for(kBetweenRounds);
  }
  SLIPWAY_ASSIGN(const auto rest, find_leftovers(identity, in_use));
  if (rest.empty()) return removed;
  if (!last) return fail(std::move(last.error()).with_context("removing what an earlier run left"));
  return fail(Code::Conflict, "{} {} could not be removed", leftover_kind_name(rest[0].kind), rest[0].name);
}

}  // namespace slipway::localcloud
