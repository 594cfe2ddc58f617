#include "cloud/cloud.hpp"

#include <array>

namespace slipway::cloud {
namespace {

struct StateName {
  InstanceState state;
  std::string_view name;
};

// EC2 API Reference, InstanceState.
constexpr std::array<StateName, 6> kStateNames{{{InstanceState::Pending, "pending"},
                                                {InstanceState::Running, "running"},
                                                {InstanceState::ShuttingDown, "shutting-down"},
                                                {InstanceState::Terminated, "terminated"},
                                                {InstanceState::Stopping, "stopping"},
                                                {InstanceState::Stopped, "stopped"}}};

}  // namespace

std::string_view instance_state_name(InstanceState state) {
  for (const StateName& entry : kStateNames) {
    if (entry.state == state) return entry.name;
  }
  return "unknown";
}

Result<InstanceState> instance_state_from_name(std::string_view name) {
  for (const StateName& entry : kStateNames) {
    if (entry.name == name) return entry.state;
  }
  return fail(Code::InvalidInput, "'{}' is no instance state of EC2", name);
}

}  // namespace slipway::cloud
