// The programs that `slipway` also is. Each reads its own arguments and returns the process's exit code. Main thread.
#pragma once
#include <string>
#include <vector>

namespace slipway::apps {

/// `slipway dev`: local cloud and controller on this machine, supervised.
int dev_command(const std::vector<std::string>& arguments);
/// `slipway server`: the controller.
int server_command(const std::vector<std::string>& arguments);
/// `slipway cloud serve`: the local cloud.
int cloud_command(const std::vector<std::string>& arguments);

}  // namespace slipway::apps
