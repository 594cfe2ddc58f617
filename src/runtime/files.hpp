// Files: whole-file reads and durable writes, and Directory, the only way to touch what lies below a directory that
// somebody else controls. Blocking.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/relative_path.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::runtime {

/// The whole file; TooLarge if it is over `limit_bytes`.
Result<std::string> read_file(const std::string& path, std::size_t limit_bytes = 64 << 20);
/// Writes beside, fsyncs, renames, fsyncs the directory: after it returns the new content survives a power cut, and at
/// no time is there half of it.
Result<void> write_file_durably(const std::string& path, std::string_view content, unsigned mode = 0600);
/// mkdir -p with the mode for the directories that it makes.
Result<void> make_directories(const std::string& path, unsigned mode = 0700);
/// Removes a tree; nothing there is fine. Never follows a symbolic link, stays on one file system.
Result<void> remove_tree(const std::string& path);
/// Free bytes for us on the file system that holds `path`.
Result<std::uint64_t> free_bytes(const std::string& path);
Result<void> write_all(int fd, std::string_view bytes);

using slipway::check_relative_path;

struct FileEntry {
  std::string path;  ///< relative, with '/'
  std::int64_t size_bytes = 0;
  unsigned mode = 0;
};

/// A directory opened once. Every access goes through openat2 with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS, so a job
/// that swaps names below it cannot lead us elsewhere.
class Directory {
 public:
  static Result<Directory> open(const std::string& path);
  /// InvalidInput for a path that leaves the directory or crosses a symbolic link.
  [[nodiscard]] Result<Fd> open_file(std::string_view relative, int flags, unsigned mode = 0) const;
  [[nodiscard]] Result<Directory> open_directory(std::string_view relative) const;
  /// mkdir -p of a path below it.
  [[nodiscard]] Result<void> make_directories(std::string_view relative, unsigned mode = 0755) const;
  /// Regular files below it, sorted by path. Symbolic links, sockets, FIFOs and devices are left out and named to
  /// `on_skipped`. Exhausted over `limit_files`.
  [[nodiscard]] Result<std::vector<FileEntry>> list_files(
      std::size_t limit_files, const std::function<void(const std::string&)>& on_skipped = {}) const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  explicit Directory(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace slipway::runtime
