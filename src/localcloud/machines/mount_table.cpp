#include "localcloud/machines/mount_table.hpp"

#include <charconv>

#include "localcloud/machines/text.hpp"
#include "runtime/files.hpp"

namespace slipway::localcloud {
namespace {

/// mountinfo writes blanks and backslashes as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    if (text[at] == '\\' && at + 3 < text.size() &&
        std::from_chars(&text[at + 1], &text[at + 4], value, 8).ptr == &text[at + 4]) {
      out += static_cast<char>(value);
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

}  // namespace

std::vector<MountEntry> parse_mounts(std::string_view mountinfo) {
  std::vector<MountEntry> out;
  for (const std::string_view line : split(mountinfo, '\n')) {
    const auto fields = split(line, ' ');
    std::size_t dash = 6;
    while (dash < fields.size() && fields[dash] != "-") ++dash;
    if (dash + 3 >= fields.size()) continue;
    out.push_back({.root = unescape(fields[3]),
                   .mount_point = unescape(fields[4]),
                   .type = std::string(fields[dash + 1]),
                   .source = unescape(fields[dash + 2]),
                   .super_options = std::string(fields[dash + 3])});
  }
  return out;
}

std::vector<MountEntry> read_mounts() {
  const auto text = runtime::read_file("/proc/self/mountinfo");
  return text ? parse_mounts(*text) : std::vector<MountEntry>{};
}

bool has_option(const MountEntry& mount, std::string_view option) {
  for (const std::string_view one : split(mount.super_options, ',')) {
    if (one == option) return true;
  }
  return false;
}

}  // namespace slipway::localcloud
