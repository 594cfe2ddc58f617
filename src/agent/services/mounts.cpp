#include "agent/services/mounts.hpp"

#include <charconv>
#include <ranges>

#include "runtime/files.hpp"

namespace slipway::agent {
namespace {

/// mountinfo writes blanks and backslashes as \ooo.
std::string unescape_mount(std::string_view text) {
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

std::vector<std::string_view> split_at(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (const auto part : std::views::split(text, separator)) parts.emplace_back(part.begin(), part.end());
  return parts;
}

bool is_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return path.starts_with('/');
  return path.starts_with(directory) && (path.size() == directory.size() || path[directory.size()] == '/');
}

}  // namespace

std::vector<Mount> parse_mounts(std::string_view mountinfo) {
  std::vector<Mount> mounts;
  for (const std::string_view line : split_at(mountinfo, '\n')) {
    const auto fields = split_at(line, ' ');
    bool shared = false;
    std::size_t dash = 6;
    for (; dash < fields.size() && fields[dash] != "-"; ++dash) {
      shared = shared || fields[dash].starts_with("shared:") || fields[dash].starts_with("master:");
    }
    if (dash + 3 >= fields.size()) continue;
    mounts.push_back({.root = unescape_mount(fields[3]),
                      .point = unescape_mount(fields[4]),
                      .shared = shared,
                      .type = std::string(fields[dash + 1]),
                      .options = std::string(fields[dash + 3])});
  }
  return mounts;
}

std::vector<Mount> read_mounts() {
  const auto text = runtime::read_file("/proc/self/mountinfo");
  return text ? parse_mounts(*text) : std::vector<Mount>{};
}

bool has_option(const Mount& mount, std::string_view option) {
  for (const std::string_view one : split_at(mount.options, ',')) {
    if (one == option) return true;
  }
  return false;
}

const Mount* mount_of(const std::vector<Mount>& mounts, std::string_view path) {
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    // Of two mounts on one point the later one covers the other.
    if (is_below(path, mount.point) && (best == nullptr || mount.point.size() >= best->point.size())) best = &mount;
  }
  return best;
}

}  // namespace slipway::agent
