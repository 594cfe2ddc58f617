#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {

Ec2Result<Reply> reboot_instances(const ActionContext& context) {
  EC2_ASSIGN(const auto instances, read_instances(context));
  std::vector<std::string> ids;
  for (const auto* instance : instances) {
    if (instance->state != InstanceState::Running) {
      return refuse("IncorrectInstanceState", "The instance '{}' is not in the 'running' state: it is {}", instance->id,
                    state_name(instance->state));
    }
    ids.push_back(instance->id);
  }
  auto reply = context.done({});
  reply.reboot = std::move(ids);
  return reply;
}

}  // namespace slipway::localcloud
