#include "localcloud/actions/common.hpp"
#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {

EfsResult<EfsReply> tag_resource(const EfsContext& context) {
  EC2_ASSIGN(const auto* system, find_file_system(context));
  EC2_ASSIGN(const auto tags, context.request.body.tags("Tags"));
  if (!tags) return refuse_efs("BadRequest", "The request must have Tags");
  FileSystem tagged = *system;
  for (const auto& [key, value] : *tags) tagged.tags.insert_or_assign(key, value);
  if (tagged.tags.size() > kMaxTags) return refuse_efs("BadRequest", "A resource has at most {} tags", kMaxTags);
  return reply_with(nullptr, "TagResource", std::move(tagged));
}

}  // namespace slipway::localcloud
