#include "agent/homes/home_archive.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/units.hpp"
#include "runtime/fd.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::agent {
namespace {

std::int64_t size_of(const std::string& path) {
  struct stat info{};
  return stat(path.c_str(), &info) == 0 ? info.st_size : 0;
}

Result<HomeArchive> measure(const std::string& path) {
  const runtime::Fd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  Sha256 digest;
  HomeArchive archive;
  std::string bytes(1 << 16, '\0');
  while (true) {
    const ssize_t got = read(file.get(), bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + path);
    if (got == 0) break;
    digest.update(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
    archive.size_bytes += got;
  }
  archive.sha256 = digest.finish_hex();
  return archive;
}

Result<void> run_tar(const std::string& home, const std::string& path, std::int64_t limit_bytes, Duration deadline,
                     const std::function<bool()>& cancelled) {
  bool too_large = false;
  const auto ended =
      runtime::run({"tar", "--create", "--gzip", "--numeric-owner", "--file", path, "--directory", home, "."},
                   {.env = {{"LC_ALL", "C"}}, .timeout = deadline, .cancelled = [&] {
                      too_large = too_large || size_of(path) > limit_bytes;
                      return too_large || (cancelled && cancelled());
                    }});
  if (too_large || size_of(path) > limit_bytes)
    return fail(Code::TooLarge, "its archive is above the limit of {}", format_bytes(limit_bytes));
  if (!ended) return fail(ended.error());
  // GNU tar: 1 is "some files differ", which is what happens to a home that is in use.
  if (ended->exit_code > 1) return fail(Code::Io, "tar: {}", ended->standard_error.substr(0, 500));
  return {};
}

}  // namespace

Result<HomeArchive> pack_home(const std::string& home, const std::string& path, std::int64_t limit_bytes,
                              Duration deadline, const std::function<bool()>& cancelled) {
  unlink(path.c_str());
  auto packed = run_tar(home, path, limit_bytes, deadline, cancelled);
  auto archive = packed ? measure(path) : Result<HomeArchive>(fail(packed.error()));
  if (!archive) unlink(path.c_str());
  return archive;
}

}  // namespace slipway::agent
