// The closed model of a job's or a service's container: the body of Docker's create request. Nothing of an engine
// option comes from the person who submitted it. Pure; any thread.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "agent/services/host_devices.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

/// User and group of every job: no account of a host that we know, so nobody there can reach into a job.
inline constexpr unsigned kJobUid = 10001;
/// More than any sane job forks, less than hurts the host.
inline constexpr int kPidsLimit = 4096;
/// Shared memory of a service, which browsers need: half of its memory, and no more than the original gave.
inline constexpr std::int64_t kLargestSharedMemoryBytes = 2LL << 30;
/// XDG_RUNTIME_DIR of a service, in memory and its user's own: sockets of a desktop's parts. Size as in the original.
inline constexpr const char* kRuntimeDirectory = "/run/user/10001";
inline constexpr std::int64_t kRuntimeDirectoryBytes = 52'428'800;

inline constexpr std::string_view kAgentLabel = "slipway.agent";
inline constexpr std::string_view kAllocationLabel = "slipway.allocation";
inline constexpr std::string_view kEpochLabel = "slipway.epoch";

/// Where an allocation's things are on the host.
struct ContainerPaths {
  std::string work;       ///< becomes /slipway/work, the working directory
  std::string artifacts;  ///< becomes /slipway/artifacts
  std::string log;        ///< becomes /slipway/log
  std::string init;       ///< the slipway-init executable
  std::string startup;    ///< becomes /slipway/startup of a service, read-only
  std::string home;       ///< becomes service.home, if there is one
};

/// What this host adds to an order.
struct HostSide {
  std::vector<std::string> image_command;  ///< the container image's own, for an order without a command
  SlotGrant slots;
  std::vector<DeviceNode> devices;  ///< of the slots
  std::vector<unsigned> groups;     ///< that may use the devices
  bool home_is_shared = false;      ///< mounts made on it later shall be seen inside: its mount can pass them on
};

/// Unique for the attempt, so creating it twice is a conflict and never a second container.
std::string container_name(const wire::StartAllocation& order);
/// JSON for POST /containers/create.
std::string container_json(const wire::StartAllocation& order, const ContainerPaths& paths, const std::string& agent_id,
                           const HostSide& host = {});
/// Environment that every runtime gives: the order's own variables and ours, which win.
std::map<std::string, std::string> container_variables(const wire::StartAllocation& order, const HostSide& host);
/// "SLIPWAY_PORT_WEB_UI" for the port named web-ui.
std::string port_variable(std::string_view port_name);

}  // namespace slipway::agent
