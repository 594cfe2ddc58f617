#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

Ec2Result<void> check_text(const std::string& text, const char* parameter) {
  // EC2 API Reference, CreateSecurityGroup: up to 255 characters of this set in a VPC.
  constexpr std::string_view kPunctuation = " ._-:/()#,@[]+=&;{}!$*";
  const auto permitted = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kPunctuation.contains(c);
  };
  if (text.size() > 255 || !std::ranges::all_of(text, permitted)) {
    return refuse("InvalidParameterValue",
                  "Value ({}) for parameter {} is invalid. Character sets beyond ASCII are not supported.", text,
                  parameter);
  }
  return {};
}

}  // namespace

Ec2Result<Reply> create_security_group(const ActionContext& context) {
  EC2_ASSIGN(auto name, context.parameters.required("GroupName"));
  EC2_ASSIGN(auto description, context.parameters.required("GroupDescription"));
  EC2_TRY(check_text(name, "GroupName"));
  EC2_TRY(check_text(description, "GroupDescription"));
  EC2_ASSIGN(auto tags, read_tag_specifications(context.parameters, {"security-group"}));
  const auto vpc = context.parameters.text("VpcId");
  if (vpc && *vpc != context.settings.vpc_id) {
    return refuse("InvalidVpcID.NotFound", "The vpc ID '{}' does not exist", *vpc);
  }
  if (name.starts_with("sg-")) {
    return refuse("InvalidParameterValue", "Value ({}) for parameter GroupName is invalid. It may not start with sg-",
                  name);
  }
  if (context.inventory.group_named(name) != nullptr) {
    return refuse("InvalidGroup.Duplicate", "The security group '{}' already exists for VPC '{}'", name,
                  context.settings.vpc_id);
  }
  Group group{.id = context.id("sg"),
              .name = std::move(name),
              .description = std::move(description),
              .ingress = {},
              .tags = std::move(tags["security-group"])};
  const auto root = context.response.root();
  root.boolean("return", true);
  root.text("groupId", group.id);
  root.tags(group.tags);
  Changes changes{.command = "CreateSecurityGroup", .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(group));
  return context.reply(std::move(changes));
}

}  // namespace slipway::localcloud
