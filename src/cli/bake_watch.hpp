// Follows a bake: which step, for how long, its last line of output. Blocking.
#pragma once
#include "cli/command.hpp"

namespace slipway::cli {

/// Returns when the bake has ended, with 0 for an image; an error names the step and quotes the end of its output.
/// Ctrl-C asks whether to stop the bake or only to stop watching; without a person it only stops watching.
Result<int> watch_bake(Session& session, ApiClient& api, const std::string& id);

/// "step 2/4 run: apt-get install (1m05s): Setting up docker.io"
std::string bake_status(const Json& bake, WallTime now);

}  // namespace slipway::cli
