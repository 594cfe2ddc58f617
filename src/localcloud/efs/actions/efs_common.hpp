// What several EFS actions share: looking resources up and writing them.
#pragma once
#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "localcloud/contains.hpp"
#include "localcloud/efs/actions/efs_action.hpp"

namespace slipway::localcloud {

/// By id or ARN. BadRequest for what is no id, FileSystemNotFound.
EfsResult<const FileSystem*> find_file_system(const EfsContext& context, std::string_view id);
/// The one that the path names.
EfsResult<const FileSystem*> find_file_system(const EfsContext& context);
/// The one that the path names. BadRequest, MountTargetNotFound.
EfsResult<const MountTarget*> find_mount_target(const EfsContext& context);
EfsResult<const MountTarget*> find_mount_target(const EfsContext& context, const std::string& id);
/// SecurityGroups of the body; VPC's default group where absent. SecurityGroupNotFound, SecurityGroupLimitExceeded.
EfsResult<std::vector<std::string>> read_mount_target_groups(const EfsContext& context);

/// `held_bytes` is what its files hold.
boost::json::object describe(const FileSystem& system, std::int64_t held_bytes, const EfsContext& context);
boost::json::object describe(const MountTarget& target, const EfsContext& context);
boost::json::array describe(const Tags& tags);

/// An answer that changes one thing.
template <typename T>
EfsReply reply_with(boost::json::value body, std::string_view command, T changed) {
  EfsReply reply{
      .body = std::move(body), .changes = {.command = std::string(command), .put = {}, .remove = {}}, .blocking = {}};
  reply.changes.put.emplace_back(std::move(changed));
  return reply;
}

}  // namespace slipway::localcloud
