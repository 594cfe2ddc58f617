#include "agent/files/work_tree.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

namespace fs = std::filesystem;
using runtime::Directory;
using runtime::Fd;

Result<void> copy_content(int from, int to) {
  if (ioctl(to, FICLONE, from) == 0) return {};
  while (true) {
    const ssize_t sent = sendfile(to, from, nullptr, 1 << 30);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_errno(errno, "copy");
    if (sent == 0) return {};
  }
}

Result<void> copy_entry(const std::string& cache, const model::ManifestEntry& entry, const Directory& target,
                        unsigned uid) {
  const std::string source = cache_path(cache, entry.sha256);
  const Fd from(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!from.valid() && errno == ENOENT) return fail(Code::NotFound, "{} is not in the cache", entry.path);
  if (!from.valid()) return fail_errno(errno, "open " + source);
  futimens(from.get(), nullptr);  // used now: the cache drops what was used longest ago
  SLIPWAY_ASSIGN(const Fd to, target.open_file(entry.path, O_WRONLY | O_CREAT | O_EXCL, 0600));
  SLIPWAY_TRY(copy_content(from.get(), to.get()).context("copying " + entry.path));
  const mode_t mode = (entry.mode & 0111U) != 0 ? 0755 : 0644;
  if (fchmod(to.get(), mode) != 0) return fail_errno(errno, "chmod " + entry.path);
  if (fchown(to.get(), uid, uid) != 0) return fail_errno(errno, "chown " + entry.path);
  return {};
}

/// Every directory above the entries, parents first.
std::set<std::string> directories_of(const model::Manifest& manifest) {
  std::set<std::string> directories;
  for (const auto& entry : manifest) {
    for (std::size_t at = entry.path.find('/'); at != std::string::npos; at = entry.path.find('/', at + 1)) {
      directories.insert(entry.path.substr(0, at));
    }
  }
  return directories;
}

}  // namespace

std::string cache_path(const std::string& cache, const std::string& sha256) {
  return cache + "/" + sha256.substr(0, 2) + "/" + sha256;
}

std::vector<std::string> missing_in_cache(const std::string& cache, const model::Manifest& manifest) {
  std::set<std::string> missing;
  for (const auto& entry : manifest) {
    if (access(cache_path(cache, entry.sha256).c_str(), F_OK) != 0) missing.insert(entry.sha256);
  }
  return {missing.begin(), missing.end()};
}

Result<void> enter_cache(const std::string& cache, const std::string& sha256, const std::string& from) {
  const std::string to = cache_path(cache, sha256);
  SLIPWAY_TRY(runtime::make_directories(fs::path(to).parent_path().string()));
  // No fsync: a file that a power cut emptied is found by its length and content only if it is read, so the cache
  // starts anew with each boot (Agent clears it).
  if (rename(from.c_str(), to.c_str()) != 0) return fail_errno(errno, "rename " + from);
  return {};
}

Result<void> trim_cache(const std::string& cache, std::int64_t limit_bytes) {
  struct Item {
    fs::file_time_type used;
    std::int64_t size;
    fs::path path;
  };
  std::vector<Item> items;
  std::int64_t sum = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(cache, error), end; !error && it != end; it.increment(error)) {
    std::error_code item_error;
    if (!it->is_regular_file(item_error) || item_error) continue;
    const auto size = static_cast<std::int64_t>(it->file_size(item_error));
    items.push_back({it->last_write_time(item_error), size, it->path()});
    sum += size;
  }
  if (error) return fail(Code::Io, "read the cache {}: {}", cache, error.message());
  std::ranges::sort(items, {}, &Item::used);
  for (const Item& item : items) {
    if (sum <= limit_bytes) break;
    if (fs::remove(item.path, error)) sum -= item.size;
  }
  return {};
}

Result<void> make_owned_directory(const std::string& directory, unsigned uid) {
  SLIPWAY_TRY(runtime::make_directories(directory, 0755));
  if (chown(directory.c_str(), uid, uid) != 0) return fail_errno(errno, "chown " + directory);
  return {};
}

Result<void> build_work_directory(const std::string& cache, const model::Manifest& manifest,
                                  const std::string& directory, unsigned uid) {
  SLIPWAY_TRY(runtime::remove_tree(directory));
  SLIPWAY_TRY(make_owned_directory(directory, uid));
  SLIPWAY_ASSIGN(const Directory target, Directory::open(directory));
  for (const std::string& path : directories_of(manifest)) {
    SLIPWAY_TRY(target.make_directories(path));
    SLIPWAY_ASSIGN(const Directory made, target.open_directory(path));
    if (fchown(made.fd(), uid, uid) != 0) return fail_errno(errno, "chown " + path);
  }
  for (const auto& entry : manifest) SLIPWAY_TRY(copy_entry(cache, entry, target, uid));
  return {};
}

}  // namespace slipway::agent
