#include "localcloud/machines/leftover_search.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "localcloud/machines/cgroups.hpp"
#include "localcloud/machines/mount_table.hpp"
#include "localcloud/machines/network_namespace.hpp"
#include "localcloud/machines/router_rules.hpp"
#include "localcloud/machines/text.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

bool carries(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// The directory itself, or something in it.
bool is_below(const std::string& path, const std::string& directory) {
  return path == directory || path.starts_with(directory + "/");
}

/// "sw<id>": every interface of ours starts with it.
std::string interface_prefix(const Identity& identity) { return "sw" + identity.id; }

std::string printable(std::string text) {
  std::ranges::replace(text, '\0', ' ');
  return std::string(trim(text));
}

/// Lines of a program's output that name one of our interfaces.
std::vector<std::string> lines_with_interface(const Identity& identity, std::vector<std::string> argv) {
  std::vector<std::string> out;
  const auto listed = runtime::run(std::move(argv));
  if (!listed || listed->exit_code != 0) return out;
  for (const std::string_view line : split(listed->standard_output, '\n')) {
    if (carries(line, interface_prefix(identity))) out.emplace_back(trim(line));
  }
  return out;
}

/// Rules of nft tables that are not ours. Chains that iptables keeps are left to iptables, which knows them by text.
std::vector<Leftover> foreign_nft_rules(const Identity& identity, const std::string& ruleset) {
  std::vector<Leftover> out;
  std::string table;
  std::string chain;
  for (const std::string_view raw : split(ruleset, '\n')) {
    const std::string_view line = trim(raw);
    const auto words = split(line, ' ');
    if (words.size() >= 3 && words[0] == "table") table = fmt::format("{} {}", words[1], words[2]);
    if (words.size() >= 2 && words[0] == "chain") chain = words[1];
    const std::size_t handle = line.rfind("# handle ");
    const bool ours = carries(table, " " + identity.name());
    if (ours || !carries(line, interface_prefix(identity)) || handle == line.npos || words[0] == "chain") continue;
    out.push_back({.kind = LeftoverKind::FirewallRule,
                   .name = fmt::format("nft {} {} handle {}", table, chain, line.substr(handle + 9)),
                   .detail = std::string(trim(line.substr(0, handle)))});
  }
  return out;
}

}  // namespace

bool OwnedNames::is_leftover(std::string_view text) const {
  if (!carries(text, identity_.name())) return false;
  for (const std::string& instance : in_use_.instances) {
    if (carries(text, instance)) return false;
  }
  // With an instance in its name it is that one's, which is not live; else it is shared.
  const bool of_instance = carries(text, identity_.name() + "-i-") || carries(text, identity_.name() + "/i-");
  return of_instance || !shared_in_use();
}

std::vector<Leftover> find_processes(const OwnedNames& owned) {
  std::vector<Leftover> out;
  const std::string resolver = "/run/slipway/" + owned.identity().id + "/";
  const std::string file_system = "lxcfs --pidfile " + owned.identity().lxcfs_directory() + ".pid";
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename();
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(getpid())) continue;
    const std::string command = printable(runtime::read_file(entry.path() / "cmdline", 64 << 10).value_or(""));
    const std::string groups = runtime::read_file(entry.path() / "cgroup", 64 << 10).value_or("");
    // The process that looks has the name in its own arguments when it is a test or `grep`; only ours run in our
    // cgroups or are called as our daemons are.
    const bool daemon = carries(command, "--name " + owned.identity().name()) ||
                        carries(command, "--machine=" + owned.identity().name());
    const bool shared_daemon = (carries(command, resolver) || carries(command, file_system)) && !owned.shared_in_use();
    if ((daemon && owned.is_leftover(command)) || shared_daemon || owned.is_leftover(groups)) {
      out.push_back({.kind = LeftoverKind::Process, .name = pid, .detail = command});
    }
  }
  return out;
}

std::vector<Leftover> find_mounts(const OwnedNames& owned) {
  std::vector<Leftover> out;
  const Identity& identity = owned.identity();
  for (const MountEntry& mount : read_mounts()) {
    if (mount.type == "nsfs") continue;  // listed as what it is
    const bool shared =
        is_below(mount.mount_point, identity.volumes_directory()) || mount.mount_point == identity.lxcfs_directory();
    const bool other = !shared && mount.mount_point != identity.data_directory &&
                       (is_below(mount.mount_point, identity.data_directory) || owned.is_leftover(mount.mount_point));
    if (other || (shared && !owned.shared_in_use())) {
      out.push_back({.kind = LeftoverKind::Mount,
                     .name = mount.mount_point,
                     .detail = fmt::format("{} on {}", mount.type, mount.source)});
    }
  }
  return out;
}

