#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

// EC2 API Reference, CreateImage: 3 to 128 characters of this set.
Ec2Result<void> check_name(const std::string& name) {
  constexpr std::string_view kPunctuation = "()[] ./-'@_";
  const auto permitted = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kPunctuation.contains(c);
  };
  if (name.size() < 3 || name.size() > 128 || !std::ranges::all_of(name, permitted)) {
    return refuse("InvalidAMIName.Malformed",
                  "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, "
                  "'(', ')', '[', ']', ' ', '.', '/', '-', ''', '@' and '_'");
  }
  return {};
}

}  // namespace

Ec2Result<Reply> create_image(const ActionContext& context) {
  const auto& top = context.parameters;
  EC2_ASSIGN(const auto instance_id, top.required("InstanceId"));
  EC2_ASSIGN(const auto name, top.required("Name"));
  EC2_TRY(check_name(name));
  EC2_ASSIGN(auto tags, read_tag_specifications(top, {"image", "snapshot"}));
  EC2_ASSIGN(const bool no_reboot, top.boolean("NoReboot", false));
  EC2_ASSIGN(const auto* instance, find_instance(context, instance_id));
  if (instance->state != InstanceState::Running && instance->state != InstanceState::Stopped) {
    return refuse("IncorrectState", "The instance '{}' is not in the 'running' or 'stopped' state: it is {}",
                  instance_id, state_name(instance->state));
  }
  for (const auto& [id, image] : context.inventory.images()) {
    if (image.name == name) {
      return refuse("InvalidAMIName.Duplicate", "AMI name {} is already in use by AMI {}", name, id);
    }
    if (image.state == "pending" && image.source_instance_id == instance_id) {
      return refuse("IncorrectState", "An image of instance '{}' is being made already: {}", instance_id, id);
    }
  }
  Image image{.id = context.id("ami"),
              .name = name,
              .description = top.text("Description").value_or(""),
              .state = "pending",
              .reason_message = {},
              .snapshot_id = context.id("snap"),
              .source_instance_id = instance_id,
              .no_reboot = no_reboot,
              .size_gib = context.inventory.volumes().at(instance->volume_id).size_gib,
              .created_at = context.now,
              .tags = std::move(tags["image"]),
              .snapshot_tags = std::move(tags["snapshot"])};
  context.response.root().text("imageId", image.id);
  Changes changes{.command = "CreateImage", .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(image));
  return context.reply(std::move(changes));
}

}  // namespace slipway::localcloud
