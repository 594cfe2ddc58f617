// SharedDirectory: a directory inside a file system that guests share: what one of them asked to mount. Guests write
// there while we look, so every step goes beneath an open directory and across no symbolic link. Blocking; any thread.
#pragma once
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "runtime/files.hpp"

namespace slipway::localcloud {

struct SharedDirectory {
  std::string path;              ///< relative to the root of the file system; empty: the root itself
  bool create = false;           ///< with its parents, where it does not exist; owner root, mode 0755 by our umask
  std::int64_t quota_bytes = 0;  ///< 0: none is set, and one that is there stays
};

/// A quota below this could not even hold the tree's own nodes.
inline constexpr std::int64_t kLeastQuotaBytes = std::int64_t{1} << 20;

/// Opens it, and makes it first if asked to. With a quota it is a subvolume of its own, whose limit is set to that,
/// also where it exists. NotFound; InvalidInput for a path that leaves the file system or crosses a symbolic link, and
/// for a quota of the root or below kLeastQuotaBytes; Conflict for a quota on a plain directory, which cannot have one.
Result<runtime::Directory> open_shared_directory(const runtime::Directory& root, const SharedDirectory& wish);

}  // namespace slipway::localcloud
