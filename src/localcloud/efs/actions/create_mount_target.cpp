#include "localcloud/efs/actions/efs_common.hpp"

namespace slipway::localcloud {
namespace {

// Guests and mount targets share the addresses .4 to .254 of the subnet.
constexpr std::uint32_t kFirstIndex = 4;
constexpr std::uint32_t kLastIndex = 254;
constexpr std::size_t kLongestField = 128;

EfsResult<void> check_subnet(const EfsContext& context) {
  EC2_ASSIGN(const auto subnet, context.request.body.required("SubnetId", kLongestField));
  if (!is_ec2_id(subnet, "subnet")) return refuse_efs("BadRequest", "'{}' is no id of a subnet", subnet);
  if (subnet == context.settings.subnet_id) return {};
  return refuse_efs("SubnetNotFound", "The subnet ID '{}' does not exist: this cloud has {}", subnet,
                    context.settings.subnet_id);
}

/// EFS has one mount target a file system in each availability zone, and this cloud has one zone.
EfsResult<void> check_file_system(const EfsContext& context, const FileSystem& system) {
  if (system.state != "available") {
    return refuse_efs("IncorrectFileSystemLifeCycleState", "File system '{}' is {}", system.id, system.state);
  }
  if (const auto* target = context.inventory.mount_target_of(system.id)) {
    return refuse_efs("MountTargetConflict", "File system '{}' has mount target '{}' in {} already", system.id,
                      target->id, context.site.zone);
  }
  return {};
}

EfsResult<std::string> check_address(const EfsContext& context, const std::string& text) {
  const auto address = Ipv4::parse(text);
  const auto index = address ? address->value - context.site.guest_network.base.value : 0;
  if (!address || index < kFirstIndex || index > kLastIndex) {
    return refuse_efs("BadRequest", "'{}' is no address that a mount target of {} can have", text,
                      context.site.guest_network.text());
  }
  if (context.inventory.used_addresses().contains(text)) {
    return refuse_efs("IpAddressInUse", "The address '{}' is in use", text);
  }
  return text;
}

/// From the top, so that instances keep the low ones that people know them by.
EfsResult<std::string> pick_address(const EfsContext& context) {
  EC2_ASSIGN(const auto wanted, context.request.body.text("IpAddress", kLongestField));
  if (wanted) return check_address(context, *wanted);
  const auto used = context.inventory.used_addresses();
  for (auto index = kLastIndex; index >= kFirstIndex; --index) {
    auto address = context.site.guest_network.at(index).text();
    if (!used.contains(address)) return address;
  }
  return refuse_efs("NoFreeAddressesInSubnet", "Subnet '{}' has no free address", context.settings.subnet_id);
}

EfsResult<void> check_address_type(const EfsContext& context) {
  EC2_ASSIGN(const auto type, context.request.body.text("IpAddressType", kLongestField));
  if (!type || *type == "IPV4_ONLY") return {};
  return refuse_efs("BadRequest", "This cloud has IPV4_ONLY, not IpAddressType '{}'", *type);
}

}  // namespace

EfsResult<EfsReply> create_mount_target(const EfsContext& context) {
  EC2_ASSIGN(const auto id, context.request.body.required("FileSystemId", kLongestField));
  EC2_ASSIGN(const auto* system, find_file_system(context, id));
  EC2_TRY(check_subnet(context));
  EC2_TRY(check_address_type(context));
  EC2_TRY(check_file_system(context, *system));
  MountTarget target;
  EC2_ASSIGN(target.group_ids, read_mount_target_groups(context));
  EC2_ASSIGN(target.ip_address, pick_address(context));
  target.id = make_ec2_id("fsmt", context.random);
  target.file_system_id = system->id;
  target.interface_id = make_ec2_id("eni", context.random);
  target.created_at = context.now;
  auto described = describe(target, context);
  return reply_with(std::move(described), "CreateMountTarget", std::move(target));
}

}  // namespace slipway::localcloud
