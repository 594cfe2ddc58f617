#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {

// EC2 leaves the snapshot to DeleteSnapshot. This cloud has no such action yet, so the snapshot goes with the image:
// the disks of running instances are copies of it and stay.
Ec2Result<Reply> deregister_image(const ActionContext& context) {
  EC2_ASSIGN(const auto id, context.parameters.required("ImageId"));
  EC2_ASSIGN(const auto* image, find_image(context, id));
  if (image->state == "pending") {
    return refuse("InvalidAMIID.Unavailable", "The image ID '{}' is still being made", id);
  }
  EC2_TRY(context.parameters.boolean("DeleteAssociatedSnapshots", false));
  Changes changes{.command = "DeregisterImage", .put = {}, .remove = {}};
  changes.remove.emplace_back(Image::kTable, id);
  return context.done(std::move(changes));
}

}  // namespace slipway::localcloud
