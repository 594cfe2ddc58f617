#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

/// DependencyViolation while an instance, a mount target or another group's rule needs it: what EC2 answers in a VPC.
Ec2Result<void> check_unused(const ActionContext& context, const Group& group) {
  for (const auto& [id, instance] : context.inventory.instances()) {
    if (instance.live() && contains(instance.group_ids, group.id)) {
      return refuse("DependencyViolation", "resource {} has a dependent object: instance {} is {}", group.id, id,
                    state_name(instance.state));
    }
  }
  for (const auto& [id, other] : context.inventory.groups()) {
    if (id != group.id && contains(other.ingress, group.id, &GroupRule::source_group_id)) {
      return refuse("DependencyViolation", "resource {} has a dependent object: a rule of group {}", group.id, id);
    }
  }
  for (const auto& [id, target] : context.inventory.mount_targets()) {
    if (contains(target.group_ids, group.id)) {
      return refuse("DependencyViolation", "resource {} has a dependent object: mount target {}", group.id, id);
    }
  }
  return {};
}

}  // namespace

Ec2Result<Reply> delete_security_group(const ActionContext& context) {
  const auto id = context.parameters.text("GroupId");
  const auto name = context.parameters.text("GroupName");
  if (!id && !name) {
    return refuse("MissingParameter", "The request must contain the parameter GroupName or GroupId");
  }
  EC2_ASSIGN(const auto* group, id ? find_group_by_id(context, *id) : find_group_by_name(context, *name));
  if (group->name == "default") {
    return refuse("CannotDelete", "the specified group: \"{}\" name: \"default\" cannot be deleted by a user",
                  group->id);
  }
  EC2_TRY(check_unused(context, *group));
  Changes changes{.command = "DeleteSecurityGroup", .put = {}, .remove = {}};
  changes.remove.emplace_back(Group::kTable, group->id);
  context.response.root().text("groupId", group->id);
  return context.done(std::move(changes));
}

}  // namespace slipway::localcloud
