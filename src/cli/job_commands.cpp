#include "cli/job_commands.hpp"

#include <boost/json.hpp>

#include "base/units.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

std::string exit_code_text(const Json& job) {
  const Json* code = job.as_object().if_contains("exit_code");
  return code != nullptr && code->is_int64() ? fmt::format("{}", code->get_int64()) : "";
}

Result<int> list_jobs(Session& session) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto jobs, api->list("/api/v1/jobs"));
  std::vector<Row> rows;
  std::string names;
  const WallTime now = session.host().clock->now().wall;
  for (const Json& job : jobs) {
    if (!job.is_object()) return fail(Code::Internal, "the server's list holds something that is no job");
    rows.push_back({text_at(job, "id"), text_at(job, "name"), text_at(job, "state"), exit_code_text(job),
                    age_of(text_at(job, "created_at"), now), text_at(job, "reason")});
    names += printable(text_at(job, "id")) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(jobs)),
                           render_table({"ID", "NAME", "STATE", "EXIT", "SUBMITTED", "REASON"}, rows), names));
  return kDone;
}

Row attempt_row(const Json& attempt) {
  return {text_at(attempt, "id"),    text_at(attempt, "host"),       text_at(attempt, "state"),
          exit_code_text(attempt),   text_at(attempt, "started_at"), text_at(attempt, "finished_at"),
          text_at(attempt, "reason")};
}

std::string command_text(const Json& spec) {
  std::string out;
  const auto reader = wire::JsonReader::open(spec, "spec");
  if (!reader) return out;
  for (const std::string& word : reader->texts_or_empty("command").value_or(std::vector<std::string>{})) {
    out += (out.empty() ? "" : " ") + word;
  }
  return out;
}

std::string job_text(const Json& job) {
  const Json empty = boost::json::object();
  const Json* found = job.as_object().if_contains("spec");
  const Json& spec = found != nullptr ? *found : empty;
  const Json* resources = spec.is_object() ? spec.get_object().if_contains("resources") : nullptr;
  const Json& wanted = resources != nullptr ? *resources : empty;
  std::string out = render_fields({
      {"id", text_at(job, "id")},
      {"name", text_at(job, "name")},
      {"state", text_at(job, "state")},
      {"reason", text_at(job, "reason")},
      {"exit code", exit_code_text(job)},
      {"command", command_text(spec)},
      {"container image", text_at(spec, "container_image")},
      {"cpus", format_cpu_millis(integer_at(wanted, "cpu_millis"))},
      {"memory", format_bytes(integer_at(wanted, "memory_bytes"))},
      {"pool", text_at(spec, "pool")},
      {"submitted", text_at(job, "created_at")},
      {"finished", text_at(job, "finished_at")},
  });
  const Json* attempts = job.as_object().if_contains("allocation_records");
  if (attempts == nullptr || !attempts->is_array() || attempts->get_array().empty()) return out;
  std::vector<Row> rows;
  for (const Json& attempt : attempts->get_array()) {
    if (attempt.is_object()) rows.push_back(attempt_row(attempt));
  }
  return out + "\n" + render_table({"ATTEMPT", "HOST", "STATE", "EXIT", "STARTED", "FINISHED", "REASON"}, rows);
}

Result<int> show_job(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json job, get_job(*api, name));
  SLIPWAY_TRY(session.show(job, job_text(job), printable(text_at(job, "id")) + "\n"));
  return kDone;
}

struct StopArguments {
  std::string job;
  bool wait = false;
};

Result<int> stop_job(Session& session, const StopArguments& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(Json job, get_job(*api, arguments.job));
  const std::string id = text_at(job, "id");
  SLIPWAY_TRY(session.confirm(fmt::format("Stop job {} ({})?", text_at(job, "name"), id)));
  SLIPWAY_TRY(api->post(job_target(id) + "/stop", "{}"));
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(std::chrono::minutes(2)));
  const SteadyTime deadline = session.now() + patience;
  while (true) {
    SLIPWAY_ASSIGN(job, get_job(*api, id));
    SLIPWAY_ASSIGN(const auto state, model::job_state_from_name(text_at(job, "state")));
    if (!arguments.wait || model::is_terminal(state)) break;
    if (session.now() >= deadline) return fail(Code::Timeout, "job {} has not ended yet", id);
    session.progress().status(fmt::format("waiting for job {} to end: {}", id, text_at(job, "state")));
    session.host().sleep(std::chrono::milliseconds(200));
  }
  session.progress().clear();
  SLIPWAY_TRY(session.show(job, fmt::format("{} {}\n", printable(id), text_at(job, "state")), printable(id) + "\n"));
  return kDone;
}

Command list_command() {
  return {.noun = "job",
          .verb = "list",
          .summary = "jobs, newest first",
          .example = "slipway job list",
          .declare = [](CLI::App&) { return Action(list_jobs); }};
}

Command show_command() {
  return {.noun = "job",
          .verb = "show",
          .summary = "one job with its attempts",
          .example = "slipway job show digits",
          .declare = [](CLI::App& app) -> Action {
            auto job = std::make_shared<std::string>();
            app.add_option("JOB", *job, "name or id")->required();
            return [job](Session& session) { return show_job(session, *job); };
          }};
}

Command stop_command() {
  return {.noun = "job",
          .verb = "stop",
          .summary = "end a job before its time",
          .example = "slipway job stop digits --wait",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<StopArguments>();
            app.add_option("JOB", arguments->job, "name or id")->required();
            app.add_flag("--wait", arguments->wait, "until it has ended");
            return [arguments](Session& session) { return stop_job(session, *arguments); };
          }};
}

}  // namespace

std::string job_target(const std::string& job) { return "/api/v1/jobs/" + path_part(job); }

Result<Json> get_job(ApiClient& api, const std::string& job) {
  SLIPWAY_ASSIGN(Json found, api.get(job_target(job)));
  if (!found.is_object()) return fail(Code::Internal, "the server's answer about job {} is no object", job);
  return found;
}

std::vector<Command> job_commands() {
  return {job_submit_command(), list_command(), show_command(),
          job_logs_command(),   stop_command(), job_artifacts_command()};
}

}  // namespace slipway::cli
