#include "image/recipe_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>

#include "base/digest.hpp"
#include "image/package_list.hpp"
#include "runtime/files.hpp"

namespace slipway::image {
namespace {

std::unexpected<Error> mistake(const Recipe& recipe, TextPlace place, std::string what, std::string fix) {
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("{}:{}:{}: {}", recipe.file_name, place.line, place.column, what),
                    .fix = std::move(fix),
                    .context = {}});
}

Result<void> read_all(int fd, const std::string& path, const std::function<void(std::string_view)>& use) {
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + path);
    if (got == 0) return {};
    use({buffer.data(), static_cast<std::size_t>(got)});
  }
}

Result<std::string> digest_of(int fd, const std::string& path) {
  Sha256 digest;
  SLIPWAY_TRY(read_all(fd, path, [&](std::string_view bytes) { digest.update(bytes); }));
  return digest.finish_hex();
}

/// A file that a step asks for by name.
struct NamedFile {
  std::string path;
  TextPlace place;
};

std::vector<NamedFile> files_named_by(const Step& step) {
  std::vector<NamedFile> named;
  if (const auto* upload = std::get_if<UploadStep>(&step.what)) named.push_back({upload->from, upload->from_place});
  if (const auto* image = std::get_if<ContainerImageStep>(&step.what)) {
    if (!image->packages_file.empty()) named.push_back({image->packages_file, image->packages_file_place});
    if (!image->context.empty()) named.push_back({image->context + "/Dockerfile", image->context_place});
  }
  return named;
}

/// Opens what a recipe names and takes it into a manifest.
class Collector {
 public:
  Collector(const Recipe& recipe, const runtime::Directory& directory) : recipe_(recipe), directory_(directory) {}

  Result<void> add_step(const Step& step) {
    for (const NamedFile& file : files_named_by(step)) SLIPWAY_TRY(add(file));
    const auto* image = std::get_if<ContainerImageStep>(&step.what);
    if (image == nullptr) return {};
    if (!image->packages_file.empty()) SLIPWAY_TRY(check_packages(*image));
    return image->context.empty() ? Result<void>() : add_context(*image);
  }

  model::Manifest take() {
    std::ranges::sort(files_, {}, &model::ManifestEntry::path);
    return std::move(files_);
  }

 private:
  Result<runtime::Fd> open(const NamedFile& named) const {
    // Without O_NONBLOCK a FIFO would keep us.
    auto file = directory_.open_file(named.path, O_RDONLY | O_NONBLOCK);
    if (file) return file;
    return mistake(recipe_, named.place, fmt::format("cannot read '{}': {}", named.path, file.error().message),
                   "put the file below the recipe's directory, or correct the path; symbolic links are not followed");
  }

  Result<void> add(const NamedFile& named) {
    if (std::ranges::find(files_, named.path, &model::ManifestEntry::path) != files_.end()) return {};
    SLIPWAY_ASSIGN(const runtime::Fd file, open(named));
    struct stat info{};
    if (fstat(file.get(), &info) != 0) return fail_errno(errno, "stat " + named.path);
    if (!S_ISREG(info.st_mode)) {
      return mistake(recipe_, named.place, fmt::format("'{}' is not a regular file", named.path),
                     "name one file; a directory goes up as the `context` of a container image");
    }
    if (info.st_size > kMaxUploadBytes) {
      return mistake(recipe_, named.place, fmt::format("'{}' is over {} MiB", named.path, kMaxUploadBytes >> 20),
                     "let a `run` step fetch it instead");
    }
    SLIPWAY_ASSIGN(std::string digest, digest_of(file.get(), named.path));
    files_.push_back({.path = named.path,
                      .sha256 = std::move(digest),
                      .size_bytes = info.st_size,
                      .mode = (info.st_mode & 0111U) != 0 ? 0755U : 0644U});
    return {};
  }

  Result<void> check_packages(const ContainerImageStep& image) const {
    SLIPWAY_ASSIGN(const runtime::Fd file, open({image.packages_file, image.packages_file_place}));
    std::string text;
    SLIPWAY_TRY(read_all(file.get(), image.packages_file, [&](std::string_view bytes) {
      if (text.size() <= kMaxPackageListBytes) text += bytes;
    }));
    SLIPWAY_TRY(parse_package_list(text, image.packages_file));
    return {};
  }

  Result<void> add_context(const ContainerImageStep& image) {
    SLIPWAY_ASSIGN(const runtime::Directory context, directory_.open_directory(image.context));
    std::string skipped;
    const auto found = context.list_files(kMaxContextFiles, [&](const std::string& path) { skipped = path; });
    if (!found) {
      return mistake(recipe_, image.context_place, fmt::format("'{}': {}", image.context, found.error().message),
                     "keep there only what the Dockerfile needs");
    }
    if (!skipped.empty()) {
      return mistake(recipe_, image.context_place, fmt::format("'{}/{}' is not a regular file", image.context, skipped),
                     "a context holds files and directories only; let the Dockerfile make links");
    }
    for (const runtime::FileEntry& file : *found)
      SLIPWAY_TRY(add({image.context + "/" + file.path, image.context_place}));
    return {};
  }

  const Recipe& recipe_;
  const runtime::Directory& directory_;
  model::Manifest files_;
};

}  // namespace

Result<model::Manifest> collect_files(const Recipe& recipe, const std::string& directory) {
  SLIPWAY_ASSIGN(const runtime::Directory opened, runtime::Directory::open(directory));
  Collector collector(recipe, opened);
  for (const Step& step : recipe.steps) SLIPWAY_TRY(collector.add_step(step));
  return collector.take();
}

Result<void> check_files(const Recipe& recipe, const model::Manifest& files) {
  for (const Step& step : recipe.steps) {
    for (const NamedFile& named : files_named_by(step)) {
      if (std::ranges::find(files, named.path, &model::ManifestEntry::path) != files.end()) continue;
      return mistake(recipe, named.place, fmt::format("the file '{}' was not sent along", named.path),
                     "run `slipway image bake` again");
    }
  }
  return {};
}

}  // namespace slipway::image
