// The plan of a process: what slipway-process is told about an order. The counterpart of docker/container_spec.hpp, and
// as closed: nothing in it but the command and its variables comes from the person. Pure; any thread.
#pragma once
#include <string>
#include <vector>

#include "agent/core/slot_table.hpp"
#include "agent/docker/container_spec.hpp"
#include "agent/process/process_group.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

/// An empty directory of the host, the same for all: each process sees its own things there.
inline constexpr const char* kProcessRoot = "/slipway";
/// Starts after the first, each after twice the pause of the one before; a run of a minute makes them forgotten. As
/// systemd's defaults, but slower at first: a server takes some time to fail.
inline constexpr int kMostRestarts = 5;
inline constexpr Duration kFirstRestartPause = std::chrono::milliseconds(500);
inline constexpr Duration kSteadyRun = std::chrono::minutes(1);

struct RestartRule {
  int most = kMostRestarts;
  Duration first_pause = kFirstRestartPause;
  Duration steady_run = kSteadyRun;
};

/// Where a process's things are on the host.
struct ProcessPaths {
  std::string directory;  ///< of supervisor_status.hpp
  std::string work, artifacts, log, startup, home;
  std::string temporary;         ///< becomes /tmp
  std::string temporary_stable;  ///< becomes /var/tmp
  std::string accounts;          ///< directory of the files passwd and group that it sees; empty: the host's
};

/// Words of the plan. `group`: made already.
std::vector<std::string> process_plan(const wire::StartAllocation& order, const ProcessPaths& paths,
                                      const HostSide& host, const ProcessGroup& group, const RestartRule& restarts);
/// NAME=value of everything that the app gets.
std::vector<std::string> process_environment(const wire::StartAllocation& order, const HostSide& host);
/// "PORT_WEB_UI" for the port named web-ui.
std::string bare_port_variable(std::string_view port_name);
/// `passwd` with a line for the process's user; the same for a text of /etc/group with `is_group`.
std::string accounts_with(std::string text, unsigned uid, const std::string& home, bool is_group);
/// Users in a text of /etc/passwd.
std::vector<unsigned> account_numbers(std::string_view passwd);
/// What stands in a file of words.
std::string words_file(const std::vector<std::string>& words);

}  // namespace slipway::agent
