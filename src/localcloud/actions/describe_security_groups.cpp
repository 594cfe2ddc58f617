#include "localcloud/actions/common.hpp"
#include "localcloud/ec2/filters.hpp"

namespace slipway::localcloud {
namespace {

using Values = std::vector<std::string>;

template <typename Get>
auto of_rules(Get get) {
  return [get](const Group& group) {
    Values values;
    for (const auto& rule : group.ingress) values.push_back(get(rule));
    return values;
  };
}

FilterTable<Group> filter_table(const ActionContext& context) {
  return {
      {"description", [](const Group& g) { return Values{g.description}; }},
      {"group-id", [](const Group& g) { return Values{g.id}; }},
      {"group-name", [](const Group& g) { return Values{g.name}; }},
      {"ip-permission.cidr", of_rules([](const GroupRule& r) { return r.cidr; })},
      {"ip-permission.from-port", of_rules([](const GroupRule& r) { return fmt::format("{}", r.from_port); })},
      {"ip-permission.group-id", of_rules([](const GroupRule& r) { return r.source_group_id; })},
      {"ip-permission.protocol", of_rules([](const GroupRule& r) { return r.protocol; })},
      {"ip-permission.to-port", of_rules([](const GroupRule& r) { return fmt::format("{}", r.to_port); })},
      {"owner-id", [&context](const Group&) { return Values{context.settings.account_id}; }},
      {"vpc-id", [&context](const Group&) { return Values{context.settings.vpc_id}; }},
  };
}

void write_range(XmlNode set, const std::string& cidr, const std::string& description) {
  const auto item = set.child("item");
  item.text("cidrIp", cidr);
  if (!description.empty()) item.text("description", description);
}

/// EC2 shows the rules of one protocol and port range as one permission.
void write_ingress(XmlNode set, const Group& group, const ActionContext& context) {
  std::map<std::tuple<std::string, int, int>, std::vector<const GroupRule*>> permissions;
  for (const auto& rule : group.ingress) permissions[{rule.protocol, rule.from_port, rule.to_port}].push_back(&rule);
  for (const auto& [key, rules] : permissions) {
    const auto& [protocol, from, to] = key;
    const auto item = set.child("item");
    item.text("ipProtocol", protocol);
    if (protocol != "-1") item.integer("fromPort", from);
    if (protocol != "-1") item.integer("toPort", to);
    const auto groups = item.child("groups");
    const auto ranges = item.child("ipRanges");
    (void)item.child("ipv6Ranges");
    (void)item.child("prefixListIds");
    for (const auto* rule : rules) {
      if (!rule->cidr.empty()) write_range(ranges, rule->cidr, rule->description);
      if (rule->source_group_id.empty()) continue;
      const auto pair = groups.child("item");
      pair.text("userId", context.settings.account_id);
      pair.text("groupId", rule->source_group_id);
      if (!rule->description.empty()) pair.text("description", rule->description);
    }
  }
}

void write_group(XmlNode item, const Group& group, const ActionContext& context) {
  item.text("ownerId", context.settings.account_id);
  item.text("groupId", group.id);
  item.text("groupName", group.name);
  item.text("groupDescription", group.description);
  item.text("vpcId", context.settings.vpc_id);
  write_ingress(item.child("ipPermissions"), group, context);
  const auto egress = item.child("ipPermissionsEgress").child("item");
  egress.text("ipProtocol", "-1");
  (void)egress.child("groups");
  write_range(egress.child("ipRanges"), "0.0.0.0/0", "");
  (void)egress.child("ipv6Ranges");
  (void)egress.child("prefixListIds");
  item.tags(group.tags);
}

}  // namespace

Ec2Result<Reply> describe_security_groups(const ActionContext& context) {
  const auto& top = context.parameters;
  EC2_ASSIGN(const auto ids, top.list("GroupId"));
  EC2_ASSIGN(const auto names, top.list("GroupName"));
  EC2_ASSIGN(const auto filters, read_filters(top));
  const auto table = filter_table(context);
  EC2_TRY(check_filters(filters, table));
  EC2_ASSIGN(const Page page, read_page(top, !ids.empty() || !names.empty()));
  for (const auto& id : ids) EC2_TRY(find_group_by_id(context, id));
  for (const auto& name : names) EC2_TRY(find_group_by_name(context, name));

  std::vector<const Group*> found;
  for (const auto& [id, group] : context.inventory.groups()) {
    const bool all = ids.empty() && names.empty();
    if (!all && !contains(ids, id) && !contains(names, group.name)) continue;
    if (matches_all(filters, table, group)) found.push_back(&group);
  }
  const auto next = page.cut(found);
  const auto root = context.response.root();
  const auto set = root.child("securityGroupInfo");
  for (const auto* group : found) write_group(set.child("item"), *group, context);
  if (!next.empty()) root.text("nextToken", next);
  return context.reply();
}

}  // namespace slipway::localcloud
