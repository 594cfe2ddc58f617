#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> delete_file_system(const EfsContext& context) {
  EC2_ASSIGN(const auto* system, find_file_system(context));
  if (const auto* target = context.inventory.mount_target_of(system->id)) {
    return refuse_efs("FileSystemInUse", "File system '{}' has mount target '{}'; delete that first", system->id,
                      target->id);
  }
  FileSystem deleted = *system;
  deleted.state = "deleting";
  return reply_with(nullptr, "DeleteFileSystem", std::move(deleted));
}

}  // namespace slipway::localcloud
