#include <boost/json.hpp>

#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> describe_mount_targets(const EfsContext& context) {
  const auto by_system = context.request.query("FileSystemId");
  const auto by_id = context.request.query("MountTargetId");
  if (by_system.has_value() == by_id.has_value()) {
    return refuse_efs("BadRequest", "The request must have one of FileSystemId and MountTargetId");
  }
  EC2_ASSIGN(const auto page, EfsPage::read(context.request));
  std::vector<const MountTarget*> found;
  if (by_id) {
    EC2_ASSIGN(const auto* target, find_mount_target(context, *by_id));
    found.push_back(target);
  } else {
    EC2_ASSIGN(const auto* system, find_file_system(context, *by_system));
    for (const auto& [id, target] : context.inventory.mount_targets()) {
      if (target.file_system_id == system->id) found.push_back(&target);
    }
  }
  const auto next = page.cut(found);
  boost::json::array list;
  for (const auto* target : found) list.push_back(describe(*target, context));
  boost::json::object body{{"MountTargets", std::move(list)}};
  if (!next.empty()) body["NextMarker"] = next;
  return EfsReply{.body = std::move(body), .changes = {}, .blocking = {}};
}

}  // namespace slipway::localcloud
