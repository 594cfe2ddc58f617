// Home tasks: what is done to people's homes by hosts, on somebody's behalf. A task is a row (table home_task): queued
// until a READY host whose agent can do it is connected, ordered, and ended by the host's report; a host that is lost
// meanwhile is replaced by another, which is harmless. Whoever started one looks at Tables::home_tasks; the action
// HomeTaskChanged says when. Control thread.
#pragma once
#include "controller/state.hpp"
#include "model/home_task.hpp"

namespace slipway::controller {

/// An archive of a home is a blob; this is what fits into one with room for others.
inline constexpr std::int64_t kDefaultExportLimitBytes = 2LL << 30;

/// Puts files into a person's home, below `directory` (relative; empty: the home itself). The blobs must be here
/// already. A file that the person changed since it was placed, or made, is kept, unless `replace`; the task then tells
/// which. With homes that last (--homes) any host does it, whether the person has a session or not; without, it waits
/// for the newest session of the person to be on a host, and what it placed goes with that session.
/// InvalidInput for a bad directory, a bad manifest or none.
Result<HomeTaskId> place_files(Step& step, const PrincipalId& who, const PrincipalId& home, model::Manifest files,
                               const std::string& directory, bool replace);

/// Packs all of a person's home into an archive (tar, gzip) that becomes a blob of the controller; nothing is left
/// out. FAILED if it is above `limit_bytes`, saying so. A home that was never used gives an archive of nothing. Without
/// --homes it must be asked for before the session is stopped.
Result<HomeTaskId> export_home(Step& step, const PrincipalId& who, const PrincipalId& home,
                               std::int64_t limit_bytes = kDefaultExportLimitBytes);

/// Gives up a task: FAILED with the reason. Nothing happens if it has ended. NotFound if there is none.
Result<void> cancel_home_task(Step& step, const PrincipalId& who, const HomeTaskId& id, const std::string& reason);
/// The row of an ended task goes (its archive stays). NotFound if there is none; Conflict if it has not ended.
Result<void> drop_home_task(Step& step, const PrincipalId& who, const HomeTaskId& id);

// ---- what the core calls ----

/// Gives queued tasks to hosts; at the end of each turn in which something about hosts or tasks changed.
void give_out_home_tasks(Step& step);
/// What an agent says of one; answered with ForgetHomeTask once it is recorded.
void on_home_task_report(Step& step, const model::Host& host, const wire::HomeTaskReport& report);
/// The host's inventory came: what it was given and does not hold any more is given out again.
void settle_home_tasks(Step& step, const HostId& host, const std::vector<wire::HomeTaskReport>& held);
/// The host is gone or lost: its tasks are queued again.
void requeue_home_tasks(Step& step, const HostId& host, const std::string& reason);

}  // namespace slipway::controller
