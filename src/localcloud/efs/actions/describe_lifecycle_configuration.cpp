#include <boost/json.hpp>

#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> describe_lifecycle_configuration(const EfsContext& context) {
  EC2_TRY(find_file_system(context));
  return EfsReply{
      .body = boost::json::object{{"LifecyclePolicies", boost::json::array()}}, .changes = {}, .blocking = {}};
}

}  // namespace slipway::localcloud
