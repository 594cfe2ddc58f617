// VolumeStore on btrfs: one subvolume for each volume or snapshot, directly below the store's directory. What is being
// made is called ".<name>.partial" until it is whole.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "base/units.hpp"
#include "localcloud/machines/btrfs_subvolume.hpp"
#include "localcloud/machines/loop_mount.hpp"
#include "localcloud/machines/volume_store.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;
using runtime::Directory;

constexpr std::string_view kPartial = ".partial";
constexpr std::size_t kLongestName = 64;
/// A tree of a few GiB on a slow disk.
constexpr std::chrono::minutes kImportTimeout{10};
/// A fraction of a second is the rule.
constexpr Duration kLoopFreeWithin = std::chrono::seconds(10);

Result<void> check_name(const std::string& name) {
  const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  if (name.empty() || name.size() > kLongestName || !std::ranges::all_of(name, good)) {
    return fail(Code::InvalidInput, "'{}' is no name of a volume: 1 to 64 characters of [a-z0-9-]", name);
  }
  return {};
}

std::string partial_name(const std::string& name) { return "." + name + std::string(kPartial); }

std::int64_t free_on(const std::string& path) {
  struct statvfs info{};
  if (statvfs(path.c_str(), &info) != 0) return 0;
  return static_cast<std::int64_t>(info.f_bavail) * static_cast<std::int64_t>(info.f_frsize);
}

class BtrfsVolumes final : public VolumeStore {
 public:
  BtrfsVolumes(const Identity& identity, const BtrfsOptions& options, Directory root, bool mounted)
      : identity_(identity),
        options_(options),
        directory_(identity.volumes_directory()),
        mounted_(mounted),
        root_(std::move(root)) {}

  Result<void> create(const std::string& volume, std::int64_t limit_bytes) override {
    return make(volume, [&](const std::string& partial) -> Result<void> {
      SLIPWAY_TRY(btrfs::create(root(), partial));
      SLIPWAY_ASSIGN(const Directory made, root().open_directory(partial));
      return btrfs::set_limit(made, limit_bytes);
    });
  }

  Result<void> import_tree(const std::string& source, const std::string& snapshot) override {
    if (!fs::is_directory(source)) return fail(Code::NotFound, "no directory tree at {}", source);
    return make(snapshot, [&](const std::string& partial) -> Result<void> {
      SLIPWAY_TRY(btrfs::create(root(), partial));
      SLIPWAY_TRY(runtime::run_checked(
          {"cp", "--archive", "--reflink=auto", "--no-target-directory", source, directory_ + "/" + partial},
          {.timeout = kImportTimeout}));
      return seal(partial);
    });
  }

  Result<void> snapshot(const std::string& volume, const std::string& snapshot) override {
    SLIPWAY_ASSIGN(const Directory source, open_tree(volume));
    return make(snapshot, [&](const std::string& partial) -> Result<void> {
      // What guests wrote and did not sync yet belongs to the image as well.
      SLIPWAY_TRY(btrfs::sync(root()));
      SLIPWAY_TRY(btrfs::snapshot(source, root(), partial));
      return seal(partial);
    });
  }

  Result<void> clone(const std::string& snapshot, const std::string& volume, std::int64_t limit_bytes) override {
    SLIPWAY_ASSIGN(const Directory source, open_tree(snapshot));
    SLIPWAY_ASSIGN(const btrfs::Usage held, btrfs::usage(source));
    if (limit_bytes > 0 && limit_bytes < held.referenced_bytes) {
      return fail(Code::InvalidInput, "volume {} cannot be {}: snapshot {} holds {}", volume, format_bytes(limit_bytes),
                  snapshot, format_bytes(held.referenced_bytes));
    }
    return make(volume, [&](const std::string& partial) -> Result<void> {
      SLIPWAY_TRY(btrfs::snapshot(source, root(), partial));
      SLIPWAY_ASSIGN(const Directory made, root().open_directory(partial));
      SLIPWAY_TRY(btrfs::set_read_only(made, false));
      return btrfs::set_limit(made, limit_bytes);
    });
  }

  Result<void> remove(const std::string& name) override {
    SLIPWAY_TRY(check_name(name));
    // Beside the tree systemd-nspawn keeps its lock, which it leaves behind when it is killed.
    unlinkat(root().fd(), fmt::format(".#{}.lck", name).c_str(), 0);
    return destroy_if_there(name);
  }

  [[nodiscard]] Result<std::string> path(const std::string& name) const override {
    SLIPWAY_TRY(open_tree(name));
    return directory_ + "/" + name;
  }

  [[nodiscard]] Result<VolumeInfo> info(const std::string& name) const override {
    SLIPWAY_ASSIGN(const Directory tree, open_tree(name));
    SLIPWAY_ASSIGN(const bool read_only, btrfs::is_read_only(tree));
    SLIPWAY_ASSIGN(const btrfs::Usage usage, btrfs::usage(tree));
    return VolumeInfo{.name = name,
                      .read_only = read_only,
                      .limit_bytes = usage.limit_bytes,
                      .referenced_bytes = usage.referenced_bytes,
                      .exclusive_bytes = usage.exclusive_bytes};
  }

  [[nodiscard]] Result<std::int64_t> held_bytes(const std::string& name) const override {
    SLIPWAY_ASSIGN(const Directory tree, open_tree(name));
    return btrfs::held_bytes(tree);
  }

