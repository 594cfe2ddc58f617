#include "runtime/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>

namespace slipway::runtime {
namespace {

/// Deeper trees are refused: they serve nobody and each level holds a descriptor.
constexpr int kMaxDepth = 64;

Result<Fd> open_beneath(int directory, const std::string& relative, int flags, unsigned mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  do {
    fd = syscall(SYS_openat2, directory, relative.c_str(), &how, sizeof how);
  } while (fd < 0 && (errno == EINTR || errno == EAGAIN));
  if (fd < 0) return fail_errno(errno, "open " + relative);
  return Fd(static_cast<int>(fd));
}

Result<void> sync_directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const Fd directory(::open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid() || fsync(directory.get()) != 0) return fail_errno(errno, "fsync " + parent);
  return {};
}

struct Walk {
  std::size_t limit;
  const std::function<void(const std::string&)>& on_skipped;
  std::vector<FileEntry> found;

  Result<void> visit(int directory, const std::string& prefix, int depth) {
    if (depth > kMaxDepth) return fail(Code::Exhausted, "{} is more than {} directories deep", prefix, kMaxDepth);
    const int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return fail_errno(errno, "open " + prefix);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(fdopendir(copy), closedir);
    while (const dirent* entry = readdir(stream.get())) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      SLIPWAY_TRY(visit_entry(directory, name, prefix.empty() ? name : prefix + "/" + name, depth));
    }
    return {};
  }

  Result<void> visit_entry(int directory, const std::string& name, const std::string& path, int depth) {
    struct stat info{};
    if (fstatat(directory, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return {};  // gone meanwhile
    if (S_ISDIR(info.st_mode)) {
      auto child = open_beneath(directory, name, O_RDONLY | O_DIRECTORY, 0);
      if (!child) return {};  // swapped for something else meanwhile
      return visit(child->get(), path, depth + 1);
    }
    if (!S_ISREG(info.st_mode)) {
      if (on_skipped) on_skipped(path);
      return {};
    }
    if (found.size() >= limit) return fail(Code::Exhausted, "more than {} files", limit);
    found.push_back({.path = path, .size_bytes = info.st_size, .mode = info.st_mode & 0777U});
    return {};
  }
};

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t limit_bytes) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  std::string out;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + path);
    if (got == 0) return out;
    out.append(buffer.data(), static_cast<std::size_t>(got));
    if (out.size() > limit_bytes) return fail(Code::TooLarge, "{} is over {} bytes", path, limit_bytes);
  }
}

Result<void> write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t put = write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(errno, "write");
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

Result<void> write_file_durably(const std::string& path, std::string_view content, unsigned mode) {
  const std::string beside = path + ".new";
  const Fd file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  if (!file.valid()) return fail_errno(errno, "open " + beside);
  if (fchmod(file.get(), mode) != 0) return fail_errno(errno, "chmod " + beside);
  SLIPWAY_TRY(write_all(file.get(), content).context("writing " + beside));
  if (fsync(file.get()) != 0) return fail_errno(errno, "fsync " + beside);
  if (rename(beside.c_str(), path.c_str()) != 0) return fail_errno(errno, "rename " + beside);
  return sync_directory_of(path);
}

Result<void> make_directories(const std::string& path, unsigned mode) {
  std::string built;
  for (const auto& part : std::filesystem::path(path)) {
    built = built.empty() ? part.string() : (std::filesystem::path(built) / part).string();
    if (built.empty() || part == "/") continue;
    if (mkdir(built.c_str(), mode) != 0 && errno != EEXIST) return fail_errno(errno, "mkdir " + built);
  }
  if (!std::filesystem::is_directory(path)) return fail(Code::Conflict, "{} is not a directory", path);
  return {};
}

Result<void> remove_tree(const std::string& path) {
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail(Code::Io, "remove {}: {}", path, error.message());
  return {};
}

Result<std::uint64_t> free_bytes(const std::string& path) {
  struct statvfs info{};
  if (statvfs(path.c_str(), &info) != 0) return fail_errno(errno, "statvfs " + path);
  return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
}

Result<Directory> Directory::open(const std::string& path) {
  Fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return fail_errno(errno, "open directory " + path);
  return Directory(std::move(fd));
}

Result<Fd> Directory::open_file(std::string_view relative, int flags, unsigned mode) const {
  SLIPWAY_TRY(check_relative_path(relative));
  return open_beneath(fd_.get(), std::string(relative), flags | O_NOFOLLOW, mode);
}

Result<Directory> Directory::open_directory(std::string_view relative) const {
  SLIPWAY_TRY(check_relative_path(relative));
  SLIPWAY_ASSIGN(Fd fd, open_beneath(fd_.get(), std::string(relative), O_RDONLY | O_DIRECTORY, 0));
  return Directory(std::move(fd));
}

Result<void> Directory::make_directories(std::string_view relative, unsigned mode) const {
  SLIPWAY_TRY(check_relative_path(relative));
  Fd current(openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  std::size_t start = 0;
  while (start < relative.size()) {
    const std::size_t end = std::min(relative.find('/', start), relative.size());
    const std::string part(relative.substr(start, end - start));
    if (mkdirat(current.get(), part.c_str(), mode) != 0 && errno != EEXIST) return fail_errno(errno, "mkdir " + part);
    SLIPWAY_ASSIGN(current, open_beneath(current.get(), part, O_RDONLY | O_DIRECTORY, 0));
    start = end + 1;
  }
  return {};
}

Result<std::vector<FileEntry>> Directory::list_files(std::size_t limit_files,
                                                     const std::function<void(const std::string&)>& on_skipped) const {
  Walk walk{.limit = limit_files, .on_skipped = on_skipped, .found = {}};
  SLIPWAY_TRY(walk.visit(fd_.get(), "", 0));
  std::ranges::sort(walk.found, {}, &FileEntry::path);
  return std::move(walk.found);
}

}  // namespace slipway::runtime
