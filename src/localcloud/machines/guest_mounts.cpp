#include "localcloud/machines/guest_mounts.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "localcloud/machines/mount_table.hpp"

namespace slipway::localcloud {
namespace {

/// Steps of a mount inside the guest, for messages.
enum Step : int { kRoot = 1, kProof, kProofOwner, kTarget, kAttach, kDetach };

/// No mount request is longer; the proof is read into memory that is there before the fork.
constexpr std::size_t kLongestProof = 16 << 10;

/// What the forked process needs of a proof: all of it made before.
struct ProofCheck {
  uid_t root_uid = 0;
  std::string path;
  const std::string* content = nullptr;
  mutable std::array<char, kLongestProof> buffer{};
};

int open_inside(int root, const char* path, std::uint64_t flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof how));
}

int open_own_root() { return ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC); }

EntryReport failed(Step step) { return {.step = step, .error = errno}; }

/// The file must be one that only root of the guest can have made, and say what the request says.
EntryReport take_inside(const ProofCheck& proof) {
  const int root = open_own_root();
  if (root < 0) return failed(kRoot);
  const int file = open_inside(root, proof.path.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW, RESOLVE_NO_SYMLINKS);
  if (file < 0) return failed(kProof);
  struct stat info{};
  const bool is_roots = fstat(file, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == proof.root_uid &&
                        (info.st_mode & 0077) == 0 && info.st_nlink == 1;
  ssize_t size = -1;
  if (is_roots) size = read(file, proof.buffer.data(), proof.buffer.size());
  const bool same = size == static_cast<ssize_t>(proof.content->size()) &&
                    std::memcmp(proof.buffer.data(), proof.content->data(), proof.content->size()) == 0;
  if (!same) return {.step = kProofOwner, .error = EPERM};
  return unlinkat(root, proof.path.c_str(), 0) == 0 ? EntryReport{} : failed(kProof);
}

EntryReport attach_inside(int tree, const char* path) {
  const int root = open_own_root();
  if (root < 0) return failed(kRoot);
  const int target = open_inside(root, path, O_PATH | O_DIRECTORY, 0);
  if (target < 0) return failed(kTarget);
  const unsigned here = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return move_mount(tree, "", target, "", here) == 0 ? EntryReport{} : failed(kAttach);
}

Result<void> result_of(const EntryReport& report, const GuestMount& mount) {
  switch (report.step) {
    case 0:
      return {};
    case kProof:
    case kProofOwner:
      return fail(Code::Denied, "only root may mount: no request of root's lies in /{}/{}", kMountProofs,
                  mount.proof_file);
    case kTarget:
      if (report.error == ENOTDIR) return fail(Code::InvalidInput, "mount point {} is not a directory", mount.target);
      return fail_errno(report.error, "mount point " + mount.target);
    default:
      return fail_errno(report.error, fmt::format("mount on {} (step {})", mount.target, report.step));
  }
}

/// A copy of the directory's mount that belongs to nobody yet. It is private: what the guest mounts below it stays in
/// the guest.
Result<runtime::Fd> make_tree(const runtime::Directory& source, const runtime::Fd& users, const GuestMount& mount) {
  runtime::Fd tree(open_tree(source.fd(), "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH));
  if (!tree.valid()) return fail_errno(errno, "copy a mount");
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (mount.read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (mount.no_exec) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  attributes.propagation = MS_PRIVATE;
  attributes.userns_fd = static_cast<std::uint64_t>(users.get());
  if (mount_setattr(tree.get(), "", AT_EMPTY_PATH, &attributes, sizeof attributes) != 0) {
    return fail_errno(errno, "map the owners of a mount");
  }
  return tree;
}

Result<void> check(const GuestMount& mount) {
  if (!mount.target.starts_with('/'))
    return fail(Code::InvalidInput, "mount point {} is no absolute path", mount.target);
  SLIPWAY_TRY(check_relative_path(std::string_view(mount.target).substr(1)));
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); };
  if (mount.proof_file.empty() || mount.proof_file.size() > 64 || !std::ranges::all_of(mount.proof_file, plain)) {
    return fail(Code::InvalidInput, "'{}' names no proof", mount.proof_file);
  }
  if (mount.proof.size() >= kLongestProof) return fail(Code::TooLarge, "the request is over {} bytes", kLongestProof);
  return {};
}

/// True if a part of the path has that name.
bool has_part(std::string_view path, std::string_view name) {
  while (!path.empty()) {
    const auto end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == name) return true;
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return false;
}

}  // namespace

std::vector<std::string> mount_points_of(std::string_view mountinfo, const std::string& volume) {
  std::vector<std::string> found;
  for (const MountEntry& entry : parse_mounts(mountinfo)) {
    // Ids are never used twice, so the name alone tells it, wherever in the file system the volumes lie.
    if (entry.type == "btrfs" && has_part(entry.root, volume)) found.push_back(entry.mount_point);
  }
  std::ranges::reverse(found);
  return found;
}

Result<GuestSpace> GuestMounts::space_of(const GuestMount& mount) const {
  SLIPWAY_TRY(check(mount));
  return open_guest_space(identity_.instance_directory(mount.instance_id), identity_.uid_base(mount.address));
}

Result<void> GuestMounts::take_proof(const GuestMount& mount) {
  SLIPWAY_ASSIGN(const GuestSpace space, space_of(mount));
  const ProofCheck proof{.root_uid = identity_.uid_base(mount.address),
                         .path = fmt::format("{}/{}", kMountProofs, mount.proof_file),
                         .content = &mount.proof};
  SLIPWAY_ASSIGN(const EntryReport report,
                 entry_.run(mount.instance_id, space.mounts, kGuestPatience, [&proof] { return take_inside(proof); }));
  return result_of(report, mount);
}

Result<void> GuestMounts::mount(const runtime::Directory& source, const GuestMount& mount) {
  SLIPWAY_ASSIGN(const GuestSpace space, space_of(mount));
  SLIPWAY_ASSIGN(const runtime::Fd tree, make_tree(source, space.users, mount));
  const std::string target = mount.target.substr(1);
  SLIPWAY_ASSIGN(const EntryReport report,
                 entry_.run(mount.instance_id, space.mounts, kGuestPatience,
                            [&tree, &target] { return attach_inside(tree.get(), target.c_str()); }));
  return result_of(report, mount);
}

Result<void> GuestMounts::detach(const std::string& volume, const std::string& instance_id, Ipv4 address) {
  for (const GuestMountSpace& space : open_mount_spaces(identity_.uid_base(address))) {
    const auto table = runtime::read_file(fmt::format("/proc/{}/mountinfo", space.pid));
    const auto points = table ? mount_points_of(*table, volume) : std::vector<std::string>();
    if (points.empty()) continue;
    SLIPWAY_ASSIGN(const EntryReport report, entry_.run(instance_id, space.mounts, kGuestPatience, [&points] {
      EntryReport first;
      for (const std::string& point : points) {
        const bool gone = umount2(point.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
        if (!gone && errno != EINVAL && errno != ENOENT && first.step == 0) first = failed(kDetach);
      }
      return first;
    }));
    if (report.step != 0) return fail_errno(report.error, fmt::format("unmount {} in {}", volume, instance_id));
  }
  return {};
}

}  // namespace slipway::localcloud
