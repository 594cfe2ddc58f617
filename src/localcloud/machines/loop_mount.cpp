#include "localcloud/machines/loop_mount.hpp"

#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "localcloud/machines/mount_table.hpp"
#include "localcloud/machines/text.hpp"
#include "runtime/fd.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

/// Others take loop devices too, so the one offered may be gone when we ask for it.
constexpr int kAttachTries = 32;

struct Attached {
  runtime::Fd device;  ///< keeps the device until it is mounted: it frees itself with its last user
  std::string path;
};

/// Nothing if somebody else was faster.
Result<std::optional<Attached>> try_attach(int control, int file, const std::string& name) {
  const int index = ioctl(control, LOOP_CTL_GET_FREE);
  if (index < 0) return fail_errno(errno, "find a free loop device");
  const std::string path = fmt::format("/dev/loop{}", index);
  runtime::Fd device(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!device.valid()) return fail_errno(errno, "open " + path);
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(file);
  // Direct I/O: pages are cached once, by btrfs, and not again by the file system below.
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;
  std::strncpy(reinterpret_cast<char*>(config.info.lo_file_name), name.c_str(), LO_NAME_SIZE - 1);
  if (ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return Attached{std::move(device), path};
  if (errno == EINVAL) {
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) return Attached{std::move(device), path};
  }
  if (errno == EBUSY) return std::optional<Attached>();
  return fail_errno(errno, "attach " + name + " to " + path);
}

Result<Attached> attach(const std::string& path) {
  const runtime::Fd control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!control.valid()) {
    return fail(Error{.code = Code::Unsupported,
                      .message = "no loop devices on this machine (/dev/loop-control)",
                      .fix = "load the kernel module `loop`, or put the data directory on btrfs"});
  }
  const runtime::Fd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  for (int tries = 0; tries < kAttachTries; ++tries) {
    SLIPWAY_ASSIGN(auto attached, try_attach(control.get(), file.get(), path));
    if (attached) return std::move(*attached);
  }
  return fail(Code::Exhausted, "no loop device could be had for {}", path);
}

}  // namespace

Result<void> make_btrfs_file(const std::string& path, std::int64_t size_bytes, const std::string& label) {
  const std::string beside = path + ".partial";
  const runtime::Fd file(::open(beside.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "create " + beside);
  if (ftruncate(file.get(), size_bytes) != 0) return fail_errno(errno, "size " + beside);
  // One copy of the metadata: both of two would lie in the same file on the same disk.
  SLIPWAY_TRY(runtime::run_checked(
      {"mkfs.btrfs", "--quiet", "--nodiscard", "--metadata", "single", "--data", "single", "--label", label, beside}));
  if (fsync(file.get()) != 0) return fail_errno(errno, "sync " + beside);
  if (rename(beside.c_str(), path.c_str()) != 0) return fail_errno(errno, "rename " + beside);
  return {};
}

Result<void> mount_btrfs_file(const std::string& path, const std::string& directory) {
  Attached attached;
  if (const auto existing = find_loop_device(path)) {
    attached.path = *existing;
    attached.device = runtime::Fd(::open(existing->c_str(), O_RDWR | O_CLOEXEC));
  }
  if (!attached.device.valid()) {
    SLIPWAY_ASSIGN(attached, attach(path));
  }
  if (mount(attached.path.c_str(), directory.c_str(), "btrfs", MS_NOATIME, "discard=async") != 0) {
    return fail_errno(errno, fmt::format("mount {} ({}) on {}", path, attached.path, directory));
  }
  // Shared: copies in other mount namespaces (a service's, a guest's) go when we unmount, and the loop device with
  // them.
  if (mount(nullptr, directory.c_str(), nullptr, MS_SHARED, nullptr) != 0) {
    return fail_errno(errno, "share the mount " + directory);
  }
  return {};
}

std::optional<std::string> find_loop_device(const std::string& file) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/sys/block", ignored)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("loop")) continue;
    const auto backing = runtime::read_file(entry.path() / "loop" / "backing_file");
    if (backing && trim(*backing) == file) return "/dev/" + name;
  }
  return std::nullopt;
}

Result<void> detach_loop_device(const std::string& device) {
  const runtime::Fd fd(::open(device.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, "open " + device);
  if (ioctl(fd.get(), LOOP_CLR_FD, 0) != 0 && errno != ENXIO) return fail_errno(errno, "detach " + device);
  return {};
}

bool is_mount_point(const std::string& directory) {
  return std::ranges::any_of(read_mounts(), [&](const MountEntry& mount) { return mount.mount_point == directory; });
}

}  // namespace slipway::localcloud
