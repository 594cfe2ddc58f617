// A btrfs file system in a sparse file, mounted through a loop device that the kernel frees with the last unmount.
// Blocking; any thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace slipway::localcloud {

/// Makes the file with an empty btrfs in it; size as said, of which only what is used takes room. Whole or not at all.
Result<void> make_btrfs_file(const std::string& path, std::int64_t size_bytes, const std::string& label);
/// Attaches the file, unless a loop device holds it already, and mounts it on the directory.
Result<void> mount_btrfs_file(const std::string& path, const std::string& directory);
/// "/dev/loop3", if a loop device holds the file.
std::optional<std::string> find_loop_device(const std::string& file);
/// Frees it now or with its last user.
Result<void> detach_loop_device(const std::string& device);
bool is_mount_point(const std::string& directory);

}  // namespace slipway::localcloud
