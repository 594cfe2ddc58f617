#include <boost/json.hpp>

#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> describe_mount_target_security_groups(const EfsContext& context) {
  EC2_ASSIGN(const auto* target, find_mount_target(context));
  return EfsReply{.body = boost::json::object{{"SecurityGroups", boost::json::value_from(target->group_ids)}},
                  .changes = {},
                  .blocking = {}};
}

}  // namespace slipway::localcloud
