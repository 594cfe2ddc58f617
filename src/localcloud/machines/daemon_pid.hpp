// The process that a pid file names. Blocking; any thread.
#pragma once
#include <sys/types.h>

#include <string>

namespace slipway::localcloud {

/// The daemon that was started with this pid file in its arguments, also by an earlier process of ours; 0 if it does
/// not run. The number in the file may belong to somebody else by now, so the arguments decide.
pid_t daemon_pid(const std::string& pid_file);

}  // namespace slipway::localcloud
