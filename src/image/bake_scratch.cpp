#include "image/bake_scratch.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "runtime/files.hpp"

namespace slipway::image {
namespace {

constexpr int kTries = 10;  // each lost to a sweep between the making and the locking

/// The directory, locked; an invalid one if somebody else holds it or it is gone.
runtime::Fd take(const std::string& path) {
  runtime::Fd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!directory.valid() || flock(directory.get(), LOCK_EX | LOCK_NB) != 0) return {};
  struct stat held{};
  struct stat named{};
  const bool same = fstat(directory.get(), &held) == 0 && lstat(path.c_str(), &named) == 0 &&
                    held.st_ino == named.st_ino && held.st_dev == named.st_dev;
  return same ? std::move(directory) : runtime::Fd();
}

}  // namespace

BakeScratch::~BakeScratch() {
  // It holds a key of a pair that is deleted anyway.
  if (lock_.valid()) (void)runtime::remove_tree(path_);
}

Result<void> BakeScratch::make() {
  for (int i = 0; i < kTries; ++i) {
    SLIPWAY_TRY(runtime::make_directories(path_, 0700));
    lock_ = take(path_);
    if (lock_.valid()) return {};
  }
  return fail(Code::Conflict, "{} is used by another process", path_);
}

Result<int> sweep_scratch(const std::string& parent) {
  std::error_code error;
  int removed = 0;
  for (std::filesystem::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
    if (!entry->path().filename().string().starts_with(kScratchPrefix)) continue;
    const runtime::Fd held = take(entry->path().string());
    if (!held.valid()) continue;
    SLIPWAY_TRY(runtime::remove_tree(entry->path().string()));
    ++removed;
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    return fail_errno(error.value(), "look for what dead bakes left in " + parent);
  }
  return removed;
}

}  // namespace slipway::image
