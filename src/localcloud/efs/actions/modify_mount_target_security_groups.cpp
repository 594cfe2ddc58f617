#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> modify_mount_target_security_groups(const EfsContext& context) {
  EC2_ASSIGN(const auto* target, find_mount_target(context));
  if (target->state != "available") {
    return refuse_efs("IncorrectMountTargetState", "Mount target '{}' is {}", target->id, target->state);
  }
  MountTarget changed = *target;
  EC2_ASSIGN(changed.group_ids, read_mount_target_groups(context));
  return reply_with(nullptr, "ModifyMountTargetSecurityGroups", std::move(changed));
}

}  // namespace slipway::localcloud
