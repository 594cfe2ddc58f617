// Follows a job's output to its end, over restarts of the server: standard output to standard output and standard
// error to standard error, byte for byte, each byte once an attempt. Blocking.
#pragma once
#include <functional>
#include <string>

#include "cli/command.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {

struct FollowOptions {
  std::string job;          ///< id
  bool show_events = true;  ///< changes of state on standard error
  bool show_output = true;
  std::function<Result<void>(const wire::LogFrame&)> on_frame = {};  ///< told each frame, shown or not
  Duration give_up_after = std::chrono::minutes(10);                 ///< without any contact with the server
  std::optional<SteadyTime> until;                                   ///< Timeout beyond
};

/// Why following ended.
enum class FollowEnd { JobEnded, Interrupted, TimedOut };

class JobFollower {
 public:
  JobFollower(Session& session, ApiClient& api, FollowOptions options);
  /// Returns when the job has ended and all its output was shown, on Ctrl-C (an InterruptWatch must live), or at
  /// `until`. May be called again to go on. Errors that trying again does not help, or Unreachable after
  /// give_up_after.
  Result<FollowEnd> run();
  /// The job as last seen.
  [[nodiscard]] const Json& job() const { return job_; }

 private:
  Result<void> read_stream();
  Result<void> take(const wire::LogFrame& frame);
  void take_event(const std::string& text);
  void say(const std::string& line);
  void start_attempt(const std::string& allocation);
  void note_contact();
  Result<bool> look_at_job();
  [[nodiscard]] bool must_end() const;
  Result<void> wait_after(const Error& error);

  Session& session_;
  ApiClient& api_;
  FollowOptions options_;
  Json job_;
  std::string allocation_;
  std::int64_t stdout_offset_ = 0;
  std::int64_t stderr_offset_ = 0;
  bool line_open_ = false;  ///< the job's standard error did not end with a newline
  bool lost_contact_ = false;
  std::string last_event_;
  std::optional<SteadyTime> failing_since_;
  Duration pause_{0};
};

}  // namespace slipway::cli
