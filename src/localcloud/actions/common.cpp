#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

// EC2 User Guide, "Tag your resources": lengths in characters; bytes are stricter and never longer.
constexpr std::size_t kMaxTagKeyBytes = 4 * 128;
constexpr std::size_t kMaxTagValueBytes = 4 * 256;

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80; }));
}

Ec2Result<void> check_tag(const std::string& key, const std::string& value) {
  if (key.starts_with("aws:")) {
    return refuse("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use");
  }
  if (characters(key) > 128 || key.size() > kMaxTagKeyBytes) {
    return refuse("InvalidParameterValue", "Tag key exceeds the maximum length of 128 characters");
  }
  if (characters(value) > 256 || value.size() > kMaxTagValueBytes) {
    return refuse("InvalidParameterValue", "Tag value exceeds the maximum length of 256 characters");
  }
  return {};
}

}  // namespace

Ec2Result<Tags> read_tags(const Parameters& parameters) {
  EC2_ASSIGN(const auto scopes, parameters.structures("Tag"));
  Tags tags;
  for (const auto& scope : scopes) {
    EC2_ASSIGN(auto key, scope.required("Key"));
    auto value = scope.text("Value").value_or("");
    EC2_TRY(check_tag(key, value));
    if (!tags.emplace(key, std::move(value)).second) {
      return refuse("InvalidParameterValue", "Duplicate tag key '{}' specified.", key);
    }
  }
  if (tags.size() > kMaxTags) return refuse("TagLimitExceeded", "The maximum number of tags is {}", kMaxTags);
  return tags;
}

Ec2Result<std::map<std::string, Tags>> read_tag_specifications(const Parameters& parameters,
                                                               const std::vector<std::string_view>& permitted) {
  EC2_ASSIGN(const auto scopes, parameters.structures("TagSpecification"));
  std::map<std::string, Tags> by_type;
  for (const auto& scope : scopes) {
    EC2_ASSIGN(auto type, scope.required("ResourceType"));
    EC2_ASSIGN(auto tags, read_tags(scope));
    if (!contains(permitted, std::string_view(type))) {
      return refuse("InvalidParameterValue", "'{}' is not a valid taggable resource type for this operation.", type);
    }
    if (!by_type.emplace(type, std::move(tags)).second) {
      return refuse("InvalidParameterValue", "The same resource type '{}' may not be specified more than once", type);
    }
  }
  return by_type;
}

Ec2Result<Tags> merge_tags(Tags tags, const Tags& more) {
  for (const auto& [key, value] : more) tags.insert_or_assign(key, value);
  if (tags.size() > kMaxTags) return refuse("TagLimitExceeded", "The maximum number of tags is {}", kMaxTags);
  return tags;
}

Ec2Result<std::vector<const Instance*>> read_instances(const ActionContext& context) {
  EC2_ASSIGN(const auto ids, context.parameters.list("InstanceId"));
  if (ids.empty()) return refuse("MissingParameter", "The request must contain the parameter InstanceId");
  std::vector<const Instance*> found;
  for (const auto& id : ids) {
    EC2_ASSIGN(const auto* instance, find_instance(context, id));
    if (!contains(found, instance)) found.push_back(instance);
  }
  return found;
}

Ec2Result<const Instance*> find_instance(const ActionContext& context, const std::string& id) {
  if (!is_ec2_id(id, "i")) return refuse("InvalidInstanceID.Malformed", "Invalid id: \"{}\"", id);
  const auto* instance = context.inventory.instance(id);
  if (instance == nullptr) return refuse("InvalidInstanceID.NotFound", "The instance ID '{}' does not exist", id);
  return instance;
}

Ec2Result<const Image*> find_image(const ActionContext& context, const std::string& id) {
  if (!is_ec2_id(id, "ami")) {
    return refuse("InvalidAMIID.Malformed", "Invalid id: \"{}\" (expecting \"ami-...\")", id);
  }
  const auto* image = context.inventory.image(id);
  if (image == nullptr) return refuse("InvalidAMIID.NotFound", "The image id '[{}]' does not exist", id);
  return image;
}

Ec2Result<const Group*> find_group_by_id(const ActionContext& context, const std::string& id) {
  if (!is_ec2_id(id, "sg")) {
    return refuse("InvalidGroupId.Malformed", "Invalid id: \"{}\" (expecting \"sg-...\")", id);
  }
  const auto found = context.inventory.groups().find(id);
  if (found == context.inventory.groups().end()) {
    return refuse("InvalidGroup.NotFound", "The security group '{}' does not exist", id);
  }
  return &found->second;
}

Ec2Result<const Group*> find_group_by_name(const ActionContext& context, const std::string& name) {
  const auto* group = context.inventory.group_named(name);
  if (group == nullptr) {
    return refuse("InvalidGroup.NotFound", "The security group '{}' does not exist in default VPC '{}'", name,
                  context.settings.vpc_id);
  }
  return group;
}

std::string user_initiated(WallTime now) {
  auto text = format_time(now).substr(0, 19);
  text[10] = ' ';
  return fmt::format("User initiated ({} GMT)", text);
}

void move_to(Instance& instance, InstanceState state, std::string_view code, std::string_view message, WallTime now) {
  instance.state = state;
  instance.reason_code = code;
  instance.reason_message = code.empty() ? std::string() : fmt::format("{}: {}", code, message);
  instance.changed_at = now;
}

void write_state_changes(XmlNode root, const std::vector<StateChange>& changes) {
  const auto set = root.child("instancesSet");
  for (const auto& change : changes) {
    const auto item = set.child("item");
    item.text("instanceId", change.id);
    write_state(item, "currentState", change.now);
    write_state(item, "previousState", change.before);
  }
}

}  // namespace slipway::localcloud
