// What the long-running programs share in reading their arguments. Main thread.
#pragma once
#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace slipway::apps {

/// $SLIPWAY_DATA_DIR, or /var/lib/slipway: the programs need root anyway.
std::string default_data_dir();
/// slipway-agent beside our own executable.
std::string default_agent_executable();

/// Parses and runs: prints help (exit 0) or what is wrong with the arguments (exit 2); an error of `run` is printed
/// with its fix and gives its exit code.
int parse_and_run(CLI::App& app, const std::vector<std::string>& arguments, const std::function<Result<int>()>& run);
/// "slipway: <message>" and its fix, to standard error.
void print_error(const Error& error);

}  // namespace slipway::apps
