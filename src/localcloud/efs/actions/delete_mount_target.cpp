#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> delete_mount_target(const EfsContext& context) {
  EC2_ASSIGN(const auto* target, find_mount_target(context));
  MountTarget deleted = *target;
  deleted.state = "deleting";
  return reply_with(nullptr, "DeleteMountTarget", std::move(deleted));
}

}  // namespace slipway::localcloud
