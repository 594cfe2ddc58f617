#include "agent/files/artifacts.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/digest.hpp"
#include "base/units.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

using runtime::Directory;

Result<model::ManifestEntry> read_entry(const Directory& directory, const runtime::FileEntry& file) {
  // Non-blocking: whatever stands there by now, opening it must not wait.
  SLIPWAY_ASSIGN(const runtime::Fd fd, directory.open_file(file.path, O_RDONLY | O_NONBLOCK));
  struct stat info{};
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return fail(Code::NotFound, "{} is no regular file any more", file.path);
  }
  Sha256 hash;
  std::int64_t size = 0;
  std::string buffer(256 * 1024, '\0');
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read " + file.path);
    if (got == 0) break;
    hash.update(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)));
    size += got;
  }
  return model::ManifestEntry{.path = file.path,
                              .sha256 = hash.finish_hex(),
                              .size_bytes = size,
                              .mode = (file.mode & 0111U) != 0 ? 0755U : 0644U};
}

void add_note(std::string& notes, const std::string& note) {
  if (!notes.empty()) notes += "; ";
  notes += note;
}

}  // namespace

CollectedArtifacts collect_artifacts(const std::string& path, const ArtifactLimits& limits) {
  CollectedArtifacts collected;
  auto directory = Directory::open(path);
  if (!directory) {
    collected.note = "not recovered: " + directory.error().text();
    return collected;
  }
  std::size_t skipped = 0;
  std::string first_skipped;
  auto files = directory->list_files(limits.files, [&](const std::string& name) {
    if (skipped++ == 0) first_skipped = name;
  });
  if (!files) {
    collected.note = "not recovered: " + files.error().text();
    return collected;
  }
  std::int64_t sum = 0;
  std::size_t over = 0;
  for (const auto& file : *files) {
    if (sum + file.size_bytes > limits.bytes) {
      ++over;
      continue;
    }
    auto entry = read_entry(*directory, file);
    if (!entry) {
      add_note(collected.note, "not recovered: " + entry.error().text());
      continue;
    }
    sum += entry->size_bytes;
    collected.manifest.push_back(std::move(*entry));
  }
  if (skipped > 0)
    add_note(collected.note, fmt::format("{} left out that are no regular files: {}…", skipped, first_skipped));
  if (over > 0) add_note(collected.note, fmt::format("{} files left out: over {}", over, format_bytes(limits.bytes)));
  if (collected.note.size() > 2000) collected.note.resize(2000);
  return collected;
}

}  // namespace slipway::agent
