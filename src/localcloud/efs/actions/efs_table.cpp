#include "localcloud/efs/actions/efs_action.hpp"

namespace slipway::localcloud {
namespace {

constexpr std::string_view kEfsVersion = "2015-02-01";

// Methods, paths and statuses of botocore's model.
constexpr EfsActionEntry kEfsActions[] = {
    {"POST", "file-systems", 201, create_file_system},
    {"GET", "file-systems", 200, describe_file_systems},
    {"DELETE", "file-systems/*", 204, delete_file_system},
    {"GET", "file-systems/*/lifecycle-configuration", 200, describe_lifecycle_configuration},
    {"POST", "mount-targets", 200, create_mount_target},
    {"GET", "mount-targets", 200, describe_mount_targets},
    {"DELETE", "mount-targets/*", 204, delete_mount_target},
    {"GET", "mount-targets/*/security-groups", 200, describe_mount_target_security_groups},
    {"PUT", "mount-targets/*/security-groups", 204, modify_mount_target_security_groups},
    {"GET", "resource-tags/*", 200, list_tags_for_resource},
    {"POST", "resource-tags/*", 200, tag_resource},
    {"DELETE", "resource-tags/*", 200, untag_resource},
};

bool matches_path(std::string_view pattern, const std::vector<std::string>& path, std::string& resource) {
  if (path.empty() || path.front() != kEfsVersion) return false;
  std::size_t part = 1;
  while (!pattern.empty()) {
    const auto end = std::min(pattern.find('/'), pattern.size());
    const auto wanted = pattern.substr(0, end);
    if (part >= path.size() || (wanted != "*" && wanted != path[part])) return false;
    if (wanted == "*") resource = path[part];
    ++part;
    pattern.remove_prefix(std::min(end + 1, pattern.size()));
  }
  return part == path.size();
}

}  // namespace

std::span<const EfsActionEntry> efs_actions() { return kEfsActions; }

const EfsActionEntry* find_efs_action(const EfsRequest& request, std::string& resource) {
  for (const auto& entry : kEfsActions) {
    if (entry.method == request.method && matches_path(entry.path, request.path, resource)) return &entry;
  }
  return nullptr;
}

}  // namespace slipway::localcloud
