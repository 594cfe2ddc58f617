// What slipway-process does to the world that its app sees, and to the app's own rights. For that program only.
#pragma once
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "agent/process/supervisor_settings.hpp"

namespace slipway::agent {

/// Programs that walk over all possible descriptors get slow with more.
inline constexpr rlim_t kAppDescriptors = 65'536;

inline bool write_text(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool written = write(fd, text, strlen(text)) >= 0;
  close(fd);
  return written;
}

/// From here on every process that is started belongs to the groups.
inline void enter_groups(const Settings& settings) {
  for (int i = 0; i < settings.entrance_count; ++i) {
    if (!write_text(settings.entrances[i], "0")) give_up("enter %s: %s", settings.entrances[i], strerror(errno));
  }
}

inline void mount_one(const Mounting& one) {
  const auto is = [&one](const char* kind) { return strcmp(one.kind, kind) == 0; };
  const auto expect = [&one](bool good) {
    if (!good) give_up("%s %s: %s", one.kind, one.target, strerror(errno));
  };
  if (is("directory")) {
    expect(mkdir(one.target, 0755) == 0 || errno == EEXIST);
  } else if (is("tmpfs")) {
    expect(mount("tmpfs", one.target, "tmpfs", MS_NOSUID | MS_NODEV, one.detail) == 0);
  } else if (is("read-only")) {
    expect(mount(nullptr, one.target, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) == 0);
  } else {
    expect(mount(one.detail, one.target, nullptr, MS_BIND | MS_REC, nullptr) == 0);
    if (!is("bind-ro")) return;
    expect(mount(nullptr, one.target, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, nullptr) == 0);
  }
}

/// Mounts of its own, which still get what the host mounts later; shared memory and queues of its own.
inline void separate(const Settings& settings) {
  if (unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) give_up("unshare: %s", strerror(errno));
  if (mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) give_up("make / a slave: %s", strerror(errno));
  for (int i = 0; i < settings.mount_count; ++i) mount_one(settings.mounts[i]);
}

inline void limit_descriptors() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max < kAppDescriptors ? limit.rlim_max : kAppDescriptors;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// Becomes the app's user, for good: no capability, none to be had, no way to become another. False with errno.
inline bool drop_rights(const Settings& settings, pid_t supervisor) {
  limit_descriptors();
  umask(022);
  for (int capability = 0; capability < 64; ++capability) {
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno != EINVAL) return false;
  }
  gid_t groups[kMostWords];
  for (int i = 0; i < settings.group_count; ++i) groups[i] = settings.groups[i];
  if (setgroups(static_cast<size_t>(settings.group_count), groups) != 0) return false;
  if (setresgid(settings.uid, settings.uid, settings.uid) != 0) return false;
  if (setresuid(settings.uid, settings.uid, settings.uid) != 0) return false;
  __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  if (syscall(SYS_capset, &header, none) != 0) return false;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != supervisor) _exit(125);  // it died before it could be followed
  return chdir(settings.directory) == 0;
}

}  // namespace slipway::agent
