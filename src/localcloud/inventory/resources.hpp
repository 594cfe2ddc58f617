// What the cloud owns, as plain values in EC2's words. Each is one row of the store; rows.hpp has the codecs.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace slipway::localcloud {

using Tags = std::map<std::string, std::string>;

/// EC2's instance states with EC2's numbers.
enum class InstanceState { Pending = 0, Running = 16, ShuttingDown = 32, Terminated = 48, Stopping = 64, Stopped = 80 };
std::string_view state_name(InstanceState state);
std::optional<InstanceState> state_from_name(std::string_view name);

struct Instance {
  static constexpr std::string_view kTable = "instance";
  std::string id;
  std::string reservation_id;
  int launch_index = 0;
  std::string client_token;
  std::string image_id;
  std::string instance_type;
  InstanceState state = InstanceState::Pending;  ///< also the intent: what the machine is being brought to
  std::string reason_code;                       ///< "Client.UserInitiatedShutdown"
  std::string reason_message;
  std::string transition_reason;  ///< "User initiated (2026-01-31 09:30:00 GMT)"
  std::string key_name;
  std::string public_key;  ///< copied at launch: deleting the key pair changes no instance
  std::vector<std::string> group_ids;
  std::string user_data;  ///< raw bytes
  std::string private_ip;
  std::string mac;
  std::string interface_id;   ///< eni-…
  std::string attachment_id;  ///< eni-attach-…
  std::string volume_id;
  bool delete_volume = true;  ///< with the instance
  bool imds_enabled = true;
  bool imds_v1 = false;
  bool imds_tags = false;
  bool terminate_on_shutdown = false;  ///< InstanceInitiatedShutdownBehavior
  bool protect_from_termination = false;
  bool start_with_cloud = false;  ///< stopped by stop_all(): the next start of the cloud starts it
  int boots = 0;                  ///< how often the machine was started: names a boot in messages and in the store
  WallTime launched_at;
  WallTime changed_at;  ///< of the last state
  Tags tags;

  [[nodiscard]] bool live() const { return state != InstanceState::Terminated; }
};

struct Image {
  static constexpr std::string_view kTable = "image";
  std::string id;
  std::string name;
  std::string description;
  std::string state = "pending";  ///< "pending", "available", "failed"
  std::string reason_message;
  std::string snapshot_id;
  std::string source_instance_id;
  bool no_reboot = false;
  std::int64_t size_gib = 8;
  WallTime created_at;
  Tags tags;
  Tags snapshot_tags;
};

struct Volume {
  static constexpr std::string_view kTable = "volume";
  std::string id;
  std::string snapshot_id;
  std::string instance_id;  ///< root volume of it; empty: attached to none
  std::int64_t size_gib = 8;
  std::string volume_type = "gp3";
  WallTime created_at;
  Tags tags;
};

struct KeyPair {
  static constexpr std::string_view kTable = "key_pair";
  std::string id;
  std::string name;
  std::string type;  ///< "rsa" or "ed25519"
  std::string public_key;
  std::string fingerprint;
  WallTime created_at;
  Tags tags;
};

struct GroupRule {
  std::string id;               ///< sgr-…
  std::string protocol;         ///< "tcp", "udp", "icmp", "-1"
  int from_port = -1;           ///< ICMP: type; -1: every
  int to_port = -1;             ///< ICMP: code; -1: every
  std::string cidr;             ///< or
  std::string source_group_id;  ///< members of that group
  std::string description;
  bool operator==(const GroupRule& other) const {
    return protocol == other.protocol && from_port == other.from_port && to_port == other.to_port &&
           cidr == other.cidr && source_group_id == other.source_group_id;
  }
};

struct Group {
  static constexpr std::string_view kTable = "security_group";
  std::string id;
  std::string name;
  std::string description;
  std::vector<GroupRule> ingress;
  Tags tags;
};

/// A shared file system, as EFS has them. Its files are the volume of the same name.
struct FileSystem {
  static constexpr std::string_view kTable = "file_system";
  std::string id;  ///< fs-…
  std::string creation_token;
  std::string state = "creating";  ///< "creating", "available", "deleting": also the intent
  std::string performance_mode = "generalPurpose";
  std::string throughput_mode = "bursting";
  std::string zone;  ///< of a One Zone file system; empty: a regional one
  WallTime created_at;
  Tags tags;
};

/// The door of a file system into the subnet: who may mount is decided by its groups.
struct MountTarget {
  static constexpr std::string_view kTable = "mount_target";
  std::string id;  ///< fsmt-…
  std::string file_system_id;
  std::string state = "available";  ///< "available", "deleting": also the intent
  std::string ip_address;
  std::string interface_id;  ///< eni-…
  std::vector<std::string> group_ids;
  WallTime created_at;
};

/// A ClientToken that was used: outlives the instances, so that a late repetition launches nothing.
struct LaunchToken {
  static constexpr std::string_view kTable = "launch_token";
  std::string id;  ///< the token itself
  std::string request_digest;
  std::vector<std::string> instance_ids;
  WallTime used_at;
};

/// One row: what was picked at the first start.
struct Settings {
  static constexpr std::string_view kTable = "settings";
  std::string id = "settings";
  std::string account_id;  ///< 12 digits
  std::string vpc_id;
  std::string subnet_id;
  std::string access_key_id;
  std::string secret_access_key;  ///< secret
  std::string metadata_key;       ///< secret; signs IMDS tokens
};

/// "i-0123456789abcdef0": EC2's form, prefix and 17 hexadecimal digits of which the first is 0.
std::string make_ec2_id(std::string_view prefix, RandomSource& random);
/// True for `prefix`-<8 or 17 lower-case hex digits>.
bool is_ec2_id(std::string_view text, std::string_view prefix);

}  // namespace slipway::localcloud
