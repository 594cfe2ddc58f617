#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

void write_groups(XmlNode parent, const Instance& instance, const ActionContext& context) {
  const auto set = parent.child("groupSet");
  for (const auto& id : instance.group_ids) {
    const auto found = context.inventory.groups().find(id);
    const auto item = set.child("item");
    item.text("groupId", id);
    item.text("groupName", found == context.inventory.groups().end() ? "" : found->second.name);
  }
}

void write_interface(XmlNode parent, const Instance& instance, const ActionContext& context) {
  const auto set = parent.child("networkInterfaceSet");
  if (!instance.live()) return;
  const auto item = set.child("item");
  item.text("networkInterfaceId", instance.interface_id);
  item.text("subnetId", context.settings.subnet_id);
  item.text("vpcId", context.settings.vpc_id);
  item.text("description", "");
  item.text("ownerId", context.settings.account_id);
  item.text("status", "in-use");
  item.text("macAddress", instance.mac);
  item.text("privateIpAddress", instance.private_ip);
  item.text("privateDnsName", private_dns_name(instance, context.site));
  item.boolean("sourceDestCheck", true);
  item.text("interfaceType", "interface");
  write_groups(item, instance, context);
  const auto attachment = item.child("attachment");
  attachment.text("attachmentId", instance.attachment_id);
  attachment.integer("deviceIndex", 0);
  attachment.text("status", "attached");
  attachment.time("attachTime", instance.launched_at);
  attachment.boolean("deleteOnTermination", true);
  const auto address = item.child("privateIpAddressesSet").child("item");
  address.text("privateIpAddress", instance.private_ip);
  address.text("privateDnsName", private_dns_name(instance, context.site));
  address.boolean("primary", true);
}

void write_root_device(XmlNode parent, const Instance& instance) {
  parent.text("rootDeviceType", "ebs");
  parent.text("rootDeviceName", "/dev/xvda");
  const auto set = parent.child("blockDeviceMapping");
  if (!instance.live()) return;
  const auto item = set.child("item");
  item.text("deviceName", "/dev/xvda");
  const auto ebs = item.child("ebs");
  ebs.text("volumeId", instance.volume_id);
  ebs.text("status", "attached");
  ebs.time("attachTime", instance.launched_at);
  ebs.boolean("deleteOnTermination", instance.delete_volume);
}

void write_metadata_options(XmlNode parent, const Instance& instance) {
  const auto options = parent.child("metadataOptions");
  options.text("state", "applied");
  options.text("httpTokens", instance.imds_v1 ? "optional" : "required");
  options.integer("httpPutResponseHopLimit", 1);
  options.text("httpEndpoint", instance.imds_enabled ? "enabled" : "disabled");
  options.text("httpProtocolIpv6", "disabled");
  options.text("instanceMetadataTags", instance.imds_tags ? "enabled" : "disabled");
}

void write_reasons(XmlNode item, const Instance& instance) {
  item.text("reason", instance.transition_reason);
  if (instance.reason_code.empty()) return;
  const auto reason = item.child("stateReason");
  reason.text("code", instance.reason_code);
  reason.text("message", instance.reason_message);
}

}  // namespace

std::string private_dns_name(const Instance& instance, const Site& site) {
  std::string address = instance.private_ip;
  std::ranges::replace(address, '.', '-');
  return fmt::format("ip-{}.{}.compute.internal", address, site.region);
}

void write_state(XmlNode parent, const char* name, InstanceState state) {
  const auto node = parent.child(name);
  node.integer("code", static_cast<int>(state));
  node.text("name", state_name(state));
}

void write_instance(XmlNode item, const Instance& instance, const ActionContext& context) {
  item.text("instanceId", instance.id);
  item.text("imageId", instance.image_id);
  write_state(item, "instanceState", instance.state);
  item.text("privateDnsName", instance.live() ? private_dns_name(instance, context.site) : "");
  item.text("dnsName", "");
  write_reasons(item, instance);
  if (!instance.key_name.empty()) item.text("keyName", instance.key_name);
  item.integer("amiLaunchIndex", instance.launch_index);
  item.text("instanceType", instance.instance_type);
  item.time("launchTime", instance.launched_at);
  const auto placement = item.child("placement");
  placement.text("availabilityZone", context.site.zone);
  placement.text("groupName", "");
  placement.text("tenancy", "default");
  item.child("monitoring").text("state", "disabled");
  if (instance.live()) {
    item.text("subnetId", context.settings.subnet_id);
    item.text("vpcId", context.settings.vpc_id);
    item.text("privateIpAddress", instance.private_ip);
  }
  item.boolean("sourceDestCheck", true);
  write_groups(item, instance, context);
  item.text("architecture", "x86_64");
  write_root_device(item, instance);
  item.text("virtualizationType", "hvm");
  item.text("clientToken", instance.client_token);
  item.tags(instance.tags);
  item.text("hypervisor", "xen");
  write_interface(item, instance, context);
  item.boolean("ebsOptimized", false);
  item.boolean("enaSupport", true);
  write_metadata_options(item, instance);
}

void write_reservation(XmlNode item, const std::vector<const Instance*>& instances, const ActionContext& context) {
  item.text("reservationId", instances.front()->reservation_id);
  item.text("ownerId", context.settings.account_id);
  (void)item.child("groupSet");
  const auto set = item.child("instancesSet");
  for (const auto* instance : instances) write_instance(set.child("item"), *instance, context);
}

}  // namespace slipway::localcloud
