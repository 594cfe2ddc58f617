#include <charconv>

#include "localcloud/actions/common.hpp"

namespace slipway::localcloud {
namespace {

// Amazon VPC quotas: inbound rules of a security group.
constexpr std::size_t kMaxRules = 60;

struct Ports {
  std::string protocol;
  int from = -1;
  int to = -1;
};

Ec2Result<std::string> read_protocol(const Parameters& scope) {
  EC2_ASSIGN(const auto text, scope.required("IpProtocol"));
  if (text == "tcp" || text == "6") return "tcp";
  if (text == "udp" || text == "17") return "udp";
  if (text == "icmp" || text == "1") return "icmp";
  if (text == "-1" || text == "all") return "-1";
  return refuse("InvalidParameterValue",
                "Invalid value '{}' for IP protocol. This cloud has tcp, udp, icmp and -1 (all)", text);
}

Ec2Result<Ports> read_ports(const Parameters& scope) {
  Ports ports;
  EC2_ASSIGN(ports.protocol, read_protocol(scope));
  const bool with_ports = ports.protocol == "tcp" || ports.protocol == "udp";
  EC2_ASSIGN(const auto from, scope.integer("FromPort", with_ports ? 0 : -1, with_ports ? 65535 : 255));
  EC2_ASSIGN(const auto to, scope.integer("ToPort", with_ports ? 0 : -1, with_ports ? 65535 : 255));
  if (!with_ports) {
    if (ports.protocol == "icmp") ports.from = static_cast<int>(from.value_or(-1));
    if (ports.protocol == "icmp") ports.to = static_cast<int>(to.value_or(-1));
    return ports;
  }
  if (!from || !to) {
    return refuse("MissingParameter", "The request must contain the parameters FromPort and ToPort");
  }
  if (*from > *to) {
    return refuse("InvalidParameterValue", "Invalid range: from port {} is over to port {}", *from, *to);
  }
  ports.from = static_cast<int>(*from);
  ports.to = static_cast<int>(*to);
  return ports;
}

GroupRule make_rule(const ActionContext& context, const Ports& ports) {
  return GroupRule{.id = context.id("sgr"),
                   .protocol = ports.protocol,
                   .from_port = ports.from,
                   .to_port = ports.to,
                   .cidr = {},
                   .source_group_id = {},
                   .description = {}};
}

/// As EC2, host bits are cut off rather than refused.
Ec2Result<std::string> check_cidr(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = Ipv4::parse(text.substr(0, slash));
  const auto digits = slash == std::string::npos ? std::string() : text.substr(slash + 1);
  int bits = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (!address || error != std::errc{} || end != digits.data() + digits.size() || bits < 0 || bits > 32) {
    return refuse("InvalidParameterValue", "CIDR block {} is malformed", text);
  }
  const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  return fmt::format("{}/{}", Ipv4{address->value & mask}.text(), bits);
}

Ec2Result<void> add_ranges(const ActionContext& context, const Parameters& scope, const Ports& ports,
                           std::vector<GroupRule>& rules) {
  EC2_ASSIGN(const auto ranges, scope.structures("IpRanges"));
  for (const auto& range : ranges) {
    auto rule = make_rule(context, ports);
    EC2_ASSIGN(const auto cidr, range.required("CidrIp"));
    EC2_ASSIGN(rule.cidr, check_cidr(cidr));
    rule.description = range.text("Description").value_or("");
    rules.push_back(std::move(rule));
  }
  return {};
}

Ec2Result<void> add_sources(const ActionContext& context, const Parameters& scope, const Ports& ports,
                            std::vector<GroupRule>& rules) {
  EC2_ASSIGN(const auto sources, scope.structures("Groups"));
  for (const auto& source : sources) {
    auto rule = make_rule(context, ports);
    const auto id = source.text("GroupId");
    const auto name = source.text("GroupName");
    const auto user = source.text("UserId").value_or(context.settings.account_id);
    if (!id && !name) return refuse("MissingParameter", "The request must contain the parameter GroupId");
    if (user != context.settings.account_id) {
      return refuse("InvalidGroup.NotFound", "You have specified a group of account {}, which does not exist", user);
    }
    EC2_ASSIGN(const auto* group, id ? find_group_by_id(context, *id) : find_group_by_name(context, *name));
    rule.source_group_id = group->id;
    rule.description = source.text("Description").value_or("");
    rules.push_back(std::move(rule));
  }
  return {};
}

/// IpPermissions.N, or the older way: one rule as parameters of the request itself.
Ec2Result<std::vector<GroupRule>> read_rules(const ActionContext& context) {
  const auto& top = context.parameters;
  std::vector<GroupRule> rules;
  EC2_ASSIGN(const auto permissions, top.structures("IpPermissions"));
  for (const auto& permission : permissions) {
    EC2_ASSIGN(const Ports ports, read_ports(permission));
    const auto before = rules.size();
    EC2_TRY(add_ranges(context, permission, ports, rules));
    EC2_TRY(add_sources(context, permission, ports, rules));
    if (rules.size() == before) {
      return refuse("MissingParameter", "A permission needs IpRanges or Groups; this cloud has IPv4 only");
    }
  }
  if (top.any("CidrIp")) {
    EC2_ASSIGN(const Ports ports, read_ports(top));
    auto rule = make_rule(context, ports);
    EC2_ASSIGN(const auto cidr, top.required("CidrIp"));
    EC2_ASSIGN(rule.cidr, check_cidr(cidr));
    rules.push_back(std::move(rule));
  }
  if (const auto source = top.text("SourceSecurityGroupName")) {
    auto rule = make_rule(context, Ports{.protocol = "-1", .from = -1, .to = -1});
    EC2_ASSIGN(const auto* group, find_group_by_name(context, *source));
    rule.source_group_id = group->id;
    rules.push_back(std::move(rule));
  }
  if (rules.empty()) return refuse("MissingParameter", "The request must contain the parameter IpPermissions");
  return rules;
}

std::string peer_of(const GroupRule& rule) {
  const auto protocol = rule.protocol == "-1" ? "ALL" : rule.protocol == "tcp" ? "TCP" : rule.protocol;
  return fmt::format("peer: {}, {}, from port: {}, to port: {}, ALLOW",
                     rule.cidr.empty() ? rule.source_group_id : rule.cidr, protocol, rule.from_port, rule.to_port);
}

void write_rule(XmlNode item, const GroupRule& rule, const Group& group, const ActionContext& context) {
  item.text("securityGroupRuleId", rule.id);
  item.text("groupId", group.id);
  item.text("groupOwnerId", context.settings.account_id);
  item.boolean("isEgress", false);
  item.text("ipProtocol", rule.protocol);
  item.integer("fromPort", rule.from_port);
  item.integer("toPort", rule.to_port);
  if (!rule.cidr.empty()) item.text("cidrIpv4", rule.cidr);
  if (!rule.source_group_id.empty()) {
    const auto source = item.child("referencedGroupInfo");
    source.text("groupId", rule.source_group_id);
    source.text("userId", context.settings.account_id);
  }
  if (!rule.description.empty()) item.text("description", rule.description);
}

}  // namespace

Ec2Result<Reply> authorize_security_group_ingress(const ActionContext& context) {
  const auto id = context.parameters.text("GroupId");
  const auto name = context.parameters.text("GroupName");
  if (!id && !name) return refuse("MissingParameter", "The request must contain the parameter GroupId or GroupName");
  EC2_ASSIGN(const auto* found, id ? find_group_by_id(context, *id) : find_group_by_name(context, *name));
  EC2_TRY(read_tag_specifications(context.parameters, {"security-group-rule"}));
  EC2_ASSIGN(const auto rules, read_rules(context));
  Group group = *found;
  const auto root = context.response.root();
  root.boolean("return", true);
  const auto set = root.child("securityGroupRuleSet");
  for (const auto& rule : rules) {
    if (contains(group.ingress, rule)) {
      return refuse("InvalidPermission.Duplicate", "the specified rule \"{}\" already exists", peer_of(rule));
    }
    group.ingress.push_back(rule);
    write_rule(set.child("item"), rule, group, context);
  }
  if (group.ingress.size() > kMaxRules) {
    return refuse("RulesPerSecurityGroupLimitExceeded", "The maximum number of rules per security group is {}",
                  kMaxRules);
  }
  Changes changes{.command = "AuthorizeSecurityGroupIngress", .put = {}, .remove = {}};
  changes.put.emplace_back(std::move(group));
  return context.reply(std::move(changes));
}

}  // namespace slipway::localcloud
