#include "localcloud/machines/shared_directory.hpp"

#include <sys/stat.h>

#include <cerrno>

#include "base/units.hpp"
#include "localcloud/machines/btrfs_subvolume.hpp"

namespace slipway::localcloud {
namespace {

using runtime::Directory;

constexpr unsigned kSharedMode = 0755;

Result<Directory> open_root(const Directory& root) {
  return Directory::open(fmt::format("/proc/self/fd/{}", root.fd()));
}

Result<void> make_one(const Directory& parent, const std::string& name, bool subvolume) {
  if (subvolume) {
    auto made = btrfs::create(parent, name);
    return !made && made.error().code == Code::Conflict ? Result<void>() : std::move(made);
  }
  // The mode is not set afterwards: by then a guest may have put something else there.
  if (mkdirat(parent.fd(), name.c_str(), kSharedMode) == 0 || errno == EEXIST) return {};
  return fail_errno(errno, "make directory " + name);
}

/// Each part of the path that is missing; the last one as a subvolume if it shall have a quota.
Result<Directory> make_all(const Directory& root, const SharedDirectory& wish) {
  SLIPWAY_ASSIGN(Directory at, open_root(root));
  std::size_t start = 0;
  while (start < wish.path.size()) {
    const std::size_t end = std::min(wish.path.find('/', start), wish.path.size());
    const std::string part = wish.path.substr(start, end - start);
    SLIPWAY_TRY(make_one(at, part, end == wish.path.size() && wish.quota_bytes > 0));
    SLIPWAY_ASSIGN(at, at.open_directory(part));
    start = end + 1;
  }
  return at;
}

Result<void> limit(const Directory& directory, const SharedDirectory& wish) {
  if (!btrfs::is_subvolume(directory)) {
    return fail(Error{.code = Code::Conflict,
                      .message = fmt::format("/{} exists without a quota and cannot get one", wish.path),
                      .fix = "move it away, let it be made again with the quota, and copy its files back",
                      .context = {}});
  }
  return btrfs::set_limit(directory, wish.quota_bytes);
}

Result<void> check(const SharedDirectory& wish) {
  if (!wish.path.empty()) SLIPWAY_TRY(check_relative_path(wish.path));
  if (wish.quota_bytes == 0) return {};
  if (wish.path.empty()) return fail(Code::InvalidInput, "a quota is that of a directory below the root");
  if (wish.quota_bytes < kLeastQuotaBytes) {
    return fail(Code::InvalidInput, "a quota is at least {}, not {}", format_bytes(kLeastQuotaBytes),
                format_bytes(wish.quota_bytes));
  }
  return {};
}

}  // namespace

Result<Directory> open_shared_directory(const Directory& root, const SharedDirectory& wish) {
  SLIPWAY_TRY(check(wish));
  if (wish.path.empty()) return open_root(root);
  if (!wish.create && wish.quota_bytes == 0) return root.open_directory(wish.path);
  SLIPWAY_ASSIGN(Directory made, wish.create ? make_all(root, wish) : root.open_directory(wish.path));
  if (wish.quota_bytes > 0) SLIPWAY_TRY(limit(made, wish));
  return made;
}

}  // namespace slipway::localcloud
