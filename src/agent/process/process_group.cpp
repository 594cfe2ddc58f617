#include "agent/process/process_group.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <thread>

#include "agent/services/network_namespace.hpp"
#include "runtime/fd.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

/// As in the kernel's default and in systemd's.
constexpr int kCpuPeriodMicros = 100'000;
constexpr std::array kLimiting{"cpu", "memory", "pids"};
constexpr Duration kKillPause = std::chrono::milliseconds(5);
/// Another allocation's end may remove the common parent between two calls.
constexpr int kMakeTries = 5;

Result<void> write_group_file(const std::string& path, const std::string& value) {
  const runtime::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  return runtime::write_all(file.get(), value).context(fmt::format("writing '{}' to {}", value, path));
}

bool is_group_file_blank(const std::string& path) {
  const auto text = runtime::read_file(path, 4096);
  return !text || text->find_first_not_of(" \n") == std::string::npos;
}

/// A new cpuset has no CPU and no memory node, and takes no process until it has.
Result<void> inherit_cpus(const std::string& parent, const std::string& child) {
  for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
    if (!is_group_file_blank(child + file)) continue;
    SLIPWAY_ASSIGN(const std::string value, runtime::read_file(parent + file, 4096));
    SLIPWAY_TRY(write_group_file(child + file, value));
  }
  return {};
}

Result<void> hand_controllers_down(const std::string& parent) {
  for (const char* controller : kLimiting) {
    auto enabled = write_group_file(parent + "/cgroup.subtree_control", fmt::format("+{}", controller));
    if (!enabled) {
      return fail(Error{.code = Code::Unsupported,
                        .message = fmt::format("the control group {} does not give the controller {} on: {}", parent,
                                               controller, enabled.error().message),
                        .fix = "run the agent on a machine whose control groups it may divide",
                        .context = {}});
    }
  }
  return {};
}

}  // namespace

ProcessGroup::ProcessGroup(std::vector<Mount> mounts, std::string name) : name_(std::move(name)) {
  for (Mount& mount : mounts) {
    if (mount.type != "cgroup" && mount.type != "cgroup2") continue;
    hierarchies_.push_back(std::move(mount));
  }
  version_2_ = std::ranges::none_of(hierarchies_, [](const Mount& mount) {
    return mount.type == "cgroup" &&
           std::ranges::any_of(kLimiting, [&](const char* controller) { return has_option(mount, controller); });
  });
  // A hierarchy may be mounted at two places, and version 2 alone has no others beside it.
  if (version_2_) std::erase_if(hierarchies_, [](const Mount& mount) { return mount.type == "cgroup"; });
}

std::string ProcessGroup::directory(const Mount& mount) const {
  return mount.point + "/" + kProcessGroups + "/" + name_;
}

std::string ProcessGroup::directory_of(std::string_view controller) const {
  for (const Mount& mount : hierarchies_) {
    if (version_2_ || has_option(mount, controller)) return directory(mount);
  }
  return {};
}

Result<void> ProcessGroup::check_controllers() const {
  for (const char* controller : kLimiting) {
    if (directory_of(controller).empty()) {
      return fail(Code::Unsupported,
                  "this host has no control group with the controller {}, so a process of it cannot "
                  "be limited",
                  controller);
    }
  }
  return {};
}

Result<void> ProcessGroup::make_in(const Mount& mount) const {
  const std::string parent = mount.point + "/" + kProcessGroups;
  const std::string child = directory(mount);
  if (version_2_) SLIPWAY_TRY(hand_controllers_down(mount.point));
  for (int tries = 1;; ++tries) {
    if (mkdir(parent.c_str(), 0755) != 0 && errno != EEXIST)
      return fail_errno(errno, "make the control group " + parent);
    if (has_option(mount, "cpuset")) std::ignore = inherit_cpus(mount.point, parent);
    if (mkdir(child.c_str(), 0755) == 0 || errno == EEXIST) break;
    if (errno != ENOENT || tries == kMakeTries) return fail_errno(errno, "make the control group " + child);
  }
  if (version_2_) SLIPWAY_TRY(hand_controllers_down(parent));
  if (has_option(mount, "cpuset")) SLIPWAY_TRY(inherit_cpus(parent, child));
  return {};
}