  [[nodiscard]] Result<std::vector<VolumeInfo>> list() const override {
    std::vector<VolumeInfo> out;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(directory_, error)) {
      const std::string name = entry.path().filename();
      if (!check_name(name)) continue;
      auto found = info(name);
      if (found) out.push_back(std::move(*found));  // else removed meanwhile
    }
    if (error) return fail(Code::Io, "cannot list {}: {}", directory_, error.message());
    std::ranges::sort(out, {}, &VolumeInfo::name);
    return out;
  }

  [[nodiscard]] Result<VolumeSpace> space() const override {
    return VolumeSpace{.outer_free_bytes = free_on(identity_.data_directory), .inner_free_bytes = free_on(directory_)};
  }

  [[nodiscard]] Result<void> check_room() const override {
    const std::int64_t outer = free_on(identity_.data_directory);
    if (outer >= options_.least_outer_free_bytes) return {};
    return fail(Error{.code = Code::Exhausted,
                      .message = fmt::format("only {} are free on the file system of {}; the volumes there need {}",
                                             format_bytes(outer), identity_.data_directory,
                                             format_bytes(options_.least_outer_free_bytes)),
                      .fix = "free some disk space, or terminate instances and deregister images"});
  }

  Result<void> close() override {
    root_.reset();
    if (!mounted_ || !is_mount_point(directory_)) return {};
    if (umount2(directory_.c_str(), UMOUNT_NOFOLLOW) == 0) return wait_for_loop_device();
    if (errno == EBUSY) return fail(Code::Conflict, "the volumes in {} are still in use", directory_);
    return fail_errno(errno, "unmount " + directory_);
  }

  /// Halves of operations that a crash interrupted.
  Result<void> sweep() {
    for (const auto& entry : fs::directory_iterator(directory_)) {
      const std::string name = entry.path().filename();
      if (name.starts_with('.') && name.ends_with(kPartial)) SLIPWAY_TRY(destroy_if_there(name));
    }
    return {};
  }

 private:
  [[nodiscard]] const Directory& root() const { return *root_; }

  /// The kernel frees the loop device when the last mount of the file system is gone, which may be that of a guest that
  /// has just ended.
  [[nodiscard]] Result<void> wait_for_loop_device() const {
    const auto deadline = std::chrono::steady_clock::now() + kLoopFreeWithin;
    while (const auto device = find_loop_device(identity_.volumes_file())) {
      if (std::chrono::steady_clock::now() > deadline) {
        return fail(Code::Timeout, "{} was not freed within {} after the volumes were unmounted", *device,
                    format_duration(kLoopFreeWithin));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
  }

  [[nodiscard]] Result<Directory> open_tree(const std::string& name) const {
    SLIPWAY_TRY(check_name(name));
    if (!root_) return fail(Code::Unavailable, "the volume store is closed");
    auto opened = root().open_directory(name);
    if (!opened && !fs::exists(directory_ + "/" + name)) return fail(Code::NotFound, "no volume or snapshot {}", name);
    return opened;
  }

  Result<void> seal(const std::string& partial) {
    SLIPWAY_ASSIGN(const Directory made, root().open_directory(partial));
    SLIPWAY_TRY(btrfs::set_limit(made, 0));
    return btrfs::set_read_only(made, true);
  }

  Result<void> destroy_if_there(const std::string& name) {
    if (faccessat(root().fd(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) return {};
    return btrfs::destroy(root(), name).context("removing " + name);
  }

  /// `work` makes the tree under a name that nobody sees; only a whole one gets its own.
  template <typename Work>
  Result<void> make(const std::string& name, Work work) {
    SLIPWAY_TRY(check_name(name));
    if (!root_) return fail(Code::Unavailable, "the volume store is closed");
    SLIPWAY_TRY(check_room());
    if (fs::exists(directory_ + "/" + name)) return fail(Code::Conflict, "volume or snapshot {} exists", name);
    const std::string partial = partial_name(name);
    auto made = work(partial);
    // A conflict means that another thread makes the same name right now: that half is not ours to remove.
    const bool ours = made || made.error().code != Code::Conflict;
    if (made) made = publish(partial, name);
    if (!made && ours) (void)destroy_if_there(partial);
    return std::move(made).context("making " + name);
  }

  Result<void> publish(const std::string& partial, const std::string& name) {
    if (renameat2(root().fd(), partial.c_str(), root().fd(), name.c_str(), RENAME_NOREPLACE) == 0) return {};
    return fail_errno(errno, "rename " + partial);
  }

  const Identity identity_;
  const BtrfsOptions options_;
  const std::string directory_;
  const bool mounted_;             ///< by us, over a loop device
  std::optional<Directory> root_;  ///< nothing after close()
};

}  // namespace

Result<std::unique_ptr<VolumeStore>> open_btrfs_volumes(const Identity& identity, const BtrfsOptions& options) {
  const std::string directory = identity.volumes_directory();
  SLIPWAY_TRY(runtime::make_directories(directory, 0700));
  const bool mounted = !btrfs::is_btrfs(identity.data_directory);
  if (mounted && !is_mount_point(directory)) {
    if (!fs::exists(identity.volumes_file())) {
      SLIPWAY_TRY(make_btrfs_file(identity.volumes_file(), options.loop_file_bytes, identity.name()));
    }
    SLIPWAY_TRY(mount_btrfs_file(identity.volumes_file(), directory));
  }
  SLIPWAY_ASSIGN(Directory root, Directory::open(directory));
  // On disk the files of a guest's root are root's, set-user-id ones too: nobody else may get near them. The root
  // directory of a fresh file system is open to all.
  if (fchmod(root.fd(), 0700) != 0) return fail_errno(errno, "close " + directory + " to others");
  SLIPWAY_TRY(btrfs::enable_quota(root));
  auto store = std::make_unique<BtrfsVolumes>(identity, options, std::move(root), mounted);
  SLIPWAY_TRY(store->sweep());
  return std::unique_ptr<VolumeStore>(std::move(store));
}

}  // namespace slipway::localcloud
