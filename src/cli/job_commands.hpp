// What the job commands share. For this room.
#pragma once
#include "cli/command.hpp"

namespace slipway::cli {

Command job_submit_command();
Command job_logs_command();
Command job_artifacts_command();

struct JobLogArguments {
  std::string job;
  bool follow = false;
  std::string stream;
  std::string allocation;
};
/// Everything of `slipway job logs` but its first argument.
void declare_log_flags(CLI::App& app, const std::shared_ptr<JobLogArguments>& arguments);
Result<int> show_job_logs(Session& session, const JobLogArguments& arguments);

/// Of the API, for a name or an id.
std::string job_target(const std::string& job);
/// An object; NotFound if there is no such job.
Result<Json> get_job(ApiClient& api, const std::string& job);

/// Follows a job to its end and gives its exit code (125 if it never had one, 3 if it was not placed within --timeout,
/// 7 if it had not ended by then). Ctrl-C asks whether to stop the job or only to stop watching.
Result<int> watch_job(Session& session, ApiClient& api, const std::string& id);

/// Prints the error and ends with `code` instead of the error's own.
int end_with(Session& session, const Error& error, int code);

}  // namespace slipway::cli