Result<void> ProcessGroup::create(const model::Resources& limits, int pids) const {
  SLIPWAY_TRY(check_controllers());
  for (const Mount& mount : hierarchies_) {
    SLIPWAY_TRY(make_in(mount));
    SLIPWAY_TRY(limit(mount, limits, pids));
  }
  return {};
}

Result<void> ProcessGroup::limit(const Mount& mount, const model::Resources& limits, int pids) const {
  const std::string at = directory(mount);
  const std::string memory = std::to_string(limits.memory_bytes);
  const std::string quota = std::to_string(std::max<std::int64_t>(limits.cpu_millis * kCpuPeriodMicros / 1000, 1000));
  if (version_2_) {
    SLIPWAY_TRY(write_group_file(at + "/memory.max", memory));
    std::ignore = write_group_file(at + "/memory.swap.max", "0");  // absent where swap is not counted
    SLIPWAY_TRY(write_group_file(at + "/cpu.max", fmt::format("{} {}", quota, kCpuPeriodMicros)));
    return write_group_file(at + "/pids.max", std::to_string(pids));
  }
  if (has_option(mount, "memory")) {
    SLIPWAY_TRY(write_group_file(at + "/memory.limit_in_bytes", memory));
    std::ignore = write_group_file(at + "/memory.memsw.limit_in_bytes", memory);  // as above
  }
  if (has_option(mount, "cpu")) {
    SLIPWAY_TRY(write_group_file(at + "/cpu.cfs_period_us", std::to_string(kCpuPeriodMicros)));
    SLIPWAY_TRY(write_group_file(at + "/cpu.cfs_quota_us", quota));
  }
  if (has_option(mount, "pids")) SLIPWAY_TRY(write_group_file(at + "/pids.max", std::to_string(pids)));
  return {};
}

std::vector<std::string> ProcessGroup::entrances() const {
  std::vector<std::string> files;
  for (const Mount& mount : hierarchies_) files.push_back(directory(mount) + "/cgroup.procs");
  return files;
}

std::string ProcessGroup::members_file() const { return directory_of("pids") + "/cgroup.procs"; }
std::string ProcessGroup::forks_file() const { return directory_of("pids") + "/pids.max"; }
std::string ProcessGroup::oom_file() const {
  return directory_of("memory") + (version_2_ ? "/memory.events" : "/memory.oom_control");
}

std::vector<pid_t> ProcessGroup::members() const {
  std::vector<pid_t> found;
  const auto text = runtime::read_file(members_file());
  if (!text) return found;
  const char* at = text->data();
  const char* end = at + text->size();
  while (at < end) {
    pid_t pid = 0;
    const auto [rest, error] = std::from_chars(at, end, pid);
    if (error == std::errc{} && pid > 0) found.push_back(pid);  // 0: of a pid namespace that is not ours
    at = rest == end ? end : rest + 1;
  }
  return found;
}

bool ProcessGroup::holds(pid_t pid) const {
  const auto found = members();
  return std::ranges::find(found, pid) != found.end();
}

Result<void> ProcessGroup::kill_all(Duration patience) const {
  // So that none can make another one faster than they are found.
  if (!members().empty()) std::ignore = write_group_file(forks_file(), "0");
  const SteadyTime until = steady_now() + patience;
  while (true) {
    const std::vector<pid_t> found = members();
    if (found.empty()) return {};
    for (const pid_t pid : found) kill(pid, SIGKILL);
    if (steady_now() > until) {
      return fail(Code::Timeout, "{} processes of {} did not end within {} of being killed", found.size(), name_,
                  format_duration(patience));
    }
    std::this_thread::sleep_for(kKillPause);
  }
}

Result<void> ProcessGroup::remove(Duration patience) const {
  const SteadyTime until = steady_now() + patience;
  for (const Mount& mount : hierarchies_) {
    const std::string at = directory(mount);
    // A process that has just ended still holds its group for a moment.
    while (rmdir(at.c_str()) != 0 && errno != ENOENT) {
      if (steady_now() > until) return fail(Code::Conflict, "the control group {} is still in use", at);
      std::this_thread::sleep_for(kKillPause);
    }
    rmdir((mount.point + "/" + kProcessGroups).c_str());  // fails while it holds another one
  }
  return {};
}

}  // namespace slipway::agent
