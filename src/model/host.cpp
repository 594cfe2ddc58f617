#include "model/host.hpp"

#include "model/state_names.hpp"

namespace slipway::model {
namespace {

constexpr std::array kHostStates = {
    StateName{HostState::Pending, "PENDING"},
    StateName{HostState::Joined, "JOINED"},
    StateName{HostState::Ready, "READY"},
    StateName{HostState::Draining, "DRAINING"},
    StateName{HostState::Incompatible, "INCOMPATIBLE"},
    StateName{HostState::Lost, "LOST"},
    StateName{HostState::Terminating, "TERMINATING"},
    StateName{HostState::Terminated, "TERMINATED"},
};

}  // namespace

std::string_view host_state_name(HostState state) { return name_in(kHostStates, state); }
Result<HostState> host_state_from_name(std::string_view name) { return state_in(kHostStates, name, "state of a host"); }
bool is_gone(HostState state) { return state == HostState::Terminated; }

bool may_follow(HostState from, HostState to) {
  if (from == to || from == HostState::Terminated) return false;
  // What ends a host may happen to it at any time.
  if (to == HostState::Terminated) return true;
  if (from == HostState::Terminating) return false;
  switch (to) {
    case HostState::Pending:
      return false;
    case HostState::Joined:
      return true;  // the first handshake, or another after silence or a restart
    case HostState::Ready:
      return from == HostState::Joined || from == HostState::Draining;
    case HostState::Draining:
      return from == HostState::Joined || from == HostState::Ready;
    default:
      return true;
  }
}

}  // namespace slipway::model
