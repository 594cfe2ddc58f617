// An action of the EFS API: a function from the inventory and one request to an answer and what has to change, as the
// EC2 actions are. It has no effects of its own: the changes are committed first, then the answer is sent and volumes
// and mounts follow the inventory.
//
// To add one: a file with one function, its line in table.cpp, cases in efs_test.cpp.
#pragma once
#include <boost/json/value.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "localcloud/actions/action.hpp"
#include "localcloud/efs/request.hpp"

namespace slipway::localcloud {

struct EfsReply;
using EfsResume = std::function<EfsResult<EfsReply>()>;

struct EfsReply {
  boost::json::value body;  ///< null: no body
  Changes changes;
  /// Set: the rest of the action, as Reply::blocking.
  std::function<EfsResume()> blocking;
};

struct EfsContext {
  const Inventory& inventory;
  const Settings& settings;
  const Site& site;
  const MachineDriver& machines;  ///< for `blocking` only
  RandomSource& random;
  WallTime now;
  EfsRequest request;
  std::string resource;  ///< the id in the path; empty where the action has none
};

/// The context outlives the action and its continuation.
using EfsAction = EfsResult<EfsReply> (*)(const EfsContext&);

struct EfsActionEntry {
  std::string_view method;
  std::string_view path;  ///< below the version; "*" is the resource: "file-systems/*"
  int status = 200;       ///< of a success
  EfsAction action;
};
std::span<const EfsActionEntry> efs_actions();
/// Null if there is none of that method and path; else sets the resource.
const EfsActionEntry* find_efs_action(const EfsRequest& request, std::string& resource);

EfsResult<EfsReply> create_file_system(const EfsContext& context);
EfsResult<EfsReply> create_mount_target(const EfsContext& context);
EfsResult<EfsReply> delete_file_system(const EfsContext& context);
EfsResult<EfsReply> delete_mount_target(const EfsContext& context);
EfsResult<EfsReply> describe_file_systems(const EfsContext& context);
EfsResult<EfsReply> describe_lifecycle_configuration(const EfsContext& context);
EfsResult<EfsReply> describe_mount_target_security_groups(const EfsContext& context);
EfsResult<EfsReply> describe_mount_targets(const EfsContext& context);
EfsResult<EfsReply> list_tags_for_resource(const EfsContext& context);
EfsResult<EfsReply> modify_mount_target_security_groups(const EfsContext& context);
EfsResult<EfsReply> tag_resource(const EfsContext& context);
EfsResult<EfsReply> untag_resource(const EfsContext& context);

}  // namespace slipway::localcloud
