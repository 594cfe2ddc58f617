// Cloud: the part of EC2 that the controller and the baker use, in EC2's own words. Implementations: Ec2Cloud
// (cloud_ec2, talks to AWS or to the local cloud) and FakeCloud (tests); both pass cloud_contract.hpp. Calls block; any
// thread.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::cloud {

using Tags = std::map<std::string, std::string>;

/// EC2's instance states.
enum class InstanceState { Pending, Running, ShuttingDown, Terminated, Stopping, Stopped };
std::string_view instance_state_name(InstanceState state);  ///< "pending", "shutting-down", …
Result<InstanceState> instance_state_from_name(std::string_view name);

struct LaunchRequest {
  std::string client_token;  ///< idempotency: the same token gives the same instance
  std::string image_id;
  std::string instance_type;
  std::string user_data;  ///< raw bytes; encoded by the implementation
  std::string key_name;   ///< may be empty
  std::vector<std::string> security_group_ids;
  Tags tags;
};

struct Instance {
  std::string instance_id;
  std::string client_token;
  std::string image_id;
  std::string instance_type;
  InstanceState state = InstanceState::Pending;
  std::string private_ip;
  std::string public_ip;  ///< empty if none
  std::string state_reason;
  WallTime launched_at;
  Tags tags;
};

struct Image {
  std::string image_id;
  std::string name;
  std::string description;
  std::string state;  ///< "pending", "available", "failed"
  std::string owner_id;
  WallTime created_at;
  Tags tags;
};

struct KeyPair {
  std::string key_pair_id;
  std::string key_name;
  std::string private_key_pem;  ///< secret; only from create_key_pair
  Tags tags;
};
struct Volume {
  std::string volume_id;
  std::string state;  ///< "in-use", "available", …
  Tags tags;
};
/// One that belongs to the account (elastic), not one that comes and goes with an instance.
struct Address {
  std::string allocation_id;
  std::string public_ip;
  Tags tags;
};
struct SecurityGroup {
  std::string group_id;
  std::string group_name;
  Tags tags;
};

/// All given conditions must hold; empty ones don't filter. What does not exist, or is too new to be seen everywhere
/// yet, is absent from the answer; that is no error.
struct Filter {
  std::vector<std::string> ids;
  Tags tags;                          ///< tag:<key> = value
  std::vector<std::string> tag_keys;  ///< tag-key; several are alternatives
  std::string name;                   ///< images: name; key pairs: key-name; groups: group-name
  std::vector<InstanceState> states;  ///< instances only
};

/// Errors: NotFound (Invalid…NotFound), Conflict (IncorrectState, …InUse, Duplicate), Denied, Unauthenticated,
/// Throttled, Exhausted (capacity, limits), InvalidInput, Unreachable, Timeout. The message carries EC2's own code and
/// text.
class Cloud {
 public:
  virtual ~Cloud() = default;
  /// Launches exactly one instance. Repeating it with the same token is safe.
  virtual Result<Instance> run_instance(const LaunchRequest& request) = 0;
  /// Whether run_instance would accept it now; launches nothing (EC2's DryRun).
  virtual Result<void> check_launch(const LaunchRequest& request) = 0;
  /// All pages. Terminated instances stay visible for a while.
  virtual Result<std::vector<Instance>> describe_instances(const Filter& filter) = 0;
  virtual Result<void> stop_instance(const std::string& instance_id) = 0;
  virtual Result<void> start_instance(const std::string& instance_id) = 0;
  /// Safe to repeat; an instance that EC2 no longer knows counts as terminated.
  virtual Result<void> terminate_instance(const std::string& instance_id) = 0;
  /// Text of the console so far; may be empty early on.
  virtual Result<std::string> console_output(const std::string& instance_id) = 0;

  virtual Result<std::string> create_image(const std::string& instance_id, const std::string& name,
                                           const std::string& description,
                                           const Tags& tags) = 0;  ///< image id
  /// Images of our own account only.
  virtual Result<std::vector<Image>> describe_images(const Filter& filter) = 0;
  virtual Result<void> deregister_image(const std::string& image_id) = 0;

  virtual Result<KeyPair> create_key_pair(const std::string& name, const Tags& tags) = 0;
  virtual Result<std::vector<KeyPair>> describe_key_pairs(const Filter& filter) = 0;
  /// Safe to repeat: EC2 says yes to a name that it doesn't know.
  virtual Result<void> delete_key_pair(const std::string& name) = 0;
  virtual Result<SecurityGroup> create_security_group(const std::string& name, const std::string& description,
                                                      const Tags& tags) = 0;
  /// TCP. Safe to repeat.
  virtual Result<void> authorize_ingress(const std::string& group_id, int port, const std::string& cidr) = 0;
  virtual Result<std::vector<SecurityGroup>> describe_security_groups(const Filter& filter) = 0;
  /// Conflict as long as an instance that is not terminated is in it.
  virtual Result<void> delete_security_group(const std::string& group_id) = 0;
  virtual Result<std::vector<Volume>> describe_volumes(const Filter& filter) = 0;
  /// Nothing where the cloud has no such addresses.
  virtual Result<std::vector<Address>> describe_addresses(const Filter& filter) = 0;
  virtual Result<void> create_tags(const std::string& resource_id, const Tags& tags) = 0;
};

/// What every resource of ours carries; see decision 10 of ARCHITECTURE.md.
inline constexpr const char* kTagController = "slipway:controller";  ///< id of the controller that made it
inline constexpr const char* kTagOwner = "slipway:owner";
inline constexpr const char* kTagExpires = "slipway:expires";  ///< RFC 3339; empty value: no expiry
inline constexpr const char* kTagHost = "slipway:host";
inline constexpr const char* kTagPool = "slipway:pool";
inline constexpr const char* kTagBake = "slipway:bake";
inline constexpr const char* kTagRecipeDigest = "slipway:recipe-digest";

}  // namespace slipway::cloud
