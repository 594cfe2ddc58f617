// A home as one file: tar and gzip of all that is in it. Blocking; any thread.
#pragma once
#include <functional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::agent {

struct HomeArchive {
  std::string sha256;
  std::int64_t size_bytes = 0;
};
/// Packs `home` into a file at `path`, made anew: every file with its mode, times and links, names relative to the
/// home. A file that changes meanwhile is packed as it was read. TooLarge if the archive grows above `limit_bytes`,
/// Timeout after `deadline`, Cancelled once `cancelled` says so; then nothing is left at `path`.
Result<HomeArchive> pack_home(const std::string& home, const std::string& path, std::int64_t limit_bytes,
                              Duration deadline, const std::function<bool()>& cancelled);

}  // namespace slipway::agent
