// Placement: asks the scheduler and commits its plan, one PlaceJob each, checked again against current state. Control
// thread.
#pragma once
#include "controller/state.hpp"

namespace slipway::controller {

/// For reasons: the host's name, else its instance id, else its id.
std::string label_of(const model::Host& host);
/// READY, connected and its inventory known.
bool takes_orders(const Step& step, const model::Host& host);
/// Capacity less every open allocation and less what still runs there although it is no longer wanted.
model::Resources free_on(const Step& step, const model::Host& host);
wire::StartAllocation start_order(const model::Job& job, const model::Allocation& allocation);

/// Places what fits, oldest job first, and says of the rest why it waits.
void place_queued_jobs(Step& step);

}  // namespace slipway::controller
