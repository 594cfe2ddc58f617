#include "localcloud/machines/guest_space.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "localcloud/machines/guest_process.hpp"
#include "localcloud/machines/identity.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

std::vector<pid_t> children_of(pid_t parent) {
  std::istringstream words(
      runtime::read_file(fmt::format("/proc/{0}/task/{0}/children", parent), 1 << 20).value_or(""));
  std::vector<pid_t> children;
  for (pid_t pid = 0; words >> pid;) children.push_back(pid);
  return children;
}

/// True if the process lives in a user namespace that maps root to `uid_base`, as nspawn makes it.
bool has_uids(pid_t pid, std::uint32_t uid_base) {
  std::istringstream words(runtime::read_file(fmt::format("/proc/{}/uid_map", pid), 4096).value_or(""));
  std::uint64_t inside = 1;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  std::string more;
  words >> inside >> outside >> count;
  return inside == 0 && outside == uid_base && count == kUidsPerGuest && !(words >> more);
}

runtime::Fd open_namespace(pid_t pid, const char* kind) {
  return runtime::Fd(::open(fmt::format("/proc/{}/ns/{}", pid, kind).c_str(), O_RDONLY | O_CLOEXEC));
}

/// The supervisor's child is the launcher, and the launcher's is init.
std::vector<pid_t> find_inits(const std::string& directory, std::uint32_t uid_base) {
  std::vector<pid_t> found;
  const auto supervisor = find_supervisor(directory);
  if (!supervisor) return found;
  for (const pid_t launcher : children_of(supervisor->pid)) {
    for (const pid_t pid : children_of(launcher)) {
      if (has_uids(pid, uid_base)) found.push_back(pid);
    }
  }
  return found;
}

bool is_same(const runtime::Fd& one, const runtime::Fd& other) {
  struct stat a{};
  struct stat b{};
  return fstat(one.get(), &a) == 0 && fstat(other.get(), &b) == 0 && a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

}  // namespace

Result<GuestSpace> open_guest_space(const std::string& instance_directory, std::uint32_t uid_base) {
  for (const pid_t pid : find_inits(instance_directory, uid_base)) {
    const auto start = runtime::process_start_time(pid);
    GuestSpace space{.mounts = open_namespace(pid, "mnt"), .users = open_namespace(pid, "user")};
    // A number may have been given away between the look and the opening; and before it has mounts of its own, an init
    // that is being started has ours.
    const bool same = start && runtime::is_same_process(pid, *start) && has_uids(pid, uid_base);
    const auto ours = open_namespace(getpid(), "mnt");
    if (same && space.mounts.valid() && space.users.valid() && !is_same(space.mounts, ours)) return space;
  }
  return fail(Code::NotFound, "the guest of {} does not run", instance_directory);
}

std::vector<GuestMountSpace> open_mount_spaces(std::uint32_t uid_base) {
  std::vector<GuestMountSpace> found;
  std::set<ino_t> seen;
  struct stat info{};
  const auto ours = open_namespace(getpid(), "mnt");
  if (fstat(ours.get(), &info) == 0) seen.insert(info.st_ino);
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos || found.size() >= kMostMountSpaces) continue;
    // Nobody but this guest has a uid of its range.
    if (stat(entry.path().c_str(), &info) != 0 || info.st_uid < uid_base || info.st_uid - uid_base >= kUidsPerGuest) {
      continue;
    }
    const auto pid = static_cast<pid_t>(std::strtol(name.c_str(), nullptr, 10));
    GuestMountSpace space{.pid = pid, .mounts = open_namespace(pid, "mnt")};
    if (!space.mounts.valid() || fstat(space.mounts.get(), &info) != 0) continue;
    if (seen.insert(info.st_ino).second) found.push_back(std::move(space));
  }
  return found;
}

}  // namespace slipway::localcloud
