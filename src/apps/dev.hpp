// Dev: local cloud and controller on this machine without configuration: two child processes, supervised. Main thread
// only.
#pragma once
#include <string>
#include <vector>

#include "base/result.hpp"

namespace slipway::apps {

struct DevOptions {
  std::string data_dir;  ///< everything lives below it
  std::string listen;  ///< of the people's API, "127.0.0.1:7070"; empty: that or the next free port, kept from then on
  std::string agent_executable;               ///< baked into images; empty: slipway-agent beside our own executable
  std::vector<std::string> server_arguments;  ///< passed on to `slipway server`
};

/// Runs until SIGINT, SIGTERM or SIGHUP; then stops the instances as EC2's stop does and ends both children. Returns
/// the exit code.
Result<int> run_dev(const DevOptions& options);

/// `slipway dev`: reads the options.
int dev_command(const std::vector<std::string>& arguments);

}  // namespace slipway::apps
