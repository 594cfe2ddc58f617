#include <boost/json.hpp>

#include "localcloud/actions/common.hpp"
#include "localcloud/imds/imds.hpp"

namespace slipway::localcloud {
namespace {

using Tree = std::map<std::string, std::string>;

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::vector<std::string> group_names(const Instance& instance, const Inventory& inventory) {
  std::vector<std::string> names;
  for (const auto& id : instance.group_ids) {
    const auto found = inventory.groups().find(id);
    if (found != inventory.groups().end()) names.push_back(found->second.name);
  }
  return names;
}

void add_interface(Tree& tree, const Instance& instance, const Inventory& inventory, const Site& site) {
  const auto& settings = *inventory.settings();
  const std::string at = "meta-data/network/interfaces/macs/" + instance.mac + "/";
  tree[at + "device-number"] = "0";
  tree[at + "interface-id"] = instance.interface_id;
  tree[at + "local-hostname"] = private_dns_name(instance, site);
  tree[at + "local-ipv4s"] = instance.private_ip;
  tree[at + "mac"] = instance.mac;
  tree[at + "owner-id"] = settings.account_id;
  tree[at + "security-group-ids"] = joined(instance.group_ids);
  tree[at + "security-groups"] = joined(group_names(instance, inventory));
  tree[at + "subnet-id"] = settings.subnet_id;
  tree[at + "subnet-ipv4-cidr-block"] = site.guest_network.text();
  tree[at + "vpc-id"] = settings.vpc_id;
  tree[at + "vpc-ipv4-cidr-block"] = site.guest_network.text();
  tree[at + "vpc-ipv4-cidr-blocks"] = site.guest_network.text();
}

void add_placement(Tree& tree, const Site& site) {
  tree["meta-data/placement/availability-zone"] = site.zone;
  tree["meta-data/placement/region"] = site.region;
  tree["meta-data/services/domain"] = "amazonaws.com";
  tree["meta-data/services/partition"] = "aws";
}

std::string identity_document(const Instance& instance, const Inventory& inventory, const Site& site) {
  const boost::json::object document{
      {"accountId", inventory.settings()->account_id},
      {"architecture", "x86_64"},
      {"availabilityZone", site.zone},
      {"imageId", instance.image_id},
      {"instanceId", instance.id},
      {"instanceType", instance.instance_type},
      {"pendingTime", format_time(instance.launched_at)},
      {"privateIp", instance.private_ip},
      {"region", site.region},
      {"version", "2017-09-30"},
  };
  return boost::json::serialize(document);
}

}  // namespace

Tree metadata_of(const Instance& instance, const Inventory& inventory, const Site& site) {
  Tree tree{
      {"meta-data/ami-id", instance.image_id},
      {"meta-data/ami-launch-index", fmt::format("{}", instance.launch_index)},
      {"meta-data/ami-manifest-path", "(unknown)"},
      {"meta-data/block-device-mapping/ami", "/dev/xvda"},
      {"meta-data/block-device-mapping/root", "/dev/xvda"},
      {"meta-data/hostname", private_dns_name(instance, site)},
      {"meta-data/instance-action", "none"},
      {"meta-data/instance-id", instance.id},
      {"meta-data/instance-life-cycle", "on-demand"},
      {"meta-data/instance-type", instance.instance_type},
      {"meta-data/local-hostname", private_dns_name(instance, site)},
      {"meta-data/local-ipv4", instance.private_ip},
      {"meta-data/mac", instance.mac},
      {"meta-data/profile", "default-hvm"},
      {"meta-data/reservation-id", instance.reservation_id},
      {"meta-data/security-groups", joined(group_names(instance, inventory))},
      {"dynamic/instance-identity/document", identity_document(instance, inventory, site)},
  };
  add_interface(tree, instance, inventory, site);
  add_placement(tree, site);
  if (!instance.public_key.empty()) {
    tree["meta-data/public-keys/0/openssh-key"] = fmt::format("{} {}\n", instance.public_key, instance.key_name);
  }
  if (!instance.user_data.empty()) tree["user-data"] = instance.user_data;
  if (instance.imds_tags) {
    for (const auto& [key, value] : instance.tags) tree["meta-data/tags/instance/" + key] = value;
  }
  return tree;
}

std::optional<std::string> find_metadata(const Tree& tree, std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  if (const auto leaf = tree.find(std::string(path)); leaf != tree.end()) return leaf->second;
  const std::string prefix = path.empty() ? "" : std::string(path) + "/";
  // Keys are listed as "0=name", which no other directory has.
  if (path == "meta-data/public-keys") {
    const auto key = tree.find("meta-data/public-keys/0/openssh-key");
    if (key == tree.end()) return std::nullopt;
    const auto name = key->second.substr(key->second.find(' ', key->second.find(' ') + 1) + 1);
    return "0=" + name.substr(0, name.find('\n'));
  }
  std::vector<std::string> children;
  for (auto at = tree.lower_bound(prefix); at != tree.end() && at->first.starts_with(prefix); ++at) {
    const auto rest = std::string_view(at->first).substr(prefix.size());
    const auto slash = rest.find('/');
    // A tag's key may hold a slash; it is one name all the same.
    const bool whole = path == "meta-data/tags/instance" || slash == std::string_view::npos;
    std::string child(whole ? rest : rest.substr(0, slash + 1));
    if (children.empty() || children.back() != child) children.push_back(std::move(child));
  }
  if (children.empty()) return std::nullopt;
  return joined(children);
}

}  // namespace slipway::localcloud
