// Host: a machine whose agent has registered, or an instance on its way there. Its row is written before RunInstances
// is called (the row id is the client token), so that nothing leaks when the controller dies in between. Pool: hosts of
// one image and type with a wanted size.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/record.hpp"
#include "model/resources.hpp"

namespace slipway::model {

enum class HostState {
  Pending,       ///< launch intended or under way; the agent has not joined yet
  Joined,        ///< handshake done; Docker not answering yet
  Ready,         ///< Docker answered and capacity was reported: takes work
  Draining,      ///< takes no new work
  Incompatible,  ///< cannot be talked to; `reason` says why
  Lost,          ///< silent for too long
  Terminating,   ///< an instance of ours that we have asked the cloud to end
  Terminated,    ///< gone for good (instances), or removed (joined by hand)
};
std::string_view host_state_name(HostState state);  ///< "READY", …
Result<HostState> host_state_from_name(std::string_view name);
bool is_gone(HostState state);  ///< Terminated
bool may_follow(HostState from, HostState to);

struct Host {
  HostId id;
  RecordMeta meta;
  std::string name;  ///< host name as the agent reports it; empty before
  HostState state = HostState::Pending;
  std::string reason;
  // An instance of a pool; all empty for a machine that joined by hand.
  PoolId pool;
  std::string image_id;
  std::string instance_type;
  std::string instance_id;  ///< empty until RunInstances has answered
  std::string address;
  // How it proves who it is.
  std::string join_token_sha256;  ///< hex; empty once used
  WallTime join_token_expires_at;
  std::string credential_sha256;  ///< hex; empty before it joined
  std::string agent_version;
  std::string boot_id;
  Resources capacity;
  std::vector<std::string> container_images;  ///< name:tag, sorted
  std::vector<std::string> features;          ///< of its agent, sorted: what not every version can do
  WallTime joined_at;
  WallTime lost_at;
  int launch_attempts = 0;
};

inline bool joined_by_hand(const Host& host) { return host.pool.empty(); }

struct Pool {
  PoolId id;
  RecordMeta meta;
  std::string name;      ///< unique among pools that are not deleted
  std::string image;     ///< name or id as asked
  std::string image_id;  ///< the cloud's id it stood for at creation
  std::string instance_type;
  int size = 0;
  bool deleting = false;  ///< its hosts are being terminated; the row goes when they are gone
  std::string reason;     ///< why the wanted size is not reached, for people
  /// By name of an app: how many of its newest version are kept started and unclaimed, or on their way to it.
  std::map<std::string, int> warm;
};

}  // namespace slipway::model
