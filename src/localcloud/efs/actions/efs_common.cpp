#include "localcloud/efs/actions/efs_common.hpp"

#include <boost/json.hpp>

namespace slipway::localcloud {
namespace {

// EFS User Guide, "Quotas": security groups of a mount target.
constexpr std::size_t kMostGroups = 5;

/// rest-json's form of a time: seconds since 1970, with a fraction.
double seconds_of(WallTime time) { return static_cast<double>(time.time_since_epoch().count()) / 1000; }

EfsResult<std::string> check_group(const EfsContext& context, const std::string& id) {
  if (!is_ec2_id(id, "sg")) return refuse_efs("BadRequest", "'{}' is no id of a security group", id);
  if (!context.inventory.groups().contains(id)) {
    return refuse_efs("SecurityGroupNotFound", "The security group '{}' does not exist", id);
  }
  return id;
}

}  // namespace

EfsResult<const FileSystem*> find_file_system(const EfsContext& context, std::string_view text) {
  const auto id = file_system_id_in(text);
  if (!is_ec2_id(id, "fs")) return refuse_efs("BadRequest", "'{}' is no id of a file system", id);
  const auto* found = context.inventory.file_system(id);
  if (found == nullptr) return refuse_efs("FileSystemNotFound", "File system '{}' does not exist.", id);
  return found;
}

EfsResult<const FileSystem*> find_file_system(const EfsContext& context) {
  return find_file_system(context, context.resource);
}

EfsResult<const MountTarget*> find_mount_target(const EfsContext& context, const std::string& id) {
  if (!is_ec2_id(id, "fsmt")) return refuse_efs("BadRequest", "'{}' is no id of a mount target", id);
  const auto* found = context.inventory.mount_target(id);
  if (found == nullptr) return refuse_efs("MountTargetNotFound", "Mount target '{}' does not exist.", id);
  return found;
}

EfsResult<const MountTarget*> find_mount_target(const EfsContext& context) {
  return find_mount_target(context, context.resource);
}

EfsResult<std::vector<std::string>> read_mount_target_groups(const EfsContext& context) {
  EC2_ASSIGN(const auto named, context.request.body.texts("SecurityGroups"));
  std::vector<std::string> ids;
  for (const auto& name : named.value_or(std::vector<std::string>())) {
    EC2_ASSIGN(auto id, check_group(context, name));
    if (!contains(ids, id)) ids.push_back(std::move(id));
  }
  if (ids.size() > kMostGroups) {
    return refuse_efs("SecurityGroupLimitExceeded", "A mount target has at most {} security groups", kMostGroups);
  }
  const auto* fallback = context.inventory.group_named("default");
  if (ids.empty() && fallback != nullptr) ids.push_back(fallback->id);
  return ids;
}

boost::json::array describe(const Tags& tags) {
  boost::json::array list;
  for (const auto& [key, value] : tags) list.push_back(boost::json::object{{"Key", key}, {"Value", value}});
  return list;
}

boost::json::object describe(const FileSystem& system, std::int64_t held_bytes, const EfsContext& context) {
  const auto targets = std::ranges::count_if(
      context.inventory.mount_targets(), [&](const auto& entry) { return entry.second.file_system_id == system.id; });
  boost::json::object body{
      {"OwnerId", context.settings.account_id},
      {"CreationToken", system.creation_token},
      {"FileSystemId", system.id},
      {"FileSystemArn", fmt::format("arn:aws:elasticfilesystem:{}:{}:file-system/{}", context.site.region,
                                    context.settings.account_id, system.id)},
      {"CreationTime", seconds_of(system.created_at)},
      {"LifeCycleState", system.state},
      {"NumberOfMountTargets", targets},
      {"SizeInBytes",
       {{"Value", held_bytes},
        {"Timestamp", seconds_of(context.now)},
        {"ValueInIA", 0},
        {"ValueInStandard", held_bytes}}},
      {"PerformanceMode", system.performance_mode},
      {"ThroughputMode", system.throughput_mode},
      {"Encrypted", false},
      {"Tags", describe(system.tags)},
  };
  if (const auto name = system.tags.find("Name"); name != system.tags.end()) body["Name"] = name->second;
  if (!system.zone.empty()) body["AvailabilityZoneName"] = system.zone;
  return body;
}

boost::json::object describe(const MountTarget& target, const EfsContext& context) {
  return {{"OwnerId", context.settings.account_id},
          {"MountTargetId", target.id},
          {"FileSystemId", target.file_system_id},
          {"SubnetId", context.settings.subnet_id},
          {"LifeCycleState", target.state},
          {"IpAddress", target.ip_address},
          {"NetworkInterfaceId", target.interface_id},
          {"AvailabilityZoneName", context.site.zone},
          {"VpcId", context.settings.vpc_id}};
}

}  // namespace slipway::localcloud
