// Runs other programs: argv only, never a shell. Blocking calls; use them on a blocking thread or in a command.
#pragma once
#include <sys/types.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace slipway::runtime {

struct RunOptions {
  std::string stdin_text;                  ///< written to the program's standard input, which is then closed
  std::string stdin_file;                  ///< path of a file that is the standard input; instead of stdin_text
  std::map<std::string, std::string> env;  ///< added to the caller's environment
  std::string working_directory;           ///< empty: the caller's
  Duration timeout = std::chrono::seconds(60);
  /// Called with each piece of output (standard output and error together) as it arrives; may be empty.
  std::function<void(std::string_view)> on_output;
  /// Asked about every 100 ms; true ends the program as a timeout would, with Code::Cancelled.
  std::function<bool()> cancelled;
  std::size_t output_limit_bytes = 16 << 20;  ///< more is read and dropped, so a program cannot fill our memory
};

struct RunResult {
  int exit_code = 0;  ///< 128 + signal where a signal ended it
  std::string standard_output;
  std::string standard_error;
};

/// Runs the program to its end. An exit code other than 0 is a result, not an error. NotFound if there is no such
/// program; Timeout or Cancelled after the program's whole process group was killed.
Result<RunResult> run(std::vector<std::string> argv, RunOptions options = {});
/// As run(), but an exit code other than 0 is an error that names the program and quotes the end of its output.
Result<std::string> run_checked(std::vector<std::string> argv, RunOptions options = {});
/// Starts a program in a session of its own, with standard input from /dev/null and output appended to `log_path`;
/// returns its pid. It outlives the caller, who must reap it while alive.
Result<pid_t> spawn_detached(std::vector<std::string> argv, const std::string& log_path,
                             const std::map<std::string, std::string>& env = {});
/// Field 22 of /proc/<pid>/stat: with it a pid names one process for ever. Nothing if there is no such process.
std::optional<unsigned long long> process_start_time(pid_t pid);
/// True if the process exists, is no zombie, and started at that time.
bool is_same_process(pid_t pid, unsigned long long start_time);

}  // namespace slipway::runtime
