// The commands of `slipway`: parses arguments, runs one command, says what went wrong and how to go on, and gives the
// exit code. Programs that apps brings along (server, dev, …) stand in the same help. Main thread.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "cli/config.hpp"
#include "cli/terminal.hpp"

namespace slipway::cli {

/// A command that another room runs.
struct ExtraCommand {
  std::string name;         ///< "server", "cloud serve"
  std::string description;  ///< for the help; empty: not shown
  std::function<int(const std::vector<std::string>& arguments)> run;
};

/// What of a local cloud belongs to no live instance.
struct LeftoverItem {
  std::string kind;
  std::string name;
  std::string detail;
};

/// What the commands need from outside; apps fills it in, tests put in their own.
struct CliHost {
  std::string version;
  std::vector<ExtraCommand> extra_commands;
  /// `cloud leftovers` while the cloud does not run: by looking at the machine.
  std::function<Result<std::vector<LeftoverItem>>(const std::string& data_dir)> look_for_leftovers;
  Environment environment;
  std::string config_path;
  Terminal* terminal = nullptr;
  const Clock* clock = nullptr;
  RandomSource* random = nullptr;
  /// Waits between two looks at the server.
  std::function<void(Duration)> sleep;
};

/// A host with the process's own terminal, clock, random source and environment. The references live for ever.
CliHost system_host(std::string version);

/// `arguments` without the program's name. Returns the exit code (exit_codes.hpp).
int run_cli(std::vector<std::string> arguments, const CliHost& host);

}  // namespace slipway::cli
