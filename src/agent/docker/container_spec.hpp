// The closed model of a job's container: the body of Docker's create request. Nothing of an engine option comes from
// the person who submitted the job. Pure; any thread.
#pragma once
#include <string>

#include "wire/agent_protocol.hpp"

namespace slipway::agent {

/// User and group of every job: no account of a host that we know, so nobody there can reach into a job.
inline constexpr unsigned kJobUid = 10001;
/// More than any sane job forks, less than hurts the host.
inline constexpr int kPidsLimit = 4096;

inline constexpr std::string_view kAgentLabel = "slipway.agent";
inline constexpr std::string_view kAllocationLabel = "slipway.allocation";
inline constexpr std::string_view kEpochLabel = "slipway.epoch";

/// Where an allocation's things are on the host.
struct ContainerPaths {
  std::string work;       ///< becomes /slipway/work, the working directory
  std::string artifacts;  ///< becomes /slipway/artifacts
  std::string log;        ///< becomes /slipway/log
  std::string init;       ///< the slipway-init executable
};

/// Unique for the attempt, so creating it twice is a conflict and never a second container.
std::string container_name(const wire::StartAllocation& order);
/// JSON for POST /containers/create.
std::string container_json(const wire::StartAllocation& order, const ContainerPaths& paths,
                           const std::string& agent_id);

}  // namespace slipway::agent
