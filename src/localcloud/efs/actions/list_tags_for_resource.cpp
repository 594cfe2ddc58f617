#include <boost/json.hpp>

#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> list_tags_for_resource(const EfsContext& context) {
  EC2_ASSIGN(const auto* system, find_file_system(context));
  // 50 tags at most: always one page.
  return EfsReply{.body = boost::json::object{{"Tags", describe(system->tags)}}, .changes = {}, .blocking = {}};
}

}  // namespace slipway::localcloud
