// Warm allocations: apps kept started and unclaimed in a pool, by jobs with a service and no session ("warm jobs"). A
// start of a session takes one over, in one turn, so that no two people ever get the same. Control thread.
#pragma once
#include <map>
#include <string>

#include "controller/state.hpp"

namespace slipway::controller {

class Core;

/// Starts what lacks, stops what is too much, of an older version, or of a pool that goes. At the end of a turn in
/// which something about them changed, and with each tick.
void reconcile_warm(Step& step);

/// What a start of a session of this app may take over, in that pool or (empty) in any: the oldest that is READY, else
/// the oldest that is on a host already; only where orders arrive. nullptr: none, so the start is a cold one.
const model::Job* find_warm(const Step& step, const model::App& app, const std::string& pool);

/// Says whose this attempt is, if it was started without a person and has one now and the host has not confirmed it.
/// Nothing otherwise.
std::optional<wire::ClaimAllocation> claim_order(const Tables& tables, const model::Allocation& allocation);

/// The attempt ended before its person was in it: another is made for that person.
bool ended_before_its_claim(const Tables& tables, const model::Allocation& allocation,
                            const wire::AllocationReport& report);

struct WarmCount {
  int wanted = 0;
  int ready = 0;
  int starting = 0;    ///< queued, placed, or not answering yet
  std::string reason;  ///< why there are fewer than wanted, for people; empty mostly
};
/// By name of the app; also those of which none is wanted any more, while some are left.
std::map<std::string, WarmCount> warm_counts(const Core& core, const model::Pool& pool);

/// Where this person's home comes from, for an app that has one; nothing if homes go with their sessions.
std::optional<model::HomeMount> home_mount_of(const CoreOptions& options, const model::AppSpec& app,
                                              const PrincipalId& person);

}  // namespace slipway::controller
