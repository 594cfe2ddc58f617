// Pools: keeps every pool at its wanted size. Fencing: finds out what became of hosts (silence, listings of the cloud)
// and makes sure that nothing of a lost one runs before its work starts elsewhere. Control thread.
#pragma once
#include "controller/state.hpp"

namespace slipway::controller {

// pools.cpp
/// Launches what lacks, ends what is too much or belongs to a pool that goes, says why a pool is not complete.
void reconcile_pools(Step& step);
/// Repeats launches whose answer is not recorded, always with the same client token.
void launch_intended(Step& step);
void on_launch_answered(Step& step, const LaunchAnswered& answer);

// fencing.cpp
/// At start: silence, join time and absence count from now.
void watch_loaded_hosts(Step& step);
void check_silence(Step& step);
void repeat_terminations(Step& step);
void on_terminate_answered(Step& step, const TerminateAnswered& answer);
void on_instances_listed(Step& step, const InstancesListed& listed);
/// Something at the cloud is about to change: listings are worth asking for often.
bool in_transition(const Tables& tables);

}  // namespace slipway::controller
