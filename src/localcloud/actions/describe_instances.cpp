#include "localcloud/actions/common.hpp"
#include "localcloud/ec2/filters.hpp"

namespace slipway::localcloud {
namespace {

using Values = std::vector<std::string>;

Values group_names(const Instance& instance, const Inventory& inventory) {
  Values names;
  for (const auto& id : instance.group_ids) {
    const auto found = inventory.groups().find(id);
    if (found != inventory.groups().end()) names.push_back(found->second.name);
  }
  return names;
}

FilterTable<Instance> filter_table(const ActionContext& context) {
  const auto names = [&context](const Instance& i) { return group_names(i, context.inventory); };
  const auto ids = [](const Instance& i) { return i.group_ids; };
  return {
      {"architecture", [](const Instance&) { return Values{"x86_64"}; }},
      {"availability-zone", [&context](const Instance&) { return Values{context.site.zone}; }},
      {"block-device-mapping.volume-id", [](const Instance& i) { return Values{i.volume_id}; }},
      {"client-token", [](const Instance& i) { return Values{i.client_token}; }},
      {"group-id", ids},
      {"group-name", names},
      {"hypervisor", [](const Instance&) { return Values{"xen"}; }},
      {"image-id", [](const Instance& i) { return Values{i.image_id}; }},
      {"instance-id", [](const Instance& i) { return Values{i.id}; }},
      {"instance-state-code", [](const Instance& i) { return Values{fmt::format("{}", static_cast<int>(i.state))}; }},
      {"instance-state-name", [](const Instance& i) { return Values{std::string(state_name(i.state))}; }},
      {"instance-type", [](const Instance& i) { return Values{i.instance_type}; }},
      {"instance.group-id", ids},
      {"instance.group-name", names},
      {"ip-address", [](const Instance&) { return Values{}; }},
      {"key-name", [](const Instance& i) { return Values{i.key_name}; }},
      {"launch-index", [](const Instance& i) { return Values{fmt::format("{}", i.launch_index)}; }},
      {"launch-time", [](const Instance& i) { return Values{format_time(i.launched_at)}; }},
      {"metadata-options.http-tokens", [](const Instance& i) { return Values{i.imds_v1 ? "optional" : "required"}; }},
      {"network-interface.mac-address", [](const Instance& i) { return Values{i.mac}; }},
      {"network-interface.network-interface-id", [](const Instance& i) { return Values{i.interface_id}; }},
      {"owner-id", [&context](const Instance&) { return Values{context.settings.account_id}; }},
      {"private-dns-name", [&context](const Instance& i) { return Values{private_dns_name(i, context.site)}; }},
      {"private-ip-address", [](const Instance& i) { return Values{i.private_ip}; }},
      {"reason", [](const Instance& i) { return Values{i.transition_reason}; }},
      {"reservation-id", [](const Instance& i) { return Values{i.reservation_id}; }},
      {"root-device-name", [](const Instance&) { return Values{"/dev/xvda"}; }},
      {"root-device-type", [](const Instance&) { return Values{"ebs"}; }},
      {"state-reason-code", [](const Instance& i) { return Values{i.reason_code}; }},
      {"subnet-id", [&context](const Instance&) { return Values{context.settings.subnet_id}; }},
      {"tenancy", [](const Instance&) { return Values{"default"}; }},
      {"virtualization-type", [](const Instance&) { return Values{"hvm"}; }},
      {"vpc-id", [&context](const Instance&) { return Values{context.settings.vpc_id}; }},
  };
}

/// One item for each reservation, in the order of the ids.
void write_reservations(XmlNode root, const std::vector<const Instance*>& found, const ActionContext& context) {
  std::map<std::string, std::vector<const Instance*>> reservations;
  std::vector<std::string> order;
  for (const auto* instance : found) {
    auto& members = reservations[instance->reservation_id];
    if (members.empty()) order.push_back(instance->reservation_id);
    members.push_back(instance);
  }
  const auto set = root.child("reservationSet");
  for (const auto& id : order) write_reservation(set.child("item"), reservations.at(id), context);
}

}  // namespace

Ec2Result<Reply> describe_instances(const ActionContext& context) {
  EC2_ASSIGN(const auto ids, context.parameters.list("InstanceId"));
  EC2_ASSIGN(const auto filters, read_filters(context.parameters));
  const auto table = filter_table(context);
  EC2_TRY(check_filters(filters, table));
  EC2_ASSIGN(const Page page, read_page(context.parameters, !ids.empty()));
  for (const auto& id : ids) EC2_TRY(find_instance(context, id));

  std::vector<const Instance*> found;
  for (const auto& [id, instance] : context.inventory.instances()) {
    if (!ids.empty() && !contains(ids, id)) continue;
    if (matches_all(filters, table, instance)) found.push_back(&instance);
  }
  const auto next = page.cut(found);
  const auto root = context.response.root();
  write_reservations(root, found, context);
  if (!next.empty()) root.text("nextToken", next);
  return context.reply();
}

}  // namespace slipway::localcloud
