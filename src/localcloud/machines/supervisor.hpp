// The instance supervisor: one small process for each running guest. It leaves the caller's session, makes terminal and
// cgroups, runs systemd-nspawn, keeps the console log, starts the guest again when it reboots, and leaves a durable
// exit record. The executable's main dispatches `internal-supervisor` to it before any thread is started.
#pragma once
#include <string>
#include <vector>

namespace slipway::localcloud {

/// `arguments`: --name NAME --spec FILE. Returns the exit code for main: in the process that was called 0 once the
/// guest boots (its supervisor's pid and start time printed as JSON), 1 with a message on standard error; in the
/// supervisor itself at the end.
int supervise(const std::vector<std::string>& arguments);

}  // namespace slipway::localcloud
