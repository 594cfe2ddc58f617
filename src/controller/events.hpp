// Events: what happens outside, as the core hears of it. Actions: what it wants done, each only after the commit that
// covers it. Plain values.
#pragma once
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "cloud/cloud.hpp"
#include "model/image.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::controller {

using ConnectionId = std::uint64_t;  ///< of an agent's connection; never used twice in a process

// ---- events ----

struct AgentSaid {
  ConnectionId connection = 0;
  wire::AgentMessage message;
};
struct AgentGone {
  ConnectionId connection = 0;
  std::string why;
};
struct LaunchAnswered {
  HostId host;
  Result<cloud::Instance> instance;
};
struct TerminateAnswered {
  HostId host;
  Result<void> result;
};
/// Every instance that carries our controller tag, as one listing showed it.
struct InstancesListed {
  std::vector<cloud::Instance> instances;
  SteadyTime asked_at;  ///< before the call: what changed later is not in it
};
/// How much of both streams is durable.
struct LogsDurable {
  AllocationId allocation;
  std::int64_t stdout_bytes = 0;
  std::int64_t stderr_bytes = 0;
  bool ack_stdout = true;  ///< it grew, or the agent must be told where to go on
  bool ack_stderr = true;
};
struct ArtifactsChecked {
  AllocationId allocation;
  std::vector<std::string> missing;  ///< digests
};
struct BakeProgressed {
  BakeId bake;
  int step = 0;
  int steps = 0;
  std::string step_name;
  std::string last_line;
};
struct BakeResult {
  std::string image_id;
  std::string recipe_digest;
  std::string name;
  bool reused = false;
};
struct BakeEnded {
  BakeId bake;
  Result<BakeResult> result;
};
/// How many connections a session's people hold open through the gateway: told at each change, and whenever a request
/// has come in meanwhile. Costs no commit.
struct SessionUsed {
  SessionId session;
  int connections = 0;
};
struct Tick {};

using Event = std::variant<AgentSaid, AgentGone, LaunchAnswered, TerminateAnswered, InstancesListed, LogsDurable,
                           ArtifactsChecked, BakeProgressed, BakeEnded, SessionUsed, Tick>;

// ---- actions ----

struct SendToAgent {
  ConnectionId connection = 0;
  wire::ControllerMessage message;
};
struct CloseAgent {
  ConnectionId connection = 0;
  std::string why;
};
struct LaunchInstance {
  HostId host;
  cloud::LaunchRequest request;
};
struct TerminateInstance {
  HostId host;  ///< empty for a stray: no row knows it
  std::string instance_id;
};
/// Answered with LogsDurable, after a flush.
struct ReadLogs {
  AllocationId allocation;
};
/// Answered with ArtifactsChecked.
struct CheckArtifacts {
  AllocationId allocation;
  std::vector<std::string> sha256;
};
struct RunBake {
  model::Bake bake;
};
struct CancelBake {
  BakeId bake;
};
/// For those who follow: the job, its reason or its allocation changed.
struct JobChanged {
  JobId job;
};
struct BakeChanged {
  BakeId bake;
};
/// For those who follow and for the gateway: the session's state, reason, place, links or countdown changed.
struct SessionChanged {
  SessionId session;
};
/// For those who follow: the home task's state changed.
struct HomeTaskChanged {
  HomeTaskId task;
};
/// For the gateway: the tunnel that it asked this agent for will not come.
struct TunnelFailed {
  ConnectionId connection = 0;
  std::string tunnel;
  std::string reason;
};
/// For the gateway: nothing that it asked this agent for will come any more.
struct AgentLost {
  ConnectionId connection = 0;
};

using Action =
    std::variant<SendToAgent, CloseAgent, LaunchInstance, TerminateInstance, ReadLogs, CheckArtifacts, RunBake,
                 CancelBake, JobChanged, BakeChanged, SessionChanged, HomeTaskChanged, TunnelFailed, AgentLost>;

}  // namespace slipway::controller
