#include "agent/logs/spool.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>

#include "base/units.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

constexpr std::array<const char*, 3> kFiles{"stdout", "stderr", "status"};
constexpr const char* kClosedFile = "/closed";  ///< what was kept of each stream, and how much was dropped

struct ClosedRecord {
  std::array<std::int64_t, 2> kept{};
  std::array<std::int64_t, 2> dropped{};
};

Result<ClosedRecord> parse_closed(const std::string& text) {
  ClosedRecord record;
  const char* at = text.data();
  const char* end = at + text.size();
  for (std::int64_t* value : {&record.kept[0], &record.kept[1], &record.dropped[0], &record.dropped[1]}) {
    const auto [next, error] = std::from_chars(at, end, *value);
    if (error != std::errc{}) return fail(Code::Corrupt, "the spool's note of its lengths is damaged");
    at = next == end ? end : next + 1;
  }
  return record;
}

/// The line that takes the place of what was dropped; empty if nothing was.
std::string marker(std::int64_t kept, std::int64_t dropped, std::int64_t limit) {
  if (dropped <= 0) return {};
  const std::string why =
      kept >= limit ? "the limit for this stream is " + format_bytes(limit) : std::string("the host's disk was full");
  return fmt::format("\n[slipway: {} bytes dropped here: {}]\n", dropped, why);
}

Result<void> write_at(const std::string& path, std::int64_t offset, const std::string& text) {
  if (text.empty()) return {};
  const runtime::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  if (lseek(file.get(), offset, SEEK_SET) < 0) return fail_errno(errno, "seek in " + path);
  return runtime::write_all(file.get(), text).context("writing " + path);
}

}  // namespace

Result<void> Spool::make(const std::string& directory, unsigned uid) {
  SLIPWAY_TRY(runtime::make_directories(directory, 0755));
  for (const char* name : kFiles) {
    const std::string path = directory + "/" + name;
    const runtime::Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file.valid()) return fail_errno(errno, "open " + path);
    if (fchown(file.get(), uid, uid) != 0) return fail_errno(errno, "chown " + path);
  }
  return {};
}

Result<Spool> Spool::open(const std::string& directory, std::int64_t limit_bytes) {
  Spool spool(directory, limit_bytes);
  for (std::size_t i = 0; i < kFiles.size(); ++i) {
    const std::string path = directory + "/" + kFiles.at(i);
    runtime::Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!file.valid() && errno == ENOENT) return fail(Code::NotFound, "there is no log at {}", path);
    if (!file.valid()) return fail_errno(errno, "open " + path);
    (i < 2 ? spool.files_.at(i) : spool.status_) = std::move(file);
  }
  SLIPWAY_TRY(spool.reload());
  return spool;
}

Result<void> Spool::reload() {
  const std::string path = directory_ + kClosedFile;
  if (access(path.c_str(), F_OK) != 0) return {};
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path, 4096));
  SLIPWAY_ASSIGN(const ClosedRecord record, parse_closed(text));
  for (int i = 0; i < 2; ++i) {
    const std::string line = marker(record.kept.at(i), record.dropped.at(i), limit_bytes_);
    final_bytes_.at(i) = record.kept.at(i) + static_cast<std::int64_t>(line.size());
  }
  return {};
}

std::int64_t Spool::capped_size(int index) const {
  struct stat info{};
  if (fstat(files_.at(index).get(), &info) != 0) return 0;
  return std::min<std::int64_t>(info.st_size, limit_bytes_);
}

std::int64_t Spool::size(model::LogStream stream) const {
  const int index = static_cast<int>(stream);
  return final_bytes_.at(index) >= 0 ? final_bytes_.at(index) : capped_size(index);
}

Result<std::string> Spool::read(model::LogStream stream, std::int64_t offset, std::size_t most) const {
  const std::int64_t left = size(stream) - offset;
  if (left <= 0) return std::string();
  std::string bytes(std::min(most, static_cast<std::size_t>(left)), '\0');
  ssize_t got = -1;
  do {
    got = pread(files_.at(static_cast<int>(stream)).get(), bytes.data(), bytes.size(), offset);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno(errno, "read the log in " + directory_);
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

InitStatus Spool::status() const {
  InitStatus status;
  const ssize_t got = pread(status_.get(), &status, sizeof status, 0);
  if (got != static_cast<ssize_t>(sizeof status) || status.magic != kInitStatusMagic) return {};
  return status;
}

Result<void> Spool::close(const std::string& directory, std::int64_t limit_bytes) {
  SLIPWAY_ASSIGN(Spool spool, open(directory, limit_bytes));
  const std::string path = directory + kClosedFile;
  // The lengths are noted before the marker is written: afterwards they could not be told from the file any more.
  if (access(path.c_str(), F_OK) != 0) SLIPWAY_TRY(spool.write_closed());
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path, 4096));
  SLIPWAY_ASSIGN(const ClosedRecord record, parse_closed(text));
  for (int i = 0; i < 2; ++i) {
    const std::string name = directory + "/" + kFiles.at(i);
    SLIPWAY_TRY(write_at(name, record.kept.at(i), marker(record.kept.at(i), record.dropped.at(i), limit_bytes)));
  }
  return {};
}

Result<void> Spool::write_closed() {
  const InitStatus noted = status();
  std::string text;
  for (int i = 0; i < 2; ++i) text += fmt::format("{} ", capped_size(i));
  for (const std::uint64_t dropped : noted.dropped_bytes) text += fmt::format("{} ", dropped & INT64_MAX);
  return runtime::write_file_durably(directory_ + kClosedFile, text);
}

}  // namespace slipway::agent
