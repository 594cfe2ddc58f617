#include "agent/services/cpu_usage.hpp"

#include <charconv>

#include "agent/capacity.hpp"
#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

/// Directory of a group below a mount of its hierarchy. A container that runs containers sees only a part of the
/// hierarchy mounted, while /proc still gives the whole path.
std::string group_directory(const Mount& mount, std::string group) {
  if (mount.root != "/" && group.starts_with(mount.root)) group = group.substr(mount.root.size());
  if (group == "/") group.clear();
  return mount.point + group;
}

std::optional<std::int64_t> leading_number(std::string_view text) {
  std::int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{} || value < 0) return {};
  return value;
}

}  // namespace

std::vector<std::string> cpu_usage_files(std::string_view groups, const std::vector<Mount>& mounts) {
  std::vector<std::string> files;
  if (const auto group = group_path(groups, "cpuacct")) {
    for (const Mount& mount : mounts) {
      if (mount.type == "cgroup" && has_option(mount, "cpuacct")) {
        files.push_back(group_directory(mount, *group) + "/cpuacct.usage");
      }
    }
  }
  if (const auto group = group_path(groups, "")) {
    for (const Mount& mount : mounts) {
      if (mount.type == "cgroup2") files.push_back(group_directory(mount, *group) + "/cpu.stat");
    }
  }
  return files;
}

std::optional<std::int64_t> parse_cpu_usage(std::string_view text) {
  constexpr std::string_view kKey = "usage_usec ";
  if (const std::size_t at = text.find(kKey); at != std::string_view::npos) {
    return leading_number(text.substr(at + kKey.size()));
  }
  const auto nanoseconds = leading_number(text);
  return nanoseconds ? std::optional(*nanoseconds / 1000) : std::nullopt;
}

Result<CpuMeter> CpuMeter::of_process(int pid) {
  SLIPWAY_ASSIGN(const std::string groups, runtime::read_file(fmt::format("/proc/{}/cgroup", pid), 1 << 16));
  for (const std::string& file : cpu_usage_files(groups, read_mounts())) {
    const auto text = runtime::read_file(file, 1 << 16);
    if (!text || !parse_cpu_usage(*text)) continue;
    CpuMeter meter;
    meter.file_ = file;
    return meter;
  }
  return fail(Code::Unsupported, "no control group of process {} tells its CPU time", pid);
}

std::optional<std::int64_t> CpuMeter::cpu_millis(SteadyTime now) {
  if (file_.empty()) return {};
  const auto text = runtime::read_file(file_, 1 << 16);
  const auto micros = text ? parse_cpu_usage(*text) : std::nullopt;
  const auto before = std::exchange(last_micros_, micros);
  const Duration passed = now - std::exchange(last_at_, now);
  if (!micros || !before || passed <= Duration(0)) return {};
  return std::max<std::int64_t>(*micros - *before, 0) / passed.count();  // µs a ms: thousandths
}

}  // namespace slipway::agent
