#include "localcloud/machines/base_builder.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "localcloud/machines/base_files.hpp"
#include "localcloud/machines/text.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

/// Files of /etc/apt that name Debian's archive for the suite.
std::vector<std::string> debian_sources(const std::string& suite) {
  std::vector<std::string> candidates{"/etc/apt/sources.list"};
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator("/etc/apt/sources.list.d", ignored)) {
    const std::string extension = entry.path().extension();
    if (extension == ".list" || extension == ".sources") candidates.push_back(entry.path());
  }
  std::erase_if(candidates, [&](const std::string& path) {
    const auto content = runtime::read_file(path, 1 << 20);
    return !content || !is_debian_source(*content, suite);
  });
  std::ranges::sort(candidates);
  return candidates;
}

/// Reports mmdebstrap's own phases as they begin.
class PhaseReader {
 public:
  explicit PhaseReader(const BaseOptions& options) : options_(options) {}
  void operator()(std::string_view piece) {
    pending_ += piece;
    std::size_t end = 0;
    while ((end = pending_.find('\n')) != std::string::npos) {
      const std::string line(trim(std::string_view(pending_).substr(0, end)));
      pending_.erase(0, end + 1);
      if (line.starts_with("I: ") && options_.on_progress) options_.on_progress(line.substr(3));
    }
  }

 private:
  const BaseOptions& options_;
  std::string pending_;
};

std::vector<std::string> mmdebstrap_argv(const BaseOptions& options, const std::string& apt_options) {
  std::vector<std::string> packages = base_packages(options.cloud_init);
  packages.insert(packages.end(), options.more_packages.begin(), options.more_packages.end());
  std::vector<std::string> argv{
      "mmdebstrap",
      "--mode=root",
      "--variant=minbase",
      "--format=directory",
      fmt::format("--include={}", fmt::join(packages, ",")),
      "--aptopt=Acquire::Languages \"none\"",
      "--aptopt=APT::Install-Recommends \"false\"",
      // The tree is worthless until it is whole, so nothing in it needs to be durable before.
      "--dpkgopt=force-unsafe-io",
      "--dpkgopt=path-exclude=/usr/share/man/*",
      "--dpkgopt=path-exclude=/usr/share/locale/*",
      "--dpkgopt=path-exclude=/usr/share/doc/*",
      "--dpkgopt=path-include=/usr/share/doc/*/copyright",
  };
  for (const std::string_view line : split(apt_options, '\n')) {
    argv.push_back("--aptopt=" + std::string(line.substr(0, line.rfind(';'))));
  }
  argv.insert(argv.end(), {options.suite, options.target});
  // Without sources mmdebstrap takes Debian's default archive.
  for (std::string& source : debian_sources(options.suite)) argv.push_back(std::move(source));
  return argv;
}

Result<void> check_target(const std::string& target) {
  std::error_code error;
  if (fs::is_directory(target, error) && fs::is_empty(target, error)) return {};
  return fail(Code::InvalidInput, "{} is not an empty directory", target);
}

Result<void> in_tree(const BaseOptions& options, std::vector<std::string> command) {
  command.insert(command.begin(), {"chroot", options.target});
  SLIPWAY_TRY(
      runtime::run_checked(std::move(command), {.env = {{"LC_ALL", "C.UTF-8"}}, .cancelled = options.cancelled}));
  return {};
}

/// What belongs to the machine that built the tree, or must be each instance's own.
Result<void> remove_identity(const std::string& target) {
  std::error_code ignored;
  fs::remove(target + "/etc/hostname", ignored);
  fs::remove(target + "/var/lib/dbus/machine-id", ignored);
  for (const auto& entry : fs::directory_iterator(target + "/etc/ssh", ignored)) {
    if (entry.path().filename().string().starts_with("ssh_host_")) fs::remove(entry.path());
  }
  return {};
}

Result<void> write_files(const BaseOptions& options, const std::string& apt_options) {
  std::vector<BaseFile> files = base_files(options.cloud_init);
  if (!apt_options.empty()) files.push_back({"/etc/apt/apt.conf.d/90-archive", apt_options});
  for (const BaseFile& file : files) {
    const std::string path = options.target + file.path;
    SLIPWAY_TRY(runtime::make_directories(fs::path(path).parent_path(), 0755));
    SLIPWAY_TRY(runtime::write_file_durably(path, file.content, file.mode));
  }
  return {};
}

Result<void> set_up_units(const BaseOptions& options) {
  std::vector<std::string> enable{"systemctl", "--quiet", "enable"};
  std::ranges::copy(units_to_enable(), std::back_inserter(enable));
  SLIPWAY_TRY(in_tree(options, std::move(enable)));
  std::vector<std::string> mask{"systemctl", "--quiet", "mask"};
  std::ranges::copy(units_to_mask(options.cloud_init), std::back_inserter(mask));
  return in_tree(options, std::move(mask));
}

}  // namespace

Result<void> build_base(const BaseOptions& options) {
  SLIPWAY_TRY(check_target(options.target));
  const auto dump = runtime::run({"apt-config", "dump"});
  const std::string apt_options = dump ? apt_options_for_guests(dump->standard_output) : "";
  auto built = runtime::run_checked(
      mmdebstrap_argv(options, apt_options),
      {.timeout = options.timeout, .on_output = PhaseReader(options), .cancelled = options.cancelled});
  if (!built && built.error().code == Code::NotFound) {
    return fail(Error{.code = Code::Unsupported,
                      .message = "the program `mmdebstrap` is missing",
                      .fix = "apt-get install mmdebstrap"});
  }
  if (!built) return fail(std::move(built.error()));
  if (options.on_progress) options.on_progress("configuring");
  SLIPWAY_TRY(in_tree(options, {"useradd", "--create-home", "--shell", "/bin/bash", "--groups", "adm,sudo", "admin"}));
  SLIPWAY_TRY(remove_identity(options.target));
  SLIPWAY_TRY(write_files(options, apt_options));
  return set_up_units(options);
}

}  // namespace slipway::localcloud
