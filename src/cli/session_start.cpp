// `slipway session start`: from an app's name to a URL.
#include <boost/json.hpp>

#include "base/digest.hpp"
#include "base/units.hpp"
#include "cli/job_commands.hpp"
#include "cli/session_commands.hpp"
#include "wire/api_requests.hpp"

namespace slipway::cli {
namespace {

/// A host that is launched for it and a large container image take minutes.
constexpr Duration kStartPatience = std::chrono::minutes(10);

struct StartArguments {
  std::string app;
  std::string name;
  std::string pool;
  std::string longest;
  std::vector<std::string> startup;
  bool no_wait = false;
};

Result<wire::StartSessionRequest> make_request(const StartArguments& arguments) {
  wire::StartSessionRequest request{.app = arguments.app, .name = arguments.name, .pool = arguments.pool};
  if (!arguments.longest.empty()) {
    SLIPWAY_ASSIGN(request.longest, parse_duration(arguments.longest).context("reading --for"));
  }
  for (const std::string& pair : arguments.startup) {
    const std::size_t equals = pair.find('=');
    if (equals == 0 || equals == std::string::npos)
      return fail(Error{.code = Code::InvalidInput,
                        .message = fmt::format("--set '{}' is no NAME=VALUE", pair),
                        .fix = fmt::format("write --set dpi=192, once for each; there is {}",
                                           fmt::join(model::startup_data_names(), ", ")),
                        .context = {}});
    request.startup[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  // As the server would read it: its own rules, before anything is sent.
  return wire::parse_start_session(wire::encode(request));
}

bool may_pass(Code code) {
  return code == Code::Unreachable || code == Code::Unavailable || code == Code::Timeout || code == Code::Throttled;
}

/// Once, however often it must be sent: the key makes it the same session.
Result<Json> post_session(Session& session, ApiClient& api, const wire::StartSessionRequest& request) {
  const std::string key = hex_encode(session.host().random->bytes(16));
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    auto started = api.post("/api/v1/sessions", wire::encode(request), key);
    if (started || !may_pass(started.error().code) || attempt == kAttempts) return started;
    session.progress().status("starting: " + started.error().message);
    session.host().sleep(std::chrono::milliseconds(200) * attempt);
  }
}

Result<int> print_url(Session& session, ApiClient& api, Json json) {
  const std::string id = text_at(json, "id");
  SLIPWAY_ASSIGN(const Json link, make_link(api, id, Duration::zero()));
  json.as_object()["link"] = text_at(link, "id");
  json.as_object()["url"] = text_at(link, "url");
  SLIPWAY_TRY(session.show(json, printable(text_at(link, "url")) + "\n", printable(id) + "\n"));
  return kDone;
}

int give_up(Session& session, const std::string& id, const WaitOutcome& outcome, Duration patience) {
  const auto reason = printable(text_at(outcome.session, "reason"));
  const auto because = reason.empty() ? "" : ": " + reason;
  const auto end = [&](Code code, std::string message, std::string fix, int exit) {
    return end_with(session, Error{.code = code, .message = std::move(message), .fix = std::move(fix), .context = {}},
                    exit);
  };
  const auto goes_on =
      fmt::format("it goes on; open it: slipway session open {0}   stop it: slipway session stop {0}", id);
  if (outcome.end == WaitEnd::Ended)
    return end(Code::Unavailable, fmt::format("session {} ended before it was ready{}", id, because),
               fmt::format("its output may say why: slipway session logs {}", id), kFailure);
  if (outcome.end == WaitEnd::Interrupted)
    return end(Code::Cancelled, fmt::format("nobody waits for session {} any more", id), goes_on, kFailure);
  const bool placed = outcome.end == WaitEnd::Starting;
  return end(Code::Timeout,
             fmt::format("session {} was not {} within {}{}", id, placed ? "ready" : "placed",
                         format_duration(patience), because),
             goes_on, placed ? kTimeout : kNotPlaced);
}

Result<int> start(Session& session, const StartArguments& arguments) {
  SLIPWAY_ASSIGN(const auto request, make_request(arguments));
  SLIPWAY_ASSIGN(const Duration patience, session.timeout_or(kStartPatience));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  const SteadyTime started_at = session.now();
  SLIPWAY_ASSIGN(Json json, post_session(session, *api, request));
  if (!json.is_object()) return fail(Code::Internal, "the server's answer about the session is no object");
  if (arguments.no_wait) return print_url(session, *api, std::move(json));
  const std::string id = text_at(json, "id");
  SLIPWAY_ASSIGN(auto outcome,
                 wait_until_ready(session, *api, {.id = id, .started_at = started_at, .patience = patience}));
  if (outcome.end != WaitEnd::Ready) return give_up(session, id, outcome, patience);
  return print_url(session, *api, std::move(outcome.session));
}

Action declare_start(CLI::App& app) {
  auto arguments = std::make_shared<StartArguments>();
  app.add_option("APP", arguments->app, "name of a registered app")->required();
  app.add_option("-n,--name", arguments->name, "what you call it; the app's name");
  app.add_option("--pool", arguments->pool, "only on hosts of this pool");
  app.add_option("--for", arguments->longest, "ends after this long: 30m, 2h");
  app.add_option("--set", arguments->startup, "start-up data, NAME=VALUE; may be repeated")->allow_extra_args(false);
  app.add_flag("--no-wait", arguments->no_wait, "print the URL at once: it shows how far the start is");
  return [arguments](Session& session) { return start(session, *arguments); };
}

}  // namespace

Command session_start_command() {
  return {
      .noun = "session",
      .verb = "start",
      .summary = "start an app for yourself and print its URL",
      .example = fmt::format("slipway session start jupyter --for 2h --set dpi=192\n\n"
                             "Start-up data: {}.\n"
                             "The URL holds a secret that lets in whoever has it. --timeout ends the waiting, not the "
                             "session.",
                             fmt::join(model::startup_data_names(), ", ")),
      .declare = declare_start};
}

}  // namespace slipway::cli
