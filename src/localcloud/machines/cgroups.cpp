#include "localcloud/machines/cgroups.hpp"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "localcloud/machines/text.hpp"
#include "runtime/fd.hpp"
#include "runtime/files.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

/// As in the kernel's default and systemd's.
constexpr int kCpuPeriodMicros = 100'000;
constexpr std::chrono::seconds kKillDeadline{10};
constexpr std::chrono::seconds kRemoveDeadline{3};
constexpr std::array kControllers{"cpu", "cpuset", "memory", "pids"};

Result<void> write_value(const std::string& path, const std::string& value) {
  const runtime::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  return runtime::write_all(file.get(), value).context(fmt::format("writing '{}' to {}", value, path));
}

/// A new cpuset has no CPU and no memory node and takes no process until it has.
Result<void> inherit_cpuset(const std::string& parent, const std::string& child) {
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const auto own = runtime::read_file(child + file, 4096);
    if (own && !trim(*own).empty()) continue;
    SLIPWAY_ASSIGN(const std::string value, runtime::read_file(parent + file, 4096));
    SLIPWAY_TRY(write_value(child + file, std::string(trim(value))));
  }
  return {};
}

Result<void> delegate_v2(const std::string& parent) {
  for (const char* controller : kControllers) {
    auto enabled = write_value(parent + "/cgroup.subtree_control", fmt::format("+{}", controller));
    if (!enabled) {
      return fail(Error{.code = Code::Unsupported,
                        .message = fmt::format("cgroup controller {} cannot be had below {}: {}", controller, parent,
                                               enabled.error().message),
                        .fix = "run on a machine whose cgroups are not restricted, or under systemd"});
    }
  }
  return {};
}

/// Directories below `top`, deepest first, and `top` itself last.
std::vector<std::string> bottom_up(const std::string& top) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (auto at = fs::recursive_directory_iterator(top, ignored); at != fs::recursive_directory_iterator();
       at.increment(ignored)) {
    if (ignored) break;
    if (at->is_directory(ignored)) out.push_back(at->path());
  }
  std::ranges::sort(out, std::ranges::greater(), [](const std::string& path) { return std::ranges::count(path, '/'); });
  if (fs::exists(top, ignored)) out.push_back(top);
  return out;
}

bool remove_once(const std::string& top) {
  for (const std::string& directory : bottom_up(top)) {
    if (rmdir(directory.c_str()) != 0 && errno != ENOENT) return false;
  }
  return true;
}

