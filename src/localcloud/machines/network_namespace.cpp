#include "localcloud/machines/network_namespace.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <thread>

#include "localcloud/machines/loop_mount.hpp"
#include "runtime/fd.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kDirectory = "/run/netns";

/// `ip netns` mounts the directory over itself at its first use; two at once, or one beside our clean-up, would leave
/// a namespace hidden below another mount.
Result<runtime::Fd> lock_names() {
  SLIPWAY_TRY(runtime::make_directories("/run/slipway", 0755));
  runtime::Fd file(::open("/run/slipway/netns.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid() || flock(file.get(), LOCK_EX) != 0) return fail_errno(errno, "lock /run/slipway/netns.lock");
  return file;
}

/// What `ip netns` leaves behind on a machine that had none before.
void tidy_directory() {
  std::error_code ignored;
  if (!fs::is_empty(kDirectory, ignored) || ignored) return;
  if (is_mount_point(std::string(kDirectory))) umount2(kDirectory.data(), UMOUNT_NOFOLLOW);
}

}  // namespace

std::string network_namespace_path(const std::string& name) { return fmt::format("{}/{}", kDirectory, name); }

Result<void> add_network_namespace(const std::string& name) {
  SLIPWAY_ASSIGN(const runtime::Fd lock, lock_names());
  const std::string path = network_namespace_path(name);
  if (fs::exists(path)) {
    if (in_network_namespace(name, [] { return Result<void>(); })) return {};
    fs::remove(path);  // an empty file: whoever made it died before the mount
  }
  SLIPWAY_TRY(runtime::run_checked({"ip", "netns", "add", name}));
  return {};
}

Result<void> remove_network_namespace(const std::string& name) {
  SLIPWAY_ASSIGN(const runtime::Fd lock, lock_names());
  const std::string path = network_namespace_path(name);
  if (fs::exists(path)) {
    if (umount2(path.c_str(), MNT_DETACH) != 0 && errno != EINVAL) return fail_errno(errno, "unmount " + path);
    std::error_code error;
    fs::remove(path, error);
    if (error) return fail(Code::Io, "remove {}: {}", path, error.message());
  }
  tidy_directory();
  return {};
}

std::vector<std::string> list_network_namespaces(const std::string& prefix) {
  std::vector<std::string> out;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(kDirectory, ignored)) {
    const std::string name = entry.path().filename();
    if (name.starts_with(prefix)) out.push_back(name);
  }
  std::ranges::sort(out);
  return out;
}

Result<void> in_network_namespace(const std::string& name, const std::function<Result<void>()>& work) {
  const runtime::Fd space(::open(network_namespace_path(name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!space.valid()) return fail(Code::NotFound, "no network namespace {}", name);
  Result<void> result;
  std::thread inside([&] {
    if (setns(space.get(), CLONE_NEWNET) != 0) {
      result = fail_errno(errno, "enter network namespace " + name);
    } else {
      result = work();
    }
  });
  inside.join();
  return result;
}

Result<void> write_net_sysctl(const std::string& key, const std::string& value) {
  const std::string path = "/proc/sys/net/" + key;
  const runtime::Fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  return runtime::write_all(file.get(), value).context("writing " + path);
}

Result<void> run_ip_batch(const std::string& name, const std::string& commands) {
  std::vector<std::string> argv{"ip"};
  if (!name.empty()) argv.insert(argv.end(), {"-netns", name});
  argv.insert(argv.end(), {"-batch", "-"});
  SLIPWAY_TRY(runtime::run_checked(argv, {.stdin_text = commands}));
  return {};
}

Result<void> run_nft(const std::string& name, const std::string& script) {
  std::vector<std::string> argv;
  if (!name.empty()) argv = {"nsenter", "--net=" + network_namespace_path(name), "--"};
  argv.insert(argv.end(), {"nft", "--file", "-"});
  SLIPWAY_TRY(runtime::run_checked(argv, {.stdin_text = script}));
  return {};
}

bool has_interface(const std::string& name, const std::string& interface) {
  if (name.empty()) return if_nametoindex(interface.c_str()) != 0;
  return in_network_namespace(name,
                              [&]() -> Result<void> {
                                if (if_nametoindex(interface.c_str()) == 0)
                                  return fail(Code::NotFound, "no interface {}", interface);
                                return {};
                              })
      .has_value();
}

}  // namespace slipway::localcloud
