#include "agent/homes/home_disk.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <ranges>

#include "base/log.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kGiveDeadline = std::chrono::minutes(5);  ///< a home has many files
constexpr auto kFailureHolds = std::chrono::seconds(3);

bool is_on_or_below(const std::string& point, const std::string& directory) {
  return point == directory || point.starts_with(directory + "/");
}

/// One line for people: mount(8) adds advice that is of no use here.
Result<void> run_program(const Argv& argv, Duration deadline) {
  SLIPWAY_ASSIGN(const auto ended, runtime::run(argv, {.env = {{"LC_ALL", "C"}}, .timeout = deadline}));
  if (ended.exit_code == 0) return {};
  const std::string& said = ended.standard_error.empty() ? ended.standard_output : ended.standard_error;
  return fail(
      Code::Io, "{}",
      said.empty() ? fmt::format("{} ended with {}", argv.front(), ended.exit_code) : said.substr(0, said.find('\n')));
}

Result<void> saying(const std::string& what, Result<void> result) {
  if (result) return result;
  Error error = std::move(result).error();
  error.message = what + ": " + error.message;
  return fail(std::move(error));
}

/// mount(8), exit code 32, or a helper that does not know our option.
bool knows_no_quota(const Error& error) {
  const std::string text = error.text();
  return text.find("option") != std::string::npos && error.code != Code::Timeout;
}

}  // namespace

Result<void> remove_allocation_tree(const std::string& directory) {
  SLIPWAY_TRY(HomeDisk({}).detach(directory));
  const auto mounts = read_mounts();
  if (mounts.empty() ||
      std::ranges::any_of(mounts, [&](const Mount& mount) { return is_on_or_below(mount.point, directory); })) {
    return fail(Code::Conflict, "{} is not removed: something is mounted in it", directory);
  }
  return runtime::remove_tree(directory);
}

HomeDisk::HomeDisk(Options options) : options_(std::move(options)) {
  if (!options_.run) options_.run = run_program;
  if (!options_.mounts) options_.mounts = read_mounts;
}

Result<void> HomeDisk::run(const Argv& argv) const { return options_.run(argv, options_.deadline); }

bool HomeDisk::is_mounted(const std::string& point) const {
  const auto mounts = options_.mounts();
  return std::ranges::find(mounts, point, &Mount::point) != mounts.end();
}

Result<void> HomeDisk::mount_once(const model::HomeMount& home, const std::string& point) {
  const Argv argv = mount_file_system(home, point);
  if (argv.empty() || is_mounted(point)) return {};
  SLIPWAY_TRY(runtime::make_directories(point, 0700));
  return saying("mounting the file system of homes, " + home.source, run(argv));
}

/// With its quota from the beginning, where there is one: a directory that exists cannot get it any more.
Result<void> HomeDisk::make_home(const model::HomeMount& home, const std::string& path, unsigned uid) {
  struct stat info{};
  const bool exists = stat(path.c_str(), &info) == 0;
  const std::string beside = options_.directory + "/making";
  if (const Argv argv = make_with_quota(home, beside); !exists && !argv.empty()) {
    SLIPWAY_TRY(runtime::make_directories(beside, 0700));
    if (is_mounted(beside)) SLIPWAY_TRY(run(unmount(beside, true)));
    const auto made = run(argv);
    if (!made && !knows_no_quota(made.error())) return saying("making a home", made);
    if (made) SLIPWAY_TRY(run(unmount(beside, false)));
  }
  if (exists && info.st_uid == uid && (info.st_mode & 07777U) == 0700) return {};
  SLIPWAY_TRY(saying("making a home", run(make_directory(path, uid))));
  if (!exists || info.st_uid == uid) return {};
  return saying("giving a home to its user", options_.run(give_directory(path, uid), kGiveDeadline));
}

Result<std::string> HomeDisk::open(const model::HomeMount& home, unsigned uid) {
  const std::string key = file_system_key(home);
  const auto before = failures_.find(key);
  const auto now = std::chrono::steady_clock::now();
  if (before != failures_.end() && now - before->second.at < kFailureHolds) return fail(before->second.error);
  const std::string point = file_system_point(options_.directory, home);
  const std::string path = point + "/" + home.name;
  auto opened = mount_once(home, point);
  if (opened) opened = make_home(home, path, uid);
  if (!opened) {
    failures_[key] = {.at = std::chrono::steady_clock::now(), .error = opened.error()};
    return fail(std::move(opened).error());
  }
  failures_.erase(key);
  return path;
}

Result<void> HomeDisk::attach(const model::HomeMount& home, const std::string& target, unsigned uid) {
  const auto mounts = options_.mounts();
  // The root of a bind mount is the directory that was bound.
  const bool attached = std::ranges::any_of(
      mounts, [&](const Mount& mount) { return mount.point == target && mount.root.ends_with("/" + home.name); });
  if (attached) return {};
  SLIPWAY_ASSIGN(const std::string path, open(home, uid));
  SLIPWAY_TRY(saying("binding a home", run(bind_mount(path, target))));
  return saying("binding a home", run(harden_mount(target)));
}

Result<void> HomeDisk::share(const std::string& target) {
  const auto mounts = options_.mounts();
  const Mount* mount = mount_of(mounts, target);
  if (mount != nullptr && mount->shared) return {};
  if (!is_mounted(target)) SLIPWAY_TRY(saying("sharing a mount point", run(bind_mount(target, target))));
  return saying("sharing a mount point", run(share_mount(target)));
}

Result<void> HomeDisk::detach(const std::string& target) {
  auto mounts = options_.mounts();
  std::erase_if(mounts, [&](const Mount& mount) { return !is_on_or_below(mount.point, target); });
  for (const Mount& mount : std::views::reverse(mounts)) {
    if (run(unmount(mount.point, false))) continue;
    const auto lazily = saying("unmounting a home", run(unmount(mount.point, true)));
    // Another thread may have been faster: an end and a removal come close together.
    if (!lazily && is_mounted(mount.point)) return lazily;
  }
  return {};
}

void HomeDisk::release_all_but(const std::vector<model::HomeMount>& homes) {
  for (const Mount& mount : std::views::reverse(options_.mounts())) {
    if (!mount.point.starts_with(options_.directory + "/")) continue;
    const bool used = std::ranges::any_of(homes, [&](const model::HomeMount& home) {
      return file_system_point(options_.directory, home) == mount.point;
    });
    if (used) continue;
    if (auto gone = detach(mount.point); !gone) log::warn("{}", gone.error().text());
  }
}

}  // namespace slipway::agent
