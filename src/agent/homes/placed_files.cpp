#include "agent/homes/placed_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <filesystem>

#include "agent/files/work_tree.hpp"
#include "base/digest.hpp"
#include "runtime/files.hpp"
#include "wire/json.hpp"

namespace slipway::agent {
namespace {

namespace json = boost::json;
using runtime::Directory;
using runtime::Fd;
using Placed = std::map<std::string, std::string>;  // path in the home → SHA-256 of what was placed there

Result<Placed> read_placed(const std::string& path) {
  Placed placed;
  if (access(path.c_str(), F_OK) != 0) return placed;
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(path));
  SLIPWAY_ASSIGN(const json::value value, wire::parse_json(text).context("reading " + path));
  if (!value.is_object()) return fail(Code::Corrupt, "{} is no list of what was placed", path);
  for (const auto& member : value.get_object()) {
    if (member.value().is_string()) placed[member.key()] = std::string(member.value().get_string());
  }
  return placed;
}

Result<void> write_placed(const std::string& path, const Placed& placed) {
  json::object object;
  for (const auto& [file, sha256] : placed) object[file] = sha256;
  SLIPWAY_TRY(runtime::make_directories(std::filesystem::path(path).parent_path().string(), 0700));
  return runtime::write_file_durably(path, json::serialize(object), 0600);
}

Result<std::string> digest_of(int file) {
  Sha256 digest;
  std::string bytes(1 << 16, '\0');
  while (true) {
    const ssize_t got = read(file, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "read");
    if (got == 0) return digest.finish_hex();
    digest.update(std::string_view(bytes.data(), static_cast<std::size_t>(got)));
  }
}

enum class Found { Nothing, AsPlaced, Theirs };

/// What is at the path, opened without following any link: a link is the person's own doing.
Result<Found> look_at(const Directory& parent, const std::string& name, const std::string& placed_sha256) {
  struct stat info{};
  if (fstatat(parent.fd(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Found::Nothing;
    return fail_errno(errno, "look at " + name);
  }
  if (!S_ISREG(info.st_mode) || placed_sha256.empty()) return Found::Theirs;
  const auto file = parent.open_file(name, O_RDONLY | O_NONBLOCK);
  if (!file) return Found::Theirs;
  SLIPWAY_ASSIGN(const std::string sha256, digest_of(file->get()).context("reading " + name));
  return sha256 == placed_sha256 ? Found::AsPlaced : Found::Theirs;
}

/// The directory of that path, made where it lacks; nothing where the person has something else in its way.
Result<std::optional<Directory>> parent_of(const std::string& home, const std::string& path, unsigned uid) {
  SLIPWAY_ASSIGN(Directory current, Directory::open(home));
  for (std::size_t begin = 0; path.find('/', begin) != std::string::npos;) {
    const std::size_t end = path.find('/', begin);
    const std::string name = path.substr(begin, end - begin);
    begin = end + 1;
    const bool made = mkdirat(current.fd(), name.c_str(), 0755) == 0;
    if (!made && errno != EEXIST) return fail_errno(errno, "mkdir " + name);
    auto next = current.open_directory(name);
    if (!next) return std::optional<Directory>();
    if (made && fchown(next->fd(), uid, uid) != 0) return fail_errno(errno, "chown " + name);
    current = std::move(*next);
  }
  return std::optional<Directory>(std::move(current));
}

Result<void> copy_all(int from, int to) {
  while (true) {
    const ssize_t sent = sendfile(to, from, nullptr, 1 << 30);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return fail_errno(errno, "copy");
    if (sent == 0) return {};
  }
}

Result<void> write_beside(const Directory& parent, const std::string& beside, const model::ManifestEntry& entry,
                          const PlaceOrder& order) {
  const std::string source = cache_path(order.cache, entry.sha256);
  const Fd from(::open(source.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!from.valid()) return fail_errno(errno, "open " + source);
  SLIPWAY_ASSIGN(const Fd to, parent.open_file(beside, O_WRONLY | O_CREAT | O_EXCL, 0600));
  // Theirs first: what is written counts against their quota.
  if (fchown(to.get(), order.uid, order.uid) != 0) return fail_errno(errno, "chown " + entry.path);
  SLIPWAY_TRY(copy_all(from.get(), to.get()));
  if (fchmod(to.get(), (entry.mode & 0111U) != 0 ? 0755 : 0644) != 0) return fail_errno(errno, "chmod " + entry.path);
  if (fsync(to.get()) != 0) return fail_errno(errno, "fsync " + entry.path);
  return {};
}

Result<void> put_file(const Directory& parent, const std::string& name, const model::ManifestEntry& entry,
                      const PlaceOrder& order) {
  const std::string beside = fmt::format(".slipway-{}", entry.sha256.substr(0, 32));
  unlinkat(parent.fd(), beside.c_str(), 0);  // of a try that was cut off
  auto written = write_beside(parent, beside, entry, order);
  if (written && renameat(parent.fd(), beside.c_str(), parent.fd(), name.c_str()) != 0) {
    written = fail_errno(errno, "rename to " + name);
  }
  if (!written) unlinkat(parent.fd(), beside.c_str(), 0);
  return std::move(written).context("placing " + entry.path);
}

/// False: it was left alone.
Result<bool> place_one(const PlaceOrder& order, const model::ManifestEntry& entry, const std::string& path,
                       Placed& placed) {
  SLIPWAY_ASSIGN(const auto parent, parent_of(order.home, path, order.uid));
  if (!parent) return false;
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto before = placed.find(path);
  SLIPWAY_ASSIGN(const Found found, look_at(*parent, name, before == placed.end() ? "" : before->second));
  if (found == Found::Theirs && !order.replace) return false;
  if (found == Found::AsPlaced && before->second == entry.sha256) return true;
  SLIPWAY_TRY(put_file(*parent, name, entry, order));
  placed[path] = entry.sha256;
  return true;
}

}  // namespace

Result<std::vector<std::string>> place_into_home(const PlaceOrder& order) {
  SLIPWAY_ASSIGN(Placed placed, read_placed(order.record));
  std::vector<std::string> kept;
  Result<void> outcome;
  for (const auto& entry : order.files) {
    const std::string path = order.directory.empty() ? entry.path : order.directory + "/" + entry.path;
    const auto done = place_one(order, entry, path, placed);
    if (!done) {
      outcome = fail(done.error());
      break;
    }
    if (!*done) kept.push_back(path);
  }
  SLIPWAY_TRY(write_placed(order.record, placed));  // also of the half that was done
  SLIPWAY_TRY(std::move(outcome));
  std::ranges::sort(kept);
  return kept;
}

}  // namespace slipway::agent
