#include "localcloud/machines/btrfs_subvolume.hpp"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cstring>

#include "localcloud/machines/text.hpp"

namespace slipway::localcloud::btrfs {
namespace {

using runtime::Directory;

/// A subvolume that lies directly in another one.
struct Nested {
  std::string parent;  ///< directory that holds it, relative; empty: the subvolume's root
  std::string name;
};

template <typename Arguments>
Result<void> call(const Directory& directory, unsigned long request, Arguments& arguments, const std::string& what) {
  if (ioctl(directory.fd(), request, &arguments) == 0) return {};
  const int error = errno;
  if (error == EEXIST) return fail(Code::Conflict, "{}: the name exists", what);
  if (error == ENOENT) return fail(Code::NotFound, "{}: no such subvolume", what);
  return fail_errno(error, what);
}

template <typename Arguments>
Result<void> set_name(Arguments& arguments, const std::string& name) {
  if (name.size() >= sizeof arguments.name) return fail(Code::InvalidInput, "subvolume name too long: {}", name);
  std::memcpy(arguments.name, name.c_str(), name.size() + 1);
  return {};
}

Result<Directory> duplicate(const Directory& directory) {
  return Directory::open(fmt::format("/proc/self/fd/{}", directory.fd()));
}

Result<Directory> open_below(const Directory& root, const std::string& path) {
  if (path.empty()) return duplicate(root);
  return root.open_directory(path);
}

Result<Nested> name_of(const Directory& subvolume, std::uint64_t tree, std::uint64_t directory) {
  btrfs_ioctl_ino_lookup_user_args look{};
  look.treeid = tree;
  look.dirid = directory;
  SLIPWAY_TRY(call(subvolume, BTRFS_IOC_INO_LOOKUP_USER, look, "look up a nested subvolume"));
  std::string parent = look.path;
  while (parent.ends_with('/')) parent.pop_back();
  return Nested{.parent = std::move(parent), .name = look.name};
}

Result<std::vector<Nested>> list_nested(const Directory& subvolume) {
  std::vector<Nested> out;
  btrfs_ioctl_get_subvol_rootref_args refs{};
  while (true) {
    const bool more = ioctl(subvolume.fd(), BTRFS_IOC_GET_SUBVOL_ROOTREF, &refs) != 0;
    if (more && errno != EOVERFLOW) return fail_errno(errno, "list nested subvolumes");
    for (int index = 0; index < refs.num_items; ++index) {
      auto nested = name_of(subvolume, refs.rootref[index].treeid, refs.rootref[index].dirid);
      if (nested) out.push_back(std::move(*nested));  // else deleted meanwhile by the guest
    }
    if (!more) return out;
  }
}

/// Calls `each(parent directory, name, the nested subvolume)` for what lies directly in `subvolume`.
template <typename Each>
Result<void> for_each_nested(const Directory& subvolume, Each each) {
  SLIPWAY_ASSIGN(const auto all, list_nested(subvolume));
  for (const Nested& nested : all) {
    SLIPWAY_ASSIGN(const Directory parent, open_below(subvolume, nested.parent));
    SLIPWAY_ASSIGN(const Directory child, parent.open_directory(nested.name));
    SLIPWAY_TRY(each(nested, parent, child));
  }
  return {};
}

Result<std::uint64_t> subvolume_id(const Directory& subvolume) {
  btrfs_ioctl_ino_lookup_args look{};  // tree 0 is the one that the descriptor is in
  look.objectid = BTRFS_FIRST_FREE_OBJECTID;
  SLIPWAY_TRY(call(subvolume, BTRFS_IOC_INO_LOOKUP, look, "read a subvolume's number"));
  return look.treeid;
}

Result<std::string> accounting_directory(const Directory& subvolume) {
  btrfs_ioctl_fs_info_args info{};
  SLIPWAY_TRY(call(subvolume, BTRFS_IOC_FS_INFO, info, "read the file system's id"));
  SLIPWAY_ASSIGN(const std::uint64_t id, subvolume_id(subvolume));
  std::string uuid;
  for (std::size_t at = 0; at < sizeof info.fsid; ++at) {
    if (at == 4 || at == 6 || at == 8 || at == 10) uuid += '-';
    uuid += fmt::format("{:02x}", info.fsid[at]);
  }
  return fmt::format("/sys/fs/btrfs/{}/qgroups/0_{}", uuid, id);
}

std::int64_t read_number(const std::string& path) {
  const auto text = runtime::read_file(path, 64);
  return text ? std::strtoll(text->c_str(), nullptr, 10) : 0;
}

Result<void> set_own_flag(const Directory& subvolume, bool read_only) {
  std::uint64_t flags = 0;
  SLIPWAY_TRY(call(subvolume, BTRFS_IOC_SUBVOL_GETFLAGS, flags, "read a subvolume's flags"));
  flags = read_only ? flags | BTRFS_SUBVOL_RDONLY : flags & ~std::uint64_t{BTRFS_SUBVOL_RDONLY};
  return call(subvolume, BTRFS_IOC_SUBVOL_SETFLAGS, flags, "set a subvolume's flags");
}

Result<void> snapshot_one(const Directory& source, const Directory& parent, const std::string& name) {
  btrfs_ioctl_vol_args_v2 arguments{};
  arguments.fd = source.fd();
  SLIPWAY_TRY(set_name(arguments, name));
  return call(parent, BTRFS_IOC_SNAP_CREATE_V2, arguments, "snapshot to " + name);
}

/// A snapshot holds an empty stub where a subvolume was nested: puts a snapshot of that one in its place.
Result<void> snapshot_nested(const Directory& source, const Directory& copy) {
  return for_each_nested(source, [&](const Nested& nested, const Directory&, const Directory& child) -> Result<void> {
    SLIPWAY_ASSIGN(const Directory place, open_below(copy, nested.parent));
    if (unlinkat(place.fd(), nested.name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
      return fail_errno(errno, "replace the stub of nested subvolume " + nested.name);
    }
    SLIPWAY_TRY(snapshot_one(child, place, nested.name));
    SLIPWAY_ASSIGN(const Directory child_copy, place.open_directory(nested.name));
    return snapshot_nested(child, child_copy);
  });
}

/// Each level takes stack and descriptors; nothing sensible nests this deep.
constexpr int kDeepestNesting = 64;

Result<std::int64_t> held_below(const Directory& subvolume, int depth) {
  if (depth > kDeepestNesting) return fail(Code::TooLarge, "subvolumes are nested over {} deep", kDeepestNesting);
  SLIPWAY_ASSIGN(const Usage own, usage(subvolume));
  std::int64_t held = own.referenced_bytes;
  SLIPWAY_TRY(for_each_nested(subvolume, [&](const Nested&, const Directory&, const Directory& child) -> Result<void> {
    SLIPWAY_ASSIGN(const std::int64_t below, held_below(child, depth + 1));
    held += below;
    return {};
  }));
  return held;
}

}  // namespace

bool is_btrfs(const std::string& path) {
  struct statfs info{};
  return statfs(path.c_str(), &info) == 0 && info.f_type == BTRFS_SUPER_MAGIC;
}

Result<void> enable_quota(const Directory& directory) {
  btrfs_ioctl_quota_ctl_args arguments{};
  arguments.cmd = BTRFS_QUOTA_CTL_ENABLE;
  return call(directory, BTRFS_IOC_QUOTA_CTL, arguments, "turn on quota");
}

Result<void> create(const Directory& parent, const std::string& name) {
  btrfs_ioctl_vol_args arguments{};
  SLIPWAY_TRY(set_name(arguments, name));
  return call(parent, BTRFS_IOC_SUBVOL_CREATE, arguments, "create subvolume " + name);
}

Result<void> snapshot(const Directory& source, const Directory& parent, const std::string& name) {
  SLIPWAY_TRY(snapshot_one(source, parent, name));
  SLIPWAY_ASSIGN(const Directory copy, parent.open_directory(name));
  return snapshot_nested(source, copy);
}

Result<void> destroy(const Directory& parent, const std::string& name) {
  SLIPWAY_ASSIGN(const Directory subvolume, parent.open_directory(name));
  SLIPWAY_TRY(set_own_flag(subvolume, false));
  SLIPWAY_TRY(for_each_nested(subvolume, [](const Nested& nested, const Directory& holder, const Directory&) {
    return destroy(holder, nested.name);
  }));
  btrfs_ioctl_vol_args arguments{};
  SLIPWAY_TRY(set_name(arguments, name));
  return call(parent, BTRFS_IOC_SNAP_DESTROY, arguments, "delete subvolume " + name);
}

Result<void> set_read_only(const Directory& subvolume, bool read_only) {
  SLIPWAY_TRY(for_each_nested(subvolume, [&](const Nested&, const Directory&, const Directory& child) {
    return set_read_only(child, read_only);
  }));
  return set_own_flag(subvolume, read_only);
}

Result<bool> is_read_only(const Directory& subvolume) {
  std::uint64_t flags = 0;
  SLIPWAY_TRY(call(subvolume, BTRFS_IOC_SUBVOL_GETFLAGS, flags, "read a subvolume's flags"));
  return (flags & BTRFS_SUBVOL_RDONLY) != 0;
}

Result<void> set_limit(const Directory& subvolume, std::int64_t limit_bytes) {
  btrfs_ioctl_qgroup_limit_args arguments{};
  arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
  // Group 0 is the one of the subvolume that the descriptor is in; all ones lifts the limit.
  arguments.lim.max_rfer = limit_bytes > 0 ? static_cast<std::uint64_t>(limit_bytes) : ~std::uint64_t{0};
  SLIPWAY_TRY(call(subvolume, BTRFS_IOC_QGROUP_LIMIT, arguments, "limit a subvolume"));
  return for_each_nested(subvolume, [&](const Nested&, const Directory&, const Directory& child) {
    return set_limit(child, limit_bytes);
  });
}

Result<Usage> usage(const Directory& subvolume) {
  SLIPWAY_ASSIGN(const std::string accounting, accounting_directory(subvolume));
  const bool limited = (read_number(accounting + "/limit_flags") & BTRFS_QGROUP_LIMIT_MAX_RFER) != 0;
  return Usage{.referenced_bytes = read_number(accounting + "/referenced"),
               .exclusive_bytes = read_number(accounting + "/exclusive"),
               .limit_bytes = limited ? read_number(accounting + "/max_referenced") : 0};
}

Result<std::int64_t> held_bytes(const Directory& subvolume) { return held_below(subvolume, 0); }

bool is_subvolume(const Directory& directory) {
  struct stat info{};
  return fstat(directory.fd(), &info) == 0 && info.st_ino == BTRFS_FIRST_FREE_OBJECTID;
}

Result<void> sync(const Directory& directory) {
  if (syncfs(directory.fd()) != 0) return fail_errno(errno, "sync the volume store");
  return {};
}

}  // namespace slipway::localcloud::btrfs
