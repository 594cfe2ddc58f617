#include "localcloud/machines/lxcfs.hpp"

#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <array>
#include <thread>

#include "localcloud/machines/daemon_pid.hpp"
#include "localcloud/machines/loop_mount.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

constexpr const char* kInGuest = "/run/host/lxcfs";
constexpr std::chrono::seconds kStartDeadline{10};
constexpr std::chrono::seconds kStopDeadline{3};
constexpr std::chrono::milliseconds kBetweenLooks{5};
/// Those that depend on the reader's limits. The rest of /proc is the kernel's.
constexpr std::array kFiles{"cpuinfo", "meminfo", "stat", "swaps", "uptime"};

}  // namespace

Lxcfs::Lxcfs(const Identity& identity) : directory_(identity.lxcfs_directory()) {}

bool Lxcfs::answers() const {
  return is_mount_point(directory_) && runtime::read_file(directory_ + "/proc/meminfo", 64 << 10).has_value();
}

Result<void> Lxcfs::ensure_running() {
  if (answers()) return {};
  SLIPWAY_TRY(stop());
  SLIPWAY_TRY(runtime::make_directories(directory_, 0755));
  // It stays in the foreground; setsid lets it go, so that it is nobody's child when it ends.
  const auto starter = runtime::spawn_detached(
      {"setsid", "--fork", "lxcfs", "--pidfile", directory_ + ".pid", directory_}, directory_ + ".log");
  if (!starter) return fail(Error(starter.error()).with_context("starting lxcfs"));
  while (waitpid(*starter, nullptr, 0) < 0 && errno == EINTR) {
  }
  const auto deadline = std::chrono::steady_clock::now() + kStartDeadline;
  while (!answers()) {
    if (std::chrono::steady_clock::now() > deadline) {
      (void)stop();
      return fail(Error{.code = Code::Timeout,
                        .message = "lxcfs did not show its files in " + directory_ + " within 10 s",
                        .fix = "see " + directory_ + ".log; lxcfs must be installed and FUSE available (/dev/fuse)"});
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return {};
}

std::vector<GuestBind> Lxcfs::binds() const {
  // nspawn binds what goes below /proc from inside the guest's own tree, so the whole file system goes there first.
  std::vector<GuestBind> out{{.source = directory_, .target = kInGuest, .read_only = true}};
  for (const char* file : kFiles) {
    out.push_back(
        {.source = std::string(kInGuest) + "/proc/" + file, .target = std::string("/proc/") + file, .read_only = true});
  }
  return out;
}

pid_t Lxcfs::pid() const { return daemon_pid(directory_ + ".pid"); }

Result<void> Lxcfs::stop() {
  const pid_t daemon = pid();
  // Detached, because a daemon that died leaves a mount that answers nothing.
  while (is_mount_point(directory_)) {
    if (umount2(directory_.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
      return fail_errno(errno, "unmount " + directory_);
  }
  // It ends by itself without a mount, and holds a lock until then that the next one needs.
  const auto deadline = std::chrono::steady_clock::now() + kStopDeadline;
  while (daemon != 0 && pid() == daemon) {
    if (std::chrono::steady_clock::now() > deadline) kill(daemon, SIGKILL);
    std::this_thread::sleep_for(kBetweenLooks);
  }
  return {};
}

}  // namespace slipway::localcloud
