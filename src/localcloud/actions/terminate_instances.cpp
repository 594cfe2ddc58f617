#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {

Ec2Result<Reply> terminate_instances(const ActionContext& context) {
  EC2_ASSIGN(const auto instances, read_instances(context));
  Changes changes{.command = "TerminateInstances", .put = {}, .remove = {}};
  std::vector<StateChange> shown;
  for (const auto* found : instances) {
    Instance instance = *found;
    if (instance.protect_from_termination) {
      return refuse("OperationNotPermitted",
                    "The instance '{}' may not be terminated. It was launched with DisableApiTermination", instance.id);
    }
    if (instance.live() && instance.state != InstanceState::ShuttingDown) {
      move_to(instance, InstanceState::ShuttingDown, "Client.UserInitiatedShutdown", "User initiated shutdown",
              context.now);
      instance.transition_reason = user_initiated(context.now);
      instance.start_with_cloud = false;
      changes.put.emplace_back(instance);
    }
    shown.push_back({instance.id, found->state, instance.state});
  }
  write_state_changes(context.response.root(), shown);
  return context.reply(std::move(changes));
}

}  // namespace slipway::localcloud
