#include "agent/capacity.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

std::string read_or_empty(const std::string& path) { return runtime::read_file(path, 1 << 20).value_or(std::string()); }

/// The first number of a text; nothing for "max", "-1" or no number.
std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{} || value <= 0) return {};
  return value;
}

std::int64_t memory_of_proc(const std::string& root) {
  const std::string text = read_or_empty(root + "/proc/meminfo");
  const std::size_t at = text.find("MemTotal:");
  if (at == std::string::npos) return 0;
  const std::size_t digits = text.find_first_of("0123456789", at);
  return digits == std::string::npos ? 0 : number(std::string_view(text).substr(digits)).value_or(0) * 1024;
}

std::int64_t processors_of_proc(const std::string& root) {
  const std::string text = read_or_empty(root + "/proc/cpuinfo");
  std::int64_t count = 0;
  for (std::size_t at = text.find("processor"); at != std::string::npos; at = text.find("\nprocessor", at + 1)) ++count;
  return std::max<std::int64_t>(count, 1);
}

/// Calls `look` with the directory of the process's group and of each above it.
template <typename Look>
void each_group(const std::string& mount, std::string path, Look look) {
  while (true) {
    look(path == "/" ? mount : mount + path);
    const std::size_t slash = path.rfind('/');
    if (path == "/" || slash == std::string::npos) return;
    path = slash == 0 ? "/" : path.substr(0, slash);
  }
}

struct Limits {
  std::int64_t memory = std::numeric_limits<std::int64_t>::max();
  std::int64_t cpu_millis = std::numeric_limits<std::int64_t>::max();

  void cpu(std::optional<std::int64_t> quota, std::optional<std::int64_t> period) {
    if (quota && period) cpu_millis = std::min(cpu_millis, *quota * 1000 / *period);
  }
};

Limits read_limits(const std::string& root) {
  Limits limits;
  const std::string groups = read_or_empty(root + "/proc/self/cgroup");
  const std::string mount = root + "/sys/fs/cgroup";
  for (const std::string& name : std::array<std::string, 2>{"", "/unified"}) {
    each_group(mount + name, group_path(groups, "").value_or("/"), [&](const std::string& group) {
      if (auto memory = number(read_or_empty(group + "/memory.max"))) limits.memory = std::min(limits.memory, *memory);
      const std::string cpu = read_or_empty(group + "/cpu.max");
      const std::size_t space = cpu.find(' ');
      if (space != std::string::npos) limits.cpu(number(cpu), number(std::string_view(cpu).substr(space + 1)));
    });
  }
  each_group(mount + "/memory", group_path(groups, "memory").value_or("/"), [&](const std::string& group) {
    if (auto memory = number(read_or_empty(group + "/memory.limit_in_bytes"))) {
      limits.memory = std::min(limits.memory, *memory);
    }
  });
  for (const std::string& name : std::array<std::string, 2>{"/cpu", "/cpu,cpuacct"}) {
    each_group(mount + name, group_path(groups, "cpu").value_or("/"), [&](const std::string& group) {
      limits.cpu(number(read_or_empty(group + "/cpu.cfs_quota_us")),
                 number(read_or_empty(group + "/cpu.cfs_period_us")));
    });
  }
  return limits;
}

}  // namespace

std::optional<std::string> group_path(std::string_view text, std::string_view controller) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string names = "," + std::string(line.substr(first + 1, second - first - 1)) + ",";
    const bool match = controller.empty() ? names == ",," : names.contains("," + std::string(controller) + ",");
    if (match) return std::string(line.substr(second + 1));
  }
  return std::nullopt;
}

Result<model::Resources> measure_capacity(const std::string& root) {
  const std::int64_t memory = memory_of_proc(root);
  if (memory <= 0) return fail(Code::Io, "{}/proc/meminfo does not say how much memory there is", root);
  const Limits limits = read_limits(root);
  return model::Resources{.cpu_millis = std::min(processors_of_proc(root) * 1000, limits.cpu_millis),
                          .memory_bytes = std::min(memory, limits.memory)};
}

Result<std::string> read_boot_id() {
  SLIPWAY_ASSIGN(std::string id, runtime::read_file("/proc/sys/kernel/random/boot_id", 256));
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::string read_hostname() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

}  // namespace slipway::agent
