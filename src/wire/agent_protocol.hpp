// The protocol between controller and agents, version 1. One WebSocket over TLS on /agent/v1/connect of the agent
// listener; text messages are JSON objects {"type": …}, log bytes are binary messages (4 bytes big-endian length of a
// JSON header, the header, the bytes). Bulk data goes over extra HTTPS requests on the same listener, with
// `Authorization: Bearer <credential>`:
//   GET /agent/v1/blobs/<sha256>        bytes of a source file
//   POST /agent/v1/blobs/missing        {"sha256": […]} → {"missing": […]}
//   PUT /agent/v1/blobs/<sha256>        bytes of an artifact
// Unknown keys are ignored, unknown message types are ignored with a log line: that is how N and N-1 talk. Pure; any
// thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "model/home_task.hpp"
#include "model/host.hpp"
#include "model/job.hpp"

namespace slipway::wire {

inline constexpr int kProtocolMin = 1;
inline constexpr int kProtocolMax = 1;
inline constexpr std::string_view kConnectPath = "/agent/v1/connect";
inline constexpr std::string_view kBlobPath = "/agent/v1/blobs/";
inline constexpr std::string_view kTunnelPath = "/agent/v1/tunnels/";
inline constexpr std::string_view kTunnelProtocol = "slipway-tunnel";
inline constexpr std::size_t kTunnelNameLength = 32;  ///< letters, digits, '-' and '_'
/// In Hello::features of an agent that runs services, lets them be claimed, and looks after homes. A host without it is
/// no fit for a session.
inline constexpr std::string_view kServicesFeature = "services";
inline constexpr std::size_t kMaxMessageBytes = 8 << 20;     ///< a start order with a full manifest is below 5 MiB
inline constexpr std::size_t kMaxLogChunkBytes = 256 << 10;  ///< so that a heartbeat never waits long behind a chunk

// ---- agent → controller ----

/// First message on a connection. Exactly one of join_token and credential is set.
struct Hello {
  std::string agent_version;
  int protocol_min = kProtocolMin;
  int protocol_max = kProtocolMax;
  std::vector<std::string> features;
  std::string join_token;   ///< secret
  std::string credential;   ///< secret
  std::string instance_id;  ///< from the metadata service; empty on a machine that is no instance
  std::string hostname;
  std::string boot_id;
};

/// Docker answered, or why not; also sent whenever one of these changes.
struct HostStatus {
  bool ready = false;
  std::string problem;  ///< when not ready: for people
  model::Resources capacity;
  std::vector<std::string> container_images;
  std::string engine_version;
};

struct Heartbeat {
  std::int64_t sequence = 0;
};

/// One allocation as the agent knows it. Sent at each change, and for every allocation that is not forgotten in
/// Inventory after each handshake. Repeated until the controller answers with Forget (terminal) — so a report is never
/// lost.
struct AllocationReport {
  AllocationId allocation;
  std::int64_t epoch = 0;
  model::AllocationState state = model::AllocationState::Preparing;
  std::string reason;
  std::optional<int> exit_code;
  WallTime started_at;
  WallTime finished_at;
  std::int64_t stdout_bytes = -1;  ///< final lengths, with a terminal state
  std::int64_t stderr_bytes = -1;
  std::optional<model::Manifest> artifacts;  ///< with a terminal state; every blob is at the controller by then
  std::string artifacts_note;
  // Of a service.
  bool ready = false;       ///< its probe was answered, and has not failed for good since
  std::string waiting_for;  ///< while it is not ready, or not claimed although ordered: what is awaited, for people
  bool claimed = false;     ///< it has the start-up data and the home of a ClaimAllocation
};

/// How busy a service is; every kActivityInterval while it runs.
struct ServiceActivity {
  AllocationId allocation;
  std::int64_t cpu_millis = 0;  ///< mean since the last one, thousandths of a core
};
inline constexpr Duration kActivityInterval = std::chrono::seconds(5);

/// The tunnel cannot be opened; the controller's waiting request fails with the reason.
struct TunnelRefused {
  std::string tunnel;
  std::string reason;
};

/// One home task as the agent knows it: at each change, and in Inventory. Repeated in each inventory until
/// ForgetHomeTask.
struct HomeTaskReport {
  HomeTaskId task;
  model::HomeTaskState state = model::HomeTaskState::Running;
  std::string reason;             ///< what is awaited, or why it failed
  std::vector<std::string> kept;  ///< files left as the person made them; at most model::kMaxKeptShown
  std::string archive_sha256;     ///< of an export; its blob is at the controller by then
  std::int64_t archive_bytes = 0;
};

/// Everything the agent holds, right after Welcome. What the controller has on this host and is not in here does not
/// run here.
struct Inventory {
  std::vector<AllocationReport> allocations;
  std::vector<HomeTaskReport> home_tasks;
};

/// The epoch is older than one accepted, or the host cannot take it: the controller decides anew.
struct OrderRefused {
  AllocationId allocation;
  std::int64_t epoch = 0;
  std::string reason;
};

// ---- controller → agent ----

struct Welcome {
  std::string controller_version;
  int protocol = 1;
  HostId host;
  std::string credential;  ///< secret; set when a join token was exchanged: replaces what the agent has
  Duration heartbeat = std::chrono::seconds(2);
};

/// The connection closes after it.
struct Refused {
  Code code = Code::Denied;  ///< Incompatible: no common version; Unauthenticated: unknown credential or token;
                             ///< Unavailable: try again later
  std::string reason;
  Duration retry_after{
      0};  ///< 0: trying again is of no use without a change by a person (the agent then tries once a minute)
};

struct StartAllocation {
  AllocationId allocation;
  std::int64_t epoch = 0;
  JobId job;
  std::string job_name;
  model::JobSpec spec;
};

struct StopAllocation {
  AllocationId allocation;
  std::int64_t epoch = 0;
  Duration grace{0};
  std::string reason;
};

/// The terminal report is durable at the controller and so are all log bytes: container, spool and directories may go.
struct ForgetAllocation {
  AllocationId allocation;
  std::int64_t epoch = 0;
};

/// A service that was started without a person gets one: home and start-up data are brought into its container.
/// Repeated until a report says `claimed`; the first one that was accepted holds.
struct ClaimAllocation {
  AllocationId allocation;
  std::int64_t epoch = 0;
  std::map<std::string, std::string> startup;
  std::optional<model::HomeMount> home;
};

/// Something to be done to a home. May be repeated; doing it twice is harmless.
struct HomeTaskOrder {
  HomeTaskId task;
  model::HomeTaskKind kind = model::HomeTaskKind::PlaceFiles;
  std::optional<model::HomeMount> home;  ///< nothing: the home directory of `allocation`
  AllocationId allocation;
  model::Manifest files;  ///< blobs, as those of a job's source
  std::string directory;
  bool replace = false;
  std::int64_t limit_bytes = 0;
};

/// Its end is durable at the controller, or it is not wanted any more: it is broken off.
struct ForgetHomeTask {
  HomeTaskId task;
};

/// Open a data connection for one port of a running service: GET kTunnelPath + tunnel on the agent listener, with
/// `Authorization: Bearer <credential>`, `Connection: Upgrade`, `Upgrade: slipway-tunnel`. After the 101 it carries the
/// bytes of one connection to that port, until either side closes.
struct OpenTunnel {
  std::string tunnel;  ///< 32 random characters; good for one connection within 10 s
  AllocationId allocation;
  int port = 0;
};

/// Bytes of the stream that are durable at the controller. Also sent for each live allocation after Inventory: there
/// the agent goes on.
struct LogAck {
  AllocationId allocation;
  model::LogStream stream = model::LogStream::Stdout;
  std::int64_t offset = 0;
};

/// Binary, agent → controller. `offset`: position of the first byte in the stream; the controller ignores what it has
/// and asks again (LogAck) at a gap.
struct LogChunk {
  AllocationId allocation;
  model::LogStream stream = model::LogStream::Stdout;
  std::int64_t offset = 0;
  std::string bytes;
};

using AgentMessage = std::variant<Hello, HostStatus, Heartbeat, AllocationReport, Inventory, OrderRefused,
                                  ServiceActivity, TunnelRefused, HomeTaskReport>;
using ControllerMessage = std::variant<Welcome, Refused, StartAllocation, StopAllocation, ForgetAllocation, LogAck,
                                       OpenTunnel, ClaimAllocation, HomeTaskOrder, ForgetHomeTask>;

std::string encode(const AgentMessage& message);
std::string encode(const ControllerMessage& message);
std::string encode(const LogChunk& chunk);
/// InvalidInput for anything malformed; nothing in the optional for a type that this version does not know.
Result<std::optional<AgentMessage>> decode_agent_message(std::string_view text);
Result<std::optional<ControllerMessage>> decode_controller_message(std::string_view text);
Result<LogChunk> decode_log_chunk(std::string_view binary);

/// What user-data carries for the agent, below the key "slipway" of a JSON document that follows a "#cloud-config" line
/// (JSON is YAML, so cloud-init accepts it).
struct JoinData {
  std::string controller;   ///< "host:port" of the agent listener
  std::string fingerprint;  ///< SHA-256 of the authority's certificate, hex
  std::string join_token;   ///< secret
};
std::string encode_user_data(const JoinData& data);
/// Finds the key in user-data; NotFound if there is none.
Result<JoinData> decode_user_data(std::string_view user_data);

}  // namespace slipway::wire
