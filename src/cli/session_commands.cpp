#include "cli/session_commands.hpp"

#include <boost/json.hpp>

#include "base/units.hpp"
#include "cli/job_commands.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {
namespace {

Result<int> list_sessions(Session& session, bool all) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(auto items, api->list(all ? "/api/v1/sessions?all=1" : "/api/v1/sessions"));
  std::vector<Row> rows;
  std::string names;
  const WallTime now = session.host().clock->now().wall;
  for (const Json& json : items) {
    if (!json.is_object()) return fail(Code::Internal, "the server's list holds something that is no session");
    rows.push_back({text_at(json, "id"), text_at(json, "name"), text_at(json, "app_name"), text_at(json, "state"),
                    text_at(json, "host"), age_of(text_at(json, "created_at"), now), text_at(json, "ends_at"),
                    text_at(json, "reason")});
    names += printable(text_at(json, "id")) + "\n";
  }
  SLIPWAY_TRY(session.show(items_json(std::move(items)),
                           render_table({"ID", "NAME", "APP", "STATE", "HOST", "STARTED", "ENDS", "REASON"}, rows),
                           names));
  return kDone;
}

/// What becomes of the person's files.
std::string files_text(const Json& json) {
  const Json* lasts = json.is_object() ? json.as_object().if_contains("home_lasts") : nullptr;
  if (lasts == nullptr || !lasts->is_bool()) return "";
  return lasts->get_bool() ? "last, for every session of this person" : "go with the session";
}

std::string session_text(const Json& json) {
  return render_fields({
      {"id", text_at(json, "id")},
      {"name", text_at(json, "name")},
      {"app", fmt::format("{} version {}", text_at(json, "app_name"), integer_at(json, "app_version"))},
      {"state", text_at(json, "state")},
      {"reason", text_at(json, "reason")},
      {"host", text_at(json, "host")},
      {"address", text_at(json, "origin")},
      {"asked for", text_at(json, "created_at")},
      {"placed", text_at(json, "placed_at")},
      {"started", text_at(json, "started_at")},
      {"ready", text_at(json, "ready_at")},
      {"ends", text_at(json, "ends_at")},
      {"ends if unused", text_at(json, "idle_ends_at")},
      {"files", files_text(json)},
      {"ended", text_at(json, "finished_at")},
      {"job", text_at(json, "job")},
  });
}

Result<int> show_session(Session& session, const std::string& name) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json json, get_session(*api, name));
  SLIPWAY_TRY(session.show(json, session_text(json), printable(text_at(json, "id")) + "\n"));
  return kDone;
}

struct StopSession {
  std::string session;
  bool wait = false;
};

Result<int> stop_session(Session& session, const StopSession& arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(Json json, get_session(*api, arguments.session));
  const std::string id = text_at(json, "id");
  SLIPWAY_TRY(session.confirm(fmt::format("Stop session {} ({})?", printable(text_at(json, "name")), printable(id))));
  SLIPWAY_ASSIGN(json, api->post(session_target(id) + "/stop", "{}"));
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(std::chrono::minutes(2)));
  if (arguments.wait) {
    const auto what = [&] { return fmt::format("waiting for session {} to end: {}", id, text_at(json, "state")); };
    SLIPWAY_TRY(wait_for<bool>(session, patience, what, [&]() -> Result<std::optional<bool>> {
      SLIPWAY_ASSIGN(json, get_session(*api, id));
      return text_at(json, "state") == "ENDED" ? std::optional(true) : std::optional<bool>();
    }));
    session.progress().clear();
  }
  SLIPWAY_TRY(session.show(json, fmt::format("{} {}\n", printable(id), text_at(json, "state")), printable(id) + "\n"));
  return kDone;
}

struct ExtendArguments {
  std::string session;
  std::string longer;
};

Result<int> extend_session(Session& session, const ExtendArguments& arguments) {
  wire::ExtendSessionRequest request;
  if (!arguments.longer.empty()) {
    SLIPWAY_ASSIGN(request.longer, parse_duration(arguments.longer).context("reading --for"));
  }
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json json, api->post(session_target(arguments.session) + "/extend", wire::encode(request)));
  const auto ends = text_at(json, "ends_at");
  const auto id = printable(text_at(json, "id"));
  SLIPWAY_TRY(session.show(json, fmt::format("{} {}\n", id, ends.empty() ? "has no end" : "ends " + ends), id + "\n"));
  return kDone;
}

Result<int> show_logs(Session& session, JobLogArguments arguments) {
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json json, get_session(*api, arguments.job));
  arguments.job = text_at(json, "job");
  return show_job_logs(session, arguments);
}

Command session_show_command() {
  return {.noun = "session",
          .verb = "show",
          .summary = "one session with its phases",
          .example = "slipway session show jupyter",
          .declare = [](CLI::App& app) -> Action {
            auto name = std::make_shared<std::string>();
            app.add_option("SESSION", *name, "name or id")->required();
            return [name](Session& session) { return show_session(session, *name); };
          }};
}

Command session_list_command() {
  return {.noun = "session",
          .verb = "list",
          .summary = "sessions that have not ended, newest first",
          .example = "slipway session list",
          .declare = [](CLI::App& app) -> Action {
            auto all = std::make_shared<bool>(false);
            app.add_flag("--all", *all, "with those that have ended");
            return [all](Session& session) { return list_sessions(session, *all); };
          }};
}

Command session_stop_command() {
  return {.noun = "session",
          .verb = "stop",
          .summary = "end a session",
          .example = "slipway session stop jupyter --wait",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<StopSession>();
            app.add_option("SESSION", arguments->session, "name or id")->required();
            app.add_flag("--wait", arguments->wait, "until it has ended");
            return [arguments](Session& session) { return stop_session(session, *arguments); };
          }};
}

Command session_extend_command() {
  return {.noun = "session",
          .verb = "extend",
          .summary = "count a session as used, and let it last longer",
          .example =
              "slipway session extend jupyter --for 2h\n\nWithout --for only the countdown of an unused session "
              "starts anew.",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<ExtendArguments>();
            app.add_option("SESSION", arguments->session, "name or id")->required();
            app.add_option("--for", arguments->longer, "it then ends this long from now: 30m, 2h");
            return [arguments](Session& session) { return extend_session(session, *arguments); };
          }};
}

Command session_logs_command() {
  return {.noun = "session",
          .verb = "logs",
          .summary = "what a session's app wrote",
          .example = "slipway session logs -f jupyter",
          .declare = [](CLI::App& app) -> Action {
            auto arguments = std::make_shared<JobLogArguments>();
            app.add_option("SESSION", arguments->job, "name or id")->required();
            declare_log_flags(app, arguments);
            return [arguments](Session& session) { return show_logs(session, *arguments); };
          }};
}

}  // namespace

std::string session_target(const std::string& session) { return "/api/v1/sessions/" + path_part(session); }

Result<Json> get_session(ApiClient& api, const std::string& session) {
  SLIPWAY_ASSIGN(Json found, api.get(session_target(session)));
  if (!found.is_object()) return fail(Code::Internal, "the server's answer about session {} is no object", session);
  return found;
}

std::vector<Command> session_commands() {
  return {session_start_command(), session_list_command(),  session_show_command(),
          session_open_command(),  session_stop_command(),  session_extend_command(),
          session_logs_command(),  session_links_command(), session_revoke_command()};
}

}  // namespace slipway::cli
