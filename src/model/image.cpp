#include "model/image.hpp"

#include "model/state_names.hpp"

namespace slipway::model {
namespace {

constexpr std::array kBakeStates = {
    StateName{BakeState::Queued, "QUEUED"},       StateName{BakeState::Running, "RUNNING"},
    StateName{BakeState::Succeeded, "SUCCEEDED"}, StateName{BakeState::Failed, "FAILED"},
    StateName{BakeState::Stopped, "STOPPED"},
};

}  // namespace

std::string_view bake_state_name(BakeState state) { return name_in(kBakeStates, state); }
Result<BakeState> bake_state_from_name(std::string_view name) { return state_in(kBakeStates, name, "state of a bake"); }
bool is_terminal(BakeState state) { return state != BakeState::Queued && state != BakeState::Running; }

}  // namespace slipway::model
