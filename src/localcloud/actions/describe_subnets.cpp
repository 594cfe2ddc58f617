#include "localcloud/actions/common.hpp"
#include "localcloud/ec2/filters.hpp"

namespace slipway::localcloud {
namespace {

using Values = std::vector<std::string>;

// Guests and mount targets get the addresses .4 to .254.
constexpr std::size_t kSubnetAddresses = 251;

/// The cloud's one subnet.
struct Subnet {
  std::string id, vpc_id, network, zone;
  Tags tags;  ///< none: CreateTags does not know subnets
};

const FilterTable<Subnet>& subnet_filters() {
  static const FilterTable<Subnet> table{
      {"availability-zone", [](const Subnet& s) { return Values{s.zone}; }},
      {"cidr-block", [](const Subnet& s) { return Values{s.network}; }},
      {"default-for-az", [](const Subnet&) { return Values{"true"}; }},
      {"state", [](const Subnet&) { return Values{"available"}; }},
      {"subnet-id", [](const Subnet& s) { return Values{s.id}; }},
      {"vpc-id", [](const Subnet& s) { return Values{s.vpc_id}; }},
  };
  return table;
}

void write_subnet(XmlNode item, const Subnet& subnet, const ActionContext& context) {
  item.text("subnetId", subnet.id);
  item.text("state", "available");
  item.text("vpcId", subnet.vpc_id);
  item.text("ownerId", context.settings.account_id);
  item.text("cidrBlock", subnet.network);
  item.integer("availableIpAddressCount",
               static_cast<std::int64_t>(kSubnetAddresses - context.inventory.used_addresses().size()));
  item.text("availabilityZone", subnet.zone);
  item.boolean("defaultForAz", true);
  item.boolean("mapPublicIpOnLaunch", false);
}

}  // namespace

Ec2Result<Reply> describe_subnets(const ActionContext& context) {
  EC2_ASSIGN(const auto ids, context.parameters.list("SubnetId"));
  EC2_ASSIGN(const auto filters, read_filters(context.parameters));
  EC2_TRY(check_filters(filters, subnet_filters()));
  EC2_TRY(read_page(context.parameters, !ids.empty()));
  const Subnet subnet{.id = context.settings.subnet_id,
                      .vpc_id = context.settings.vpc_id,
                      .network = context.site.guest_network.text(),
                      .zone = context.site.zone,
                      .tags = {}};
  for (const auto& id : ids) {
    if (id != subnet.id) return refuse("InvalidSubnetID.NotFound", "The subnet ID '{}' does not exist", id);
  }
  const auto set = context.response.root().child("subnetSet");
  if (matches_all(filters, subnet_filters(), subnet)) write_subnet(set.child("item"), subnet, context);
  return context.reply();
}

}  // namespace slipway::localcloud
