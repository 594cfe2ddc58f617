#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {

Ec2Result<Reply> stop_instances(const ActionContext& context) {
  EC2_ASSIGN(const auto instances, read_instances(context));
  EC2_TRY(context.parameters.boolean("Force", false));
  EC2_ASSIGN(const bool hibernate, context.parameters.boolean("Hibernate", false));
  if (hibernate) return refuse("UnsupportedHibernationConfiguration", "This cloud does not hibernate instances");
  Changes changes{.command = "StopInstances", .put = {}, .remove = {}};
  std::vector<StateChange> shown;
  for (const auto* found : instances) {
    Instance instance = *found;
    if (instance.state == InstanceState::Running) {
      move_to(instance, InstanceState::Stopping, "Client.UserInitiatedShutdown", "User initiated shutdown",
              context.now);
      instance.transition_reason = user_initiated(context.now);
      changes.put.emplace_back(instance);
    } else if (instance.state != InstanceState::Stopping && instance.state != InstanceState::Stopped) {
      return refuse("IncorrectInstanceState",
                    "The instance '{}' is not in a state from which it can be stopped: it is {}", instance.id,
                    state_name(instance.state));
    }
    shown.push_back({instance.id, found->state, instance.state});
  }
  write_state_changes(context.response.root(), shown);
  return context.reply(std::move(changes));
}

}  // namespace slipway::localcloud
