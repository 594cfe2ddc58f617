// Bakes: one runs at a time; the others wait in order. Control thread.
#pragma once
#include "controller/state.hpp"

namespace slipway::controller {

/// Starts the oldest queued bake if none runs.
void start_next_bake(Step& step);
/// At start: a bake that was running has lost its executor with the process before.
void fail_interrupted_bakes(Step& step);

}  // namespace slipway::controller