std::vector<Leftover> find_loop_devices(const OwnedNames& owned) {
  std::vector<Leftover> out;
  const Identity& identity = owned.identity();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/block", ignored)) {
    const auto text = runtime::read_file(entry.path() / "loop" / "backing_file", 64 << 10);
    const std::string backing(text ? trim(*text) : "");
    const bool store = backing == identity.volumes_file();
    if (!is_below(backing, identity.data_directory) || (store && owned.shared_in_use())) continue;
    out.push_back(
        {.kind = LeftoverKind::LoopDevice, .name = "/dev/" + entry.path().filename().string(), .detail = backing});
  }
  return out;
}

std::vector<Leftover> find_network_namespaces(const OwnedNames& owned) {
  std::vector<Leftover> out;
  for (const std::string& name : list_network_namespaces(owned.identity().name())) {
    if (owned.is_leftover(name)) out.push_back({.kind = LeftoverKind::NetworkNamespace, .name = name, .detail = {}});
  }
  return out;
}

std::vector<Leftover> find_interfaces(const OwnedNames& owned) {
  std::vector<Leftover> out;
  const Identity& identity = owned.identity();
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/class/net", ignored)) {
    const std::string name = entry.path().filename();
    const bool shared = name == outer_uplink_name(identity);
    if (!name.starts_with("sw") || !carries(name, identity.id) || (shared && owned.shared_in_use())) continue;
    out.push_back({.kind = LeftoverKind::Interface, .name = name, .detail = {}});
  }
  return out;
}

Result<std::vector<Leftover>> find_firewall(const OwnedNames& owned) {
  std::vector<Leftover> out;
  const Identity& identity = owned.identity();
  SLIPWAY_ASSIGN(const std::string ruleset, runtime::run_checked({"nft", "--handle", "list", "ruleset"}));
  for (const std::string_view raw : split(ruleset, '\n')) {
    const auto words = split(raw, ' ');
    if (words.size() < 3 || words[0] != "table" || !words[2].starts_with(identity.name())) continue;
    if (words[2] == identity.name() && owned.shared_in_use()) continue;
    out.push_back(
        {.kind = LeftoverKind::FirewallTable, .name = fmt::format("{} {}", words[1], words[2]), .detail = {}});
  }
  if (owned.shared_in_use()) return out;  // the accepts for the uplink belong to the cloud
  for (Leftover& rule : foreign_nft_rules(identity, ruleset)) {
    if (!rule.name.starts_with("nft ip filter ")) out.push_back(std::move(rule));
  }
  if (!carries(ruleset, "table ip filter ") && access("/proc/net/ip_tables_names", F_OK) != 0) return out;
  for (const std::string& line : lines_with_interface(identity, {"iptables-save", "-t", "filter"})) {
    if (line.starts_with("-A ")) {
      out.push_back({.kind = LeftoverKind::FirewallRule, .name = "iptables " + line.substr(3), .detail = "filter"});
    }
  }
  return out;
}

std::vector<Leftover> find_cgroups(const OwnedNames& owned) {
  std::vector<Leftover> out;
  const std::string parent = owned.identity().name();
  for (const CgroupHierarchy& hierarchy : parse_cgroup_layout(read_mounts()).hierarchies) {
    std::vector<std::string> found;
    std::error_code ignored;
    const std::string top = hierarchy.mount_point + "/" + parent;
    if (!fs::exists(top, ignored)) continue;
    found.push_back(top);
    for (auto at = fs::recursive_directory_iterator(top, ignored); at != fs::recursive_directory_iterator();
         at.increment(ignored)) {
      if (ignored) break;
      if (at->is_directory(ignored)) found.push_back(at->path());
    }
    for (const std::string& path : found) {
      if (owned.is_leftover(path)) out.push_back({.kind = LeftoverKind::Cgroup, .name = path, .detail = {}});
    }
  }
  return out;
}

}  // namespace slipway::localcloud
