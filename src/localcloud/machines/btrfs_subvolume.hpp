// Btrfs subvolumes through the kernel's own calls: microseconds instead of a process each. Paths inside a tree are a
// guest's, so they are only walked beneath an open directory and never across symbolic links. Blocking; any thread.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/files.hpp"

namespace slipway::localcloud::btrfs {

struct Usage {
  std::int64_t referenced_bytes = 0;
  std::int64_t exclusive_bytes = 0;
  std::int64_t limit_bytes = 0;  ///< 0: none
};

/// True if the path lies on btrfs.
bool is_btrfs(const std::string& path);
/// Turns on accounting, without which limits do not hold. Repeatable.
Result<void> enable_quota(const runtime::Directory& directory);

/// A new empty subvolume `name` in `parent`. Conflict if the name exists.
Result<void> create(const runtime::Directory& parent, const std::string& name);
/// A writable copy of `source` and all subvolumes nested in it. Conflict if the name exists.
Result<void> snapshot(const runtime::Directory& source, const runtime::Directory& parent, const std::string& name);
/// Deletes the subvolume and all nested in it; NotFound if there is none.
Result<void> destroy(const runtime::Directory& parent, const std::string& name);
/// Of the subvolume and all nested in it.
Result<void> set_read_only(const runtime::Directory& subvolume, bool read_only);
Result<bool> is_read_only(const runtime::Directory& subvolume);
/// Limits what the subvolume, and each one nested in it, may hold; 0 lifts it.
Result<void> set_limit(const runtime::Directory& subvolume, std::int64_t limit_bytes);
/// Of the subvolume itself; zeros where the kernel does not tell.
Result<Usage> usage(const runtime::Directory& subvolume);
/// What the subvolume and all nested in it hold, shared or not. TooLarge where a guest nested them over 64 deep.
Result<std::int64_t> held_bytes(const runtime::Directory& subvolume);
/// True if the directory is the root of a subvolume: only then does set_limit() limit it and nothing else.
bool is_subvolume(const runtime::Directory& directory);
/// Waits until all that was done is on disk.
Result<void> sync(const runtime::Directory& directory);

}  // namespace slipway::localcloud::btrfs
