// An action of the EC2 API: a function from the inventory and the request's parameters to an answer and what has to
// change. It has no effects of its own: the changes are committed first, then the answer is sent and the machines
// follow the inventory. So DryRun runs an action and throws its reply away.
//
// To add one: a file with one function, its line in table.cpp, its row in the golden tests.
#pragma once
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "localcloud/ec2/query.hpp"
#include "localcloud/ec2/xml.hpp"
#include "localcloud/inventory/inventory.hpp"
#include "localcloud/machine_driver.hpp"

namespace slipway::localcloud {

/// What stays the same for a run of the cloud.
struct Site {
  std::string region = "local-1";
  std::string zone = "local-1a";
  std::string endpoint;         ///< "http://127.0.0.1:8771"
  std::string outside_address;  ///< of this machine, as guests see it
  Ipv4Network guest_network;    ///< guests get the addresses 4 to 254 of it
};

struct Reply;
using Resume = std::function<Ec2Result<Reply>()>;

struct Reply {
  std::string xml;
  Changes changes;
  std::vector<std::string> reboot;  ///< instances to reboot after the commit
  /// Set: the rest of the action. It runs on a blocking thread, without the inventory, and gives the function that ends
  /// the action on the loop; everything else here is then empty.
  std::function<Resume()> blocking;
};

struct ActionContext {
  const Inventory& inventory;
  const Settings& settings;
  const Site& site;
  const MachineDriver& machines;  ///< for `blocking` only
  RandomSource& random;
  WallTime now;
  std::string request_id;
  const Query& query;
  Parameters parameters;
  XmlDocument response;  ///< of the right name, with the request's id

  [[nodiscard]] std::string id(std::string_view prefix) const { return make_ec2_id(prefix, random); }
  /// The answer as it stands in `response`.
  [[nodiscard]] Reply reply(Changes changes = {}) const {
    return Reply{.xml = response.print(), .changes = std::move(changes), .reboot = {}, .blocking = {}};
  }
  /// <return>true</return>, for actions that answer nothing else.
  [[nodiscard]] Reply done(Changes changes) const {
    response.root().boolean("return", true);
    return reply(std::move(changes));
  }
};

/// The context outlives the action and its continuation.
using Action = Ec2Result<Reply> (*)(const ActionContext&);

struct ActionEntry {
  std::string_view name;
  Action action;
};
/// Sorted by name.
std::span<const ActionEntry> actions();
/// Null for a name that is none.
const ActionEntry* find_action(std::string_view name);

Ec2Result<Reply> authorize_security_group_ingress(const ActionContext& context);
Ec2Result<Reply> create_image(const ActionContext& context);
Ec2Result<Reply> create_key_pair(const ActionContext& context);
Ec2Result<Reply> create_security_group(const ActionContext& context);
Ec2Result<Reply> create_tags(const ActionContext& context);
Ec2Result<Reply> delete_key_pair(const ActionContext& context);
Ec2Result<Reply> delete_security_group(const ActionContext& context);
Ec2Result<Reply> deregister_image(const ActionContext& context);
Ec2Result<Reply> describe_images(const ActionContext& context);
Ec2Result<Reply> describe_instances(const ActionContext& context);
Ec2Result<Reply> describe_key_pairs(const ActionContext& context);
Ec2Result<Reply> describe_regions(const ActionContext& context);
Ec2Result<Reply> describe_security_groups(const ActionContext& context);
Ec2Result<Reply> describe_subnets(const ActionContext& context);
Ec2Result<Reply> describe_volumes(const ActionContext& context);
Ec2Result<Reply> get_console_output(const ActionContext& context);
Ec2Result<Reply> import_key_pair(const ActionContext& context);
Ec2Result<Reply> reboot_instances(const ActionContext& context);
Ec2Result<Reply> run_instances(const ActionContext& context);
Ec2Result<Reply> start_instances(const ActionContext& context);
Ec2Result<Reply> stop_instances(const ActionContext& context);
Ec2Result<Reply> terminate_instances(const ActionContext& context);

}  // namespace slipway::localcloud
