// Starts a program on a pseudo-terminal of its own. For the supervisor: one thread.
#pragma once
#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

struct TerminalProgram {
  pid_t pid = 0;
  runtime::Fd terminal;  ///< reads what it prints
};

struct TerminalOptions {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;     ///< in place of the caller's, but for PATH
  std::vector<std::string> cgroup_entrances;  ///< files that take its pid before it starts
};

/// The program dies with the calling thread (SIGKILL), whatever ends that. Io if it cannot be started.
Result<TerminalProgram> start_on_terminal(TerminalOptions options);

}  // namespace slipway::localcloud
