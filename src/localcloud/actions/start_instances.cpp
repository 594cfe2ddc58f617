#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {

Ec2Result<Reply> start_instances(const ActionContext& context) {
  EC2_ASSIGN(const auto instances, read_instances(context));
  (void)context.parameters.text("AdditionalInfo");
  Changes changes{.command = "StartInstances", .put = {}, .remove = {}};
  std::vector<StateChange> shown;
  for (const auto* found : instances) {
    Instance instance = *found;
    if (instance.state == InstanceState::Stopped) {
      move_to(instance, InstanceState::Pending, "", "", context.now);
      instance.transition_reason.clear();
      instance.launched_at = context.now;
      instance.start_with_cloud = false;
      changes.put.emplace_back(instance);
    } else if (instance.state != InstanceState::Running && instance.state != InstanceState::Pending) {
      return refuse("IncorrectInstanceState",
                    "The instance '{}' is not in a state from which it can be started: it is {}", instance.id,
                    state_name(instance.state));
    }
    shown.push_back({instance.id, found->state, instance.state});
  }
  write_state_changes(context.response.root(), shown);
  return context.reply(std::move(changes));
}

}  // namespace slipway::localcloud
