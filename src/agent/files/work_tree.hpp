// The local copies of files: a cache by content, and the work directory of an allocation made from it. Blocking.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/job.hpp"

namespace slipway::agent {

/// What the cache may hold; beyond it the files that were used longest ago go.
inline constexpr std::int64_t kCacheLimitBytes = 10LL << 30;

/// "<cache>/ab/<sha256>".
std::string cache_path(const std::string& cache, const std::string& sha256);
/// Digests of the manifest that are not in the cache, each once.
std::vector<std::string> missing_in_cache(const std::string& cache, const model::Manifest& manifest);
/// Moves a verified file into the cache. Another one of the same content there is fine.
Result<void> enter_cache(const std::string& cache, const std::string& sha256, const std::string& from);
/// Removes files, oldest use first, until the cache holds at most `limit_bytes`.
Result<void> trim_cache(const std::string& cache, std::int64_t limit_bytes);

/// Makes `directory` anew and fills it with copies (shared blocks where the file system can) owned by `uid`. NotFound
/// if a file is missing in the cache.
Result<void> build_work_directory(const std::string& cache, const model::Manifest& manifest,
                                  const std::string& directory, unsigned uid);
/// Makes an empty directory that belongs to `uid`; keeps one that is there.
Result<void> make_owned_directory(const std::string& directory, unsigned uid);

}  // namespace slipway::agent
