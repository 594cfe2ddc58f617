#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> untag_resource(const EfsContext& context) {
  EC2_ASSIGN(const auto* system, find_file_system(context));
  const auto keys = context.request.queries("tagKeys");
  if (keys.empty()) return refuse_efs("BadRequest", "The request must have tagKeys");
  FileSystem untagged = *system;
  for (const auto& key : keys) untagged.tags.erase(key);
  return reply_with(nullptr, "UntagResource", std::move(untagged));
}

}  // namespace slipway::localcloud
