#include "base/digest.hpp"
#include "localcloud/actions/common.hpp"
#include "localcloud/instance_types.hpp"

namespace slipway::localcloud {
namespace {

// Amazon EC2 User Guide: user data has at most 16 KB before it is encoded; a client token at most 64 characters.
constexpr std::size_t kMaxUserDataBytes = 16 * 1024;
constexpr std::size_t kMaxClientTokenBytes = 64;
constexpr std::int64_t kMaxVolumeGib = 16 * 1024;
// Guests get the addresses .4 to .254, as in a subnet of EC2.
constexpr std::uint32_t kFirstGuestIndex = 4;
constexpr std::uint32_t kLastGuestIndex = 254;

Ec2Result<void> read_image_and_type(const ActionContext& context, Instance& instance) {
  EC2_ASSIGN(const auto image_id, context.parameters.required("ImageId"));
  EC2_ASSIGN(const auto* image, find_image(context, image_id));
  if (image->state != "available") {
    return refuse("InvalidAMIID.Unavailable", "The image ID '{}' is not available: it is {}", image_id, image->state);
  }
  instance.image_id = image_id;
  instance.instance_type = context.parameters.text("InstanceType").value_or("t3.small");
  if (find_instance_type(instance.instance_type) == nullptr) {
    return refuse("InvalidParameterValue", "Invalid value '{}' for InstanceType. This cloud has: {}",
                  instance.instance_type, instance_type_names());
  }
  return {};
}

Ec2Result<void> read_key(const ActionContext& context, Instance& instance) {
  instance.key_name = context.parameters.text("KeyName").value_or("");
  if (instance.key_name.empty()) return {};
  const auto* key = context.inventory.key_pair_named(instance.key_name);
  if (key == nullptr) {
    return refuse("InvalidKeyPair.NotFound", "The key pair '{}' does not exist", instance.key_name);
  }
  instance.public_key = key->public_key;
  return {};
}

Ec2Result<void> read_groups(const ActionContext& context, Instance& instance) {
  EC2_ASSIGN(const auto ids, context.parameters.list("SecurityGroupId"));
  EC2_ASSIGN(const auto names, context.parameters.list("SecurityGroup"));
  for (const auto& id : ids) {
    EC2_ASSIGN(const auto* group, find_group_by_id(context, id));
    if (!contains(instance.group_ids, group->id)) instance.group_ids.push_back(group->id);
  }
  for (const auto& name : names) {
    EC2_ASSIGN(const auto* group, find_group_by_name(context, name));
    if (!contains(instance.group_ids, group->id)) instance.group_ids.push_back(group->id);
  }
  if (!instance.group_ids.empty()) return {};
  EC2_ASSIGN(const auto* group, find_group_by_name(context, "default"));
  instance.group_ids.push_back(group->id);
  return {};
}

Ec2Result<void> read_user_data(const ActionContext& context, Instance& instance) {
  const auto encoded = context.parameters.text("UserData").value_or("");
  auto decoded = base64_decode(encoded);
  if (!decoded) return refuse("InvalidUserData.Malformed", "Invalid BASE64 encoding of user data");
  if (decoded->size() > kMaxUserDataBytes) {
    return refuse("InvalidParameterValue", "User data is limited to {} bytes", kMaxUserDataBytes);
  }
  instance.user_data = *std::move(decoded);
  return {};
}

Ec2Result<bool> one_of(const Parameters& parameters, const char* name, std::string_view yes, std::string_view no,
                       bool otherwise) {
  const auto value = parameters.text(name);
  if (!value) return otherwise;
  if (*value == yes) return true;
  if (*value == no) return false;
  return refuse("InvalidParameterValue", "Value ({}) for parameter {} is invalid. Expected '{}' or '{}'", *value, name,
                yes, no);
}

Ec2Result<void> read_options(const ActionContext& context, Instance& instance) {
  const auto& top = context.parameters;
  const auto metadata = top.structure("MetadataOptions");
  EC2_ASSIGN(instance.imds_v1, one_of(metadata, "HttpTokens", "optional", "required", false));
  EC2_ASSIGN(instance.imds_enabled, one_of(metadata, "HttpEndpoint", "enabled", "disabled", true));
  EC2_ASSIGN(instance.imds_tags, one_of(metadata, "InstanceMetadataTags", "enabled", "disabled", false));
  EC2_ASSIGN(const auto hops, metadata.integer("HttpPutResponseHopLimit", 1, 64));
  if (hops.value_or(1) != 1) {
    return refuse("UnsupportedOperation",
                  "This cloud's metadata answers have a hop limit of 1: containers in an "
                  "instance don't reach it. HttpPutResponseHopLimit must be 1");
  }
  EC2_ASSIGN(instance.terminate_on_shutdown,
             one_of(top, "InstanceInitiatedShutdownBehavior", "terminate", "stop", false));
  EC2_ASSIGN(instance.protect_from_termination, top.boolean("DisableApiTermination", false));
  return {};
}

/// What EC2 has and this cloud has in one form only: the form is accepted, anything else refused.
Ec2Result<void> check_fixed(const ActionContext& context) {
  const auto& top = context.parameters;
  const auto zone = top.structure("Placement").text("AvailabilityZone");
  if (zone && *zone != context.site.zone) {
    return refuse("InvalidParameterValue", "Invalid availability zone: [{}]. This cloud has {}", *zone,
                  context.site.zone);
  }
  const auto subnet = top.text("SubnetId");
  if (subnet && *subnet != context.settings.subnet_id) {
    return refuse("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist", *subnet);
  }
  EC2_TRY(top.boolean("EbsOptimized", false));
  EC2_ASSIGN(const bool monitoring, top.structure("Monitoring").boolean("Enabled", false));
  if (monitoring) return refuse("UnsupportedOperation", "This cloud has no detailed monitoring");
  (void)top.structure("CreditSpecification").text("CpuCredits");
  return {};
}

struct RootDisk {
  std::int64_t size_gib = 8;
  std::string type = "gp3";
  bool delete_on_termination = true;
};

Ec2Result<RootDisk> read_root_disk(const ActionContext& context) {
  const auto* image = context.inventory.image(context.parameters.text("ImageId").value_or(""));
  RootDisk disk;
  disk.size_gib = image->size_gib;
  EC2_ASSIGN(const auto mappings, context.parameters.structures("BlockDeviceMapping"));
  for (const auto& mapping : mappings) {
    EC2_ASSIGN(const auto device, mapping.required("DeviceName"));
    if (device != "/dev/xvda" && device != "/dev/sda1") {
      return refuse("UnsupportedOperation", "This cloud has one disk an instance, /dev/xvda; '{}' is another", device);
    }
    const auto ebs = mapping.structure("Ebs");
    EC2_ASSIGN(const auto size, ebs.integer("VolumeSize", 1, kMaxVolumeGib));
    if (size && *size < image->size_gib) {
      return refuse("InvalidBlockDeviceMapping",
                    "Volume of size {}GB is smaller than snapshot '{}', expect size >= {}GB", *size, image->snapshot_id,
                    image->size_gib);
    }
    disk.size_gib = size.value_or(disk.size_gib);
    disk.type = ebs.text("VolumeType").value_or(disk.type);
    EC2_ASSIGN(disk.delete_on_termination, ebs.boolean("DeleteOnTermination", true));
    (void)ebs.text("SnapshotId");
    EC2_ASSIGN(const bool encrypted, ebs.boolean("Encrypted", false));
    if (encrypted) return refuse("UnsupportedOperation", "This cloud does not encrypt volumes");
  }
  return disk;
}

struct Count {
  std::size_t least = 1;
  std::size_t most = 1;
};

/// The lowest addresses that no live instance has; one for each instance, at least the least number.
Ec2Result<std::vector<Ipv4>> pick_addresses(const ActionContext& context, Count count) {
  const auto used = context.inventory.used_addresses();
  std::vector<Ipv4> free;
  for (auto index = kFirstGuestIndex; index <= kLastGuestIndex && free.size() < count.most; ++index) {
    const auto address = context.site.guest_network.at(index);
    if (!used.contains(address.text())) free.push_back(address);
  }
  if (free.size() < count.least) {
    return refuse("InsufficientFreeAddressesInSubnet", "There are not enough free addresses in subnet '{}'",
                  context.settings.subnet_id);
  }
  return free;
}

Ec2Result<Count> read_count(const ActionContext& context) {
  const auto& top = context.parameters;
  EC2_TRY(top.required("MinCount"));
  EC2_TRY(top.required("MaxCount"));
  EC2_ASSIGN(const auto least, top.integer("MinCount", 1, 250));
  EC2_ASSIGN(const auto most, top.integer("MaxCount", 1, 250));
  if (*least > *most) {
    return refuse("InvalidParameterValue", "Value ({}) for MinCount is over that of MaxCount ({})", *least, *most);
  }
  return Count{static_cast<std::size_t>(*least), static_cast<std::size_t>(*most)};
}

Ec2Result<Instance> read_template(const ActionContext& context) {
  Instance instance;
  EC2_TRY(read_image_and_type(context, instance));
  EC2_TRY(read_key(context, instance));
  EC2_TRY(read_groups(context, instance));
  EC2_TRY(read_user_data(context, instance));
  EC2_TRY(read_options(context, instance));
  EC2_TRY(check_fixed(context));
  instance.client_token = context.parameters.text("ClientToken").value_or("");
  if (instance.client_token.size() > kMaxClientTokenBytes) {
    return refuse("InvalidParameterValue", "The client token is over {} characters", kMaxClientTokenBytes);
  }
  return instance;
}

/// The answer to a repetition; nothing if the token is new.
std::optional<Ec2Result<Reply>> repeated(const ActionContext& context) {
  const auto token = context.parameters.text("ClientToken").value_or("");
  const auto used = context.inventory.launch_tokens().find(token);
  if (token.empty() || used == context.inventory.launch_tokens().end()) return std::nullopt;
  if (used->second.request_digest != context.query.digest_for_idempotence()) {
    return refuse("IdempotentParameterMismatch",
                  "Arguments on this idempotent request are inconsistent with arguments used in previous request(s).");
  }
  std::vector<const Instance*> instances;
  for (const auto& id : used->second.instance_ids) {
    const auto* instance = context.inventory.instance(id);
    if (instance == nullptr || !instance->live()) {
      return refuse("IdempotentInstanceTerminated",
                    "The client token was used for instance {}, which has been terminated", id);
    }
    instances.push_back(instance);
  }
  context.query.mark_all_used();
  write_reservation(context.response.root(), instances, context);
  return context.reply();
}

struct Launch {
  std::vector<Instance> instances;
  Changes changes;
};

void add_instance(const ActionContext& context, Launch& launch, const Instance& common, Ipv4 address,
                  const RootDisk& disk, const Tags& volume_tags) {
  Instance instance = common;
  instance.id = context.id("i");
  instance.launch_index = static_cast<int>(launch.instances.size());
  instance.private_ip = address.text();
  instance.mac = mac_for(address);
  instance.interface_id = context.id("eni");
  instance.attachment_id = context.id("eni-attach");
  instance.volume_id = context.id("vol");
  instance.delete_volume = disk.delete_on_termination;
  instance.launched_at = context.now;
  instance.changed_at = context.now;
  Volume volume{.id = instance.volume_id,
                .snapshot_id = context.inventory.image(instance.image_id)->snapshot_id,
                .instance_id = instance.id,
                .size_gib = disk.size_gib,
                .volume_type = disk.type,
                .created_at = context.now,
                .tags = volume_tags};
  launch.changes.put.emplace_back(instance);
  launch.changes.put.emplace_back(std::move(volume));
  launch.instances.push_back(std::move(instance));
}

void add_token(const ActionContext& context, Launch& launch, const std::string& token) {
  if (token.empty()) return;
  LaunchToken row{.id = token,
                  .request_digest = context.query.digest_for_idempotence(),
                  .instance_ids = {},
                  .used_at = context.now};
  for (const auto& instance : launch.instances) row.instance_ids.push_back(instance.id);
  launch.changes.put.emplace_back(std::move(row));
}

}  // namespace

Ec2Result<Reply> run_instances(const ActionContext& context) {
  // First, since a repetition must succeed also where the image or the key is gone by now.
  if (auto answer = repeated(context)) return *std::move(answer);
  EC2_ASSIGN(auto tags, read_tag_specifications(context.parameters, {"instance", "volume", "network-interface"}));
  EC2_ASSIGN(const auto count, read_count(context));
  EC2_ASSIGN(Instance common, read_template(context));
  EC2_ASSIGN(const RootDisk disk, read_root_disk(context));
  EC2_ASSIGN(const auto addresses, pick_addresses(context, count));

  common.reservation_id = context.id("r");
  common.tags = tags["instance"];
  Launch launch{.instances = {}, .changes = {.command = "RunInstances", .put = {}, .remove = {}}};
  for (const auto address : addresses) add_instance(context, launch, common, address, disk, tags["volume"]);
  add_token(context, launch, common.client_token);

  std::vector<const Instance*> shown;
  for (const auto& instance : launch.instances) shown.push_back(&instance);
  write_reservation(context.response.root(), shown, context);
  return context.reply(std::move(launch.changes));
}

}  // namespace slipway::localcloud