template <typename Condition>
bool wait_until(std::chrono::seconds limit, Condition condition) {
  const auto deadline = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace

bool CgroupHierarchy::has(std::string_view controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

bool CgroupLayout::is_pure_v2() const {
  return std::ranges::none_of(hierarchies, [](const CgroupHierarchy& one) { return !one.controllers.empty(); });
}

CgroupLayout parse_cgroup_layout(const std::vector<MountEntry>& mounts) {
  CgroupLayout layout;
  // Options of the mount that are no controllers.
  static const std::set<std::string_view> kNoise{"rw", "ro", "xattr", "clone_children", "none", "release_agent"};
  for (const MountEntry& mount : mounts) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    // A guest that boots at this moment has the same hierarchies mounted in passing elsewhere (/tmp/unified…).
    if (mount.mount_point != "/sys/fs/cgroup" && !mount.mount_point.starts_with("/sys/fs/cgroup/")) continue;
    CgroupHierarchy hierarchy{.mount_point = mount.mount_point, .controllers = {}};
    if (mount.type == "cgroup") {
      for (const std::string_view option : split(mount.super_options, ',')) {
        if (!kNoise.contains(option.substr(0, option.starts_with("name=") ? option.npos : option.find('=')))) {
          hierarchy.controllers.emplace_back(option);
        }
      }
    }
    layout.hierarchies.push_back(std::move(hierarchy));
  }
  return layout;
}

GuestCgroup::GuestCgroup(CgroupLayout layout, std::string path) : layout_(std::move(layout)), path_(std::move(path)) {}

std::string GuestCgroup::directory(const CgroupHierarchy& hierarchy) const {
  return hierarchy.mount_point + "/" + path_;
}

Result<void> GuestCgroup::create(const CgroupLimits& limits, uid_t owner) const {
  const bool pure_v2 = layout_.is_pure_v2();
  for (const char* controller : {"cpu", "memory", "pids"}) {
    const auto holds = [&](const CgroupHierarchy& one) { return one.has(controller); };
    if (pure_v2 || std::ranges::any_of(layout_.hierarchies, holds)) continue;
    return fail(Code::Unsupported, "no cgroup controller {} is mounted, so a guest's limits cannot be held",
                controller);
  }
  for (const CgroupHierarchy& hierarchy : layout_.hierarchies) {
    std::string built = hierarchy.mount_point;
    for (const std::string_view part : split(path_, '/')) {
      const std::string parent = built;
      if (pure_v2) SLIPWAY_TRY(delegate_v2(parent));
      built += "/" + std::string(part);
      if (mkdir(built.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno(errno, "make cgroup " + built);
      if (hierarchy.has("cpuset")) SLIPWAY_TRY(inherit_cpuset(parent, built));
    }
    SLIPWAY_TRY(limit(hierarchy, limits));
    if (pure_v2) continue;  // nspawn hands over a part of it by itself
    for (const char* file : {"", "/cgroup.procs", "/tasks"}) {
      const std::string path = built + file;
      if (chown(path.c_str(), owner, owner) != 0 && errno != ENOENT) return fail_errno(errno, "hand over " + path);
    }
  }
  return {};
}

Result<void> GuestCgroup::limit(const CgroupHierarchy& hierarchy, const CgroupLimits& limits) const {
  const std::string at = directory(hierarchy);
  const std::string memory = std::to_string(limits.memory_bytes);
  const std::string quota = std::to_string(limits.cpu_count * kCpuPeriodMicros);
  if (layout_.is_pure_v2()) {
    SLIPWAY_TRY(write_value(at + "/memory.max", memory));
    (void)write_value(at + "/memory.swap.max", "0");  // absent where the kernel does no swap accounting
    SLIPWAY_TRY(write_value(at + "/cpu.max", fmt::format("{} {}", quota, kCpuPeriodMicros)));
    SLIPWAY_TRY(write_value(at + "/cpuset.cpus", limits.cpus));
    return write_value(at + "/pids.max", std::to_string(limits.pids));
  }
  if (hierarchy.has("memory")) {
    SLIPWAY_TRY(write_value(at + "/memory.limit_in_bytes", memory));
    (void)write_value(at + "/memory.memsw.limit_in_bytes", memory);  // as above
  }
  if (hierarchy.has("cpu")) {
    SLIPWAY_TRY(write_value(at + "/cpu.cfs_period_us", std::to_string(kCpuPeriodMicros)));
    SLIPWAY_TRY(write_value(at + "/cpu.cfs_quota_us", quota));
  }
  if (hierarchy.has("cpuset")) SLIPWAY_TRY(write_value(at + "/cpuset.cpus", limits.cpus));
  if (hierarchy.has("pids")) SLIPWAY_TRY(write_value(at + "/pids.max", std::to_string(limits.pids)));
  return {};
}

std::vector<std::string> GuestCgroup::entrances() const {
  std::vector<std::string> out;
  for (const CgroupHierarchy& hierarchy : layout_.hierarchies) out.push_back(directory(hierarchy) + "/cgroup.procs");
  return out;
}

std::vector<pid_t> GuestCgroup::members() const {
  std::vector<pid_t> out;
  for (const CgroupHierarchy& hierarchy : layout_.hierarchies) {
    for (const std::string& group : bottom_up(directory(hierarchy))) {
      const auto text = runtime::read_file(group + "/cgroup.procs");
      if (!text) continue;
      for (const std::string_view line : split(*text, '\n')) {
        const auto pid = static_cast<pid_t>(std::strtol(std::string(line).c_str(), nullptr, 10));
        if (pid > 0) out.push_back(pid);  // 0: of a pid namespace that we do not see
      }
    }
  }
  return out;
}

Result<void> GuestCgroup::kill_all() const {
  const bool empty = wait_until(kKillDeadline, [&] {
    const std::vector<pid_t> found = members();
    for (const pid_t pid : found) kill(pid, SIGKILL);
    return found.empty();
  });
  if (!empty) return fail(Code::Timeout, "processes of {} did not end within 10 s of being killed", path_);
  return {};
}

Result<void> GuestCgroup::remove() const {
  for (const CgroupHierarchy& hierarchy : layout_.hierarchies) {
    const std::string top = directory(hierarchy);
    // A process that has just ended still holds its cgroup for a moment.
    if (!wait_until(kRemoveDeadline, [&] { return remove_once(top); })) {
      return fail(Code::Conflict, "cgroup {} is still in use", top);
    }
    const fs::path parent = fs::path(top).parent_path();
    if (parent != hierarchy.mount_point) rmdir(parent.c_str());  // fails while it holds another guest
  }
  return {};
}

void remove_empty_cgroup(const CgroupLayout& layout, const std::string& path) {
  for (const CgroupHierarchy& hierarchy : layout.hierarchies) rmdir((hierarchy.mount_point + "/" + path).c_str());
}

std::string choose_cpus(int count, const std::vector<int>& available, std::uint32_t seed) {
  const std::size_t wanted = std::min(static_cast<std::size_t>(std::max(count, 1)), available.size());
  std::set<int> chosen;
  for (std::size_t index = 0; index < wanted; ++index) {
    chosen.insert(available[(seed * wanted + index) % available.size()]);
  }
  return fmt::format("{}", fmt::join(chosen, ","));
}

}  // namespace slipway::localcloud
