#include "agent/services/host_devices.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <set>

namespace slipway::agent {
namespace {

constexpr int kFirstRenderNode = 128;

bool node_exists(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 && !S_ISDIR(info.st_mode);
}

/// Numbers N of the entries `prefix`N, ascending.
std::vector<int> numbered_nodes(const std::string& directory, std::string_view prefix) {
  std::vector<int> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with(prefix)) continue;
    int number = 0;
    const char* last = name.data() + name.size();
    const auto [rest, bad] = std::from_chars(name.data() + prefix.size(), last, number);
    if (bad == std::errc{} && rest == last && number >= 0 && node_exists(it->path().string()))
      numbers.push_back(number);
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::string terminal_path(const std::string& directory, int number) {
  return directory + "/tty" + std::to_string(number);
}

std::vector<std::string> gpu_names(const std::string& directory, const std::vector<int>& gpus) {
  std::vector<std::string> names;
  if (gpus.empty()) return names;
  const bool nvidia = !numbered_nodes(directory, "nvidia").empty();
  for (const int gpu : gpus) {
    names.push_back(nvidia ? fmt::format("nvidia{}", gpu) : fmt::format("dri/renderD{}", kFirstRenderNode + gpu));
  }
  if (!nvidia) return names;
  for (const char* shared : {"nvidiactl", "nvidia-modeset", "nvidia-uvm", "nvidia-uvm-tools"}) {
    if (node_exists(directory + "/" + shared)) names.emplace_back(shared);
  }
  return names;
}

Result<void> set_owner(const std::string& path, unsigned uid, unsigned gid, unsigned mode) {
  if (chown(path.c_str(), uid, gid) != 0 || chmod(path.c_str(), mode) != 0) {
    return fail_errno(errno, "change the owner of " + path);
  }
  return {};
}

}  // namespace

SlotInventory find_devices(const std::string& directory) {
  SlotInventory found;
  found.directory = directory;
  found.ttys = numbered_nodes(directory, "tty");
  std::erase_if(found.ttys, [](int number) { return number < kFirstTty || number > kLastTty; });
  if (node_exists(directory + "/uinput")) found.uinputs = kUinputSlots;
  found.gpus = numbered_nodes(directory, "nvidia");
  if (!found.gpus.empty()) return found;
  for (const int number : numbered_nodes(directory + "/dri", "renderD")) {
    if (number >= kFirstRenderNode) found.gpus.push_back(number - kFirstRenderNode);
  }
  return found;
}

std::vector<DeviceNode> device_nodes(const std::string& directory, const SlotGrant& grant) {
  std::vector<std::string> names;
  for (const int tty : grant.ttys) names.push_back("tty" + std::to_string(tty));
  if (!grant.uinputs.empty()) names.emplace_back("uinput");
  for (std::string& name : gpu_names(directory, grant.gpus)) names.push_back(std::move(name));
  std::vector<DeviceNode> nodes;
  for (const std::string& name : names) nodes.push_back({.host = directory + "/" + name, .container = "/dev/" + name});
  return nodes;
}

std::vector<unsigned> device_groups(const std::vector<DeviceNode>& nodes) {
  std::set<unsigned> groups;
  for (const DeviceNode& node : nodes) {
    struct stat info{};
    if (stat(node.host.c_str(), &info) != 0 || info.st_gid == 0) continue;
    if ((info.st_mode & 060U) == 060U) groups.insert(info.st_gid);
  }
  return {groups.begin(), groups.end()};
}

Result<void> give_terminals(const std::string& directory, const std::vector<int>& ttys, unsigned uid) {
  for (const int tty : ttys) SLIPWAY_TRY(set_owner(terminal_path(directory, tty), uid, uid, 0600));
  return {};
}

Result<void> take_terminals_back(const std::string& directory, const std::vector<int>& ttys) {
  struct stat console{};
  const bool known = stat(terminal_path(directory, 0).c_str(), &console) == 0;
  for (const int tty : ttys) {
    const std::string path = terminal_path(directory, tty);
    if (!node_exists(path)) continue;
    SLIPWAY_TRY(set_owner(path, 0, known ? console.st_gid : 0, 0620));
  }
  return {};
}

}  // namespace slipway::agent
