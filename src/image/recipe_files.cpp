#include "image/recipe_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/digest.hpp"
#include "runtime/files.hpp"

namespace slipway::image {
namespace {

std::unexpected<Error> mistake(const Recipe& recipe, TextPlace place, std::string what, std::string fix) {
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("{}:{}:{}: {}", recipe.file_name, place.line, place.column, what),
                    .fix = std::move(fix),
                    .context = {}});
}

Result<std::string> digest_of(int fd, const std::string& path) {
  Sha256 digest;
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + path);
    if (got == 0) return digest.finish_hex();
    digest.update({buffer.data(), static_cast<std::size_t>(got)});
  }
}

Result<model::ManifestEntry> entry_of(const Recipe& recipe, const UploadStep& upload,
                                      const runtime::Directory& directory) {
  // Without O_NONBLOCK a FIFO would keep us.
  const auto file = directory.open_file(upload.from, O_RDONLY | O_NONBLOCK);
  if (!file) {
    return mistake(recipe, upload.from_place, fmt::format("cannot read '{}': {}", upload.from, file.error().message),
                   "put the file below the recipe's directory, or correct `from`; symbolic links are not followed");
  }
  struct stat info{};
  if (fstat(file->get(), &info) != 0) return fail_errno(errno, "stat " + upload.from);
  if (!S_ISREG(info.st_mode)) {
    return mistake(recipe, upload.from_place, fmt::format("'{}' is not a regular file", upload.from),
                   "name one file in each upload step");
  }
  if (info.st_size > kMaxUploadBytes) {
    return mistake(recipe, upload.from_place, fmt::format("'{}' is over {} MiB", upload.from, kMaxUploadBytes >> 20),
                   "let a `run` step fetch it instead");
  }
  SLIPWAY_ASSIGN(std::string digest, digest_of(file->get(), upload.from));
  return model::ManifestEntry{.path = upload.from,
                              .sha256 = std::move(digest),
                              .size_bytes = info.st_size,
                              .mode = (info.st_mode & 0111U) != 0 ? 0755U : 0644U};
}

}  // namespace

Result<model::Manifest> collect_files(const Recipe& recipe, const std::string& directory) {
  SLIPWAY_ASSIGN(const runtime::Directory opened, runtime::Directory::open(directory));
  model::Manifest files;
  for (const Step& step : recipe.steps) {
    const auto* upload = std::get_if<UploadStep>(&step.what);
    if (upload == nullptr) continue;
    if (std::ranges::find(files, upload->from, &model::ManifestEntry::path) != files.end()) continue;
    SLIPWAY_ASSIGN(model::ManifestEntry entry, entry_of(recipe, *upload, opened));
    files.push_back(std::move(entry));
  }
  std::ranges::sort(files, {}, &model::ManifestEntry::path);
  return files;
}

Result<void> check_files(const Recipe& recipe, const model::Manifest& files) {
  for (const Step& step : recipe.steps) {
    const auto* upload = std::get_if<UploadStep>(&step.what);
    if (upload == nullptr) continue;
    if (std::ranges::find(files, upload->from, &model::ManifestEntry::path) != files.end()) continue;
    return mistake(recipe, upload->from_place, fmt::format("the file '{}' was not sent along", upload->from),
                   "run `slipway image bake` again");
  }
  return {};
}

}  // namespace slipway::image
