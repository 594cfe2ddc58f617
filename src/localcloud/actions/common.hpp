// What several actions share: reading ids and tags, looking resources up, writing instances.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "localcloud/actions/action.hpp"
#include "localcloud/contains.hpp"

namespace slipway::localcloud {

/// Limits of EC2, "Tag restrictions".
inline constexpr std::size_t kMaxTags = 50;

/// `Tag.N.Key`, `Tag.N.Value`.
Ec2Result<Tags> read_tags(const Parameters& parameters);
/// TagSpecification.N: tags by resource type, of which only `permitted` ones may occur.
Ec2Result<std::map<std::string, Tags>> read_tag_specifications(const Parameters& parameters,
                                                               const std::vector<std::string_view>& permitted);
/// The tags with others added or replaced; TagLimitExceeded.
Ec2Result<Tags> merge_tags(Tags tags, const Tags& more);

/// InstanceId.N, at least one: each exists. InvalidInstanceID.Malformed, InvalidInstanceID.NotFound.
Ec2Result<std::vector<const Instance*>> read_instances(const ActionContext& context);
Ec2Result<const Instance*> find_instance(const ActionContext& context, const std::string& id);
/// InvalidAMIID.Malformed, InvalidAMIID.NotFound.
Ec2Result<const Image*> find_image(const ActionContext& context, const std::string& id);
/// By GroupId or GroupName; InvalidGroupId.Malformed, InvalidGroup.NotFound.
Ec2Result<const Group*> find_group_by_id(const ActionContext& context, const std::string& id);
Ec2Result<const Group*> find_group_by_name(const ActionContext& context, const std::string& name);

/// "User initiated (2026-01-31 09:30:00 GMT)".
std::string user_initiated(WallTime now);
/// Sets state, reasons and time of an instance that is being changed.
void move_to(Instance& instance, InstanceState state, std::string_view code, std::string_view message, WallTime now);

void write_state(XmlNode parent, const char* name, InstanceState state);
void write_instance(XmlNode item, const Instance& instance, const ActionContext& context);
/// Instances of one reservation as `reservationSet`'s item, or as the answer of RunInstances.
void write_reservation(XmlNode item, const std::vector<const Instance*>& instances, const ActionContext& context);
/// "ip-10-98-0-7.local-1.compute.internal".
std::string private_dns_name(const Instance& instance, const Site& site);

struct StateChange {
  std::string id;
  InstanceState before;
  InstanceState now;
};
/// The answer of Start, Stop and TerminateInstances.
void write_state_changes(XmlNode root, const std::vector<StateChange>& changes);

}  // namespace slipway::localcloud
