#include <boost/json.hpp>

#include "cli/interrupt.hpp"
#include "cli/job_commands.hpp"
#include "cli/job_follow.hpp"

namespace slipway::cli {
namespace {

enum class Choice { Stop, Detach, GoOn };

Choice ask_what_to_do(Session& session, const std::string& what) {
  if (!session.terminal().can_ask()) return Choice::Detach;
  const auto answer =
      session.terminal().ask(fmt::format("\nStop {}, or only stop watching it? [s]top, [d]etach, [c]ontinue: ", what));
  InterruptWatch::clear();
  if (!answer) return Choice::Detach;  // Ctrl-C again, or no more input
  if (answer->starts_with('s')) return Choice::Stop;
  return answer->starts_with('c') ? Choice::GoOn : Choice::Detach;
}

int detach(Session& session, const std::string& id) {
  session.progress().note(
      fmt::format("slipway: {} goes on. Watch it: slipway job logs -f {}   Stop it: slipway job stop {}", id, id, id));
  return kNoJobResult;
}

Result<int> timed_out(Session& session, ApiClient& api, const std::string& id) {
  SLIPWAY_ASSIGN(const Json job, api.get("/api/v1/jobs/" + path_part(id)));
  const bool queued = text_at(job, "state") == "QUEUED";
  const Error error{.code = Code::Timeout,
                    .message = fmt::format("job {} {} within {}{}", id, queued ? "was not placed" : "did not end",
                                           session.options().timeout, queued ? ": " + text_at(job, "reason") : ""),
                    .fix = fmt::format("it goes on: slipway job logs -f {}, or slipway job stop {}", id, id),
                    .context = {}};
  return end_with(session, error, queued ? kNotPlaced : kTimeout);
}

/// The job's own exit code, and for people a line on how it ended.
Result<int> result_of(Session& session, const Json& job, const std::string& id) {
  const Json* code = job.as_object().if_contains("exit_code");
  const bool has_code = code != nullptr && code->is_int64();
  const std::string state = text_at(job, "state");
  const std::string reason = text_at(job, "reason");
  if (session.format() != Format::Table) {
    Json document = job;
    document.as_object()["exit_code_from"] = has_code ? "job" : "slipway";
    SLIPWAY_TRY(session.show(document, "", id + "\n"));
  }
  if (has_code && state == "SUCCEEDED") return static_cast<int>(code->get_int64());
  std::string line = fmt::format("slipway: job {} {}", id, state);
  if (has_code) line += fmt::format(" with exit code {}", code->get_int64());
  if (!reason.empty()) line += ": " + reason;
  session.progress().note(line);
  // A job that ended badly must not look well, whatever its container said.
  if (has_code) return code->get_int64() == 0 ? kFailure : static_cast<int>(code->get_int64());
  return kNoJobResult;
}

}  // namespace

int end_with(Session& session, const Error& error, int code) {
  session.report(error, code);
  return code;
}

Result<int> watch_job(Session& session, ApiClient& api, const std::string& id) {
  const InterruptWatch watch;
  SLIPWAY_ASSIGN(const Duration limit, session.timeout_or(Duration::zero()));
  FollowOptions options{.job = id, .show_output = session.format() == Format::Table};
  if (limit > Duration::zero()) options.until = session.now() + limit;
  JobFollower follower(session, api, options);
  while (true) {
    SLIPWAY_ASSIGN(const FollowEnd end, follower.run());
    if (end == FollowEnd::TimedOut) return timed_out(session, api, id);
    if (end == FollowEnd::JobEnded) return result_of(session, follower.job(), id);
    const Choice choice = ask_what_to_do(session, "the job");
    InterruptWatch::clear();
    if (choice == Choice::Detach) return detach(session, id);
    if (choice == Choice::Stop) SLIPWAY_TRY(api.post(fmt::format("/api/v1/jobs/{}/stop", path_part(id)), "{}"));
  }
}

}  // namespace slipway::cli
