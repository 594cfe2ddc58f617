#include "model/session.hpp"

#include "model/state_names.hpp"

namespace slipway::model {
namespace {

constexpr std::array kSessionStates = {
    StateName{SessionState::Waiting, "WAITING"}, StateName{SessionState::Starting, "STARTING"},
    StateName{SessionState::Ready, "READY"},     StateName{SessionState::Stopping, "STOPPING"},
    StateName{SessionState::Ended, "ENDED"},
};

}  // namespace

std::string_view session_state_name(SessionState state) { return name_in(kSessionStates, state); }
Result<SessionState> session_state_from_name(std::string_view name) {
  return state_in(kSessionStates, name, "state of a session");
}
bool is_terminal(SessionState state) { return state == SessionState::Ended; }

SessionState session_state_of(JobState job, bool ready) {
  switch (job) {
    case JobState::Queued:
    case JobState::Lost:
      return SessionState::Waiting;
    case JobState::Placed:
      return SessionState::Starting;
    case JobState::Running:
      return ready ? SessionState::Ready : SessionState::Starting;
    case JobState::Stopping:
      return SessionState::Stopping;
    default:
      return SessionState::Ended;
  }
}

JobSpec carrying_job(const AppSpec& app) {
  JobSpec spec;
  spec.container_image = app.container_image;
  spec.command = app.command;
  spec.env = app.env;
  spec.resources = app.resources;
  spec.service = ServiceSpec{.ports = app.ports,
                             .probe = app.probe,
                             .slots = app.slots,
                             .home = app.home,
                             .startup = app.startup,
                             .process = app.process,
                             .app_token = {},
                             .home_mount = {}};
  return spec;
}

}  // namespace slipway::model
