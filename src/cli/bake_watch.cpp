#include "cli/bake_watch.hpp"

#include <boost/json.hpp>

#include "cli/interrupt.hpp"
#include "model/image.hpp"

namespace slipway::cli {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(250);
constexpr Duration kPatience = std::chrono::minutes(10);  // without any answer of the server
constexpr std::size_t kQuotedLines = 20;
constexpr std::size_t kQuotedBytes = 16 << 10;

std::string bake_target(const std::string& id) { return "/api/v1/bakes/" + path_part(id); }

/// Where a person finds the whole log.
std::string log_place(Session& session, const std::string& id) {
  const auto connection = session.connection();
  if (connection && !connection->data_dir.value.empty()) {
    return fmt::format("{}/server/bakes/{}/log", connection->data_dir.value, id);
  }
  return fmt::format("slipway image log {}", id);
}

/// The end of the log, for the message about a failed step.
std::string end_of_log(ApiClient& api, const std::string& id) {
  std::string tail;
  StreamOptions options;
  options.on_bytes = [&](std::string_view bytes) {
    tail += bytes;
    if (tail.size() > 2 * kQuotedBytes) tail.erase(0, tail.size() - kQuotedBytes);
    return true;
  };
  if (!api.stream("GET", bake_target(id) + "/log?follow=0", {}, std::move(options))) return {};
  while (tail.ends_with('\n')) tail.pop_back();
  std::size_t at = tail.size();
  for (std::size_t lines = 0; lines < kQuotedLines && at > 0 && at != std::string::npos; ++lines)
    at = tail.rfind('\n', at - 1);
  if (at != std::string::npos && at > 0) tail.erase(0, at + 1);
  std::string out;
  for (std::size_t start = 0; start <= tail.size() && !tail.empty();) {
    const std::size_t newline = std::min(tail.find('\n', start), tail.size());
    out += "\n  | " + tail.substr(start, newline - start);
    start = newline + 1;
  }
  return out;
}

/// Steps as they pass, each with the time that it took.
class StepNotes {
 public:
  StepNotes(Session& session) : session_(session) {}
  void see(const Json& bake) {
    const std::int64_t step = integer_at(bake, "step");
    if (step == step_) return;
    finish();
    step_ = step;
    name_ = fmt::format("step {}/{} {}", step, integer_at(bake, "steps"), text_at(bake, "step_name"));
    began_ = session_.now();
  }
  void finish() {
    if (step_ > 0)
      session_.progress().note(fmt::format("slipway: {} took {}", name_, format_duration(session_.now() - began_)));
    step_ = 0;
  }

 private:
  Session& session_;
  std::int64_t step_ = 0;
  std::string name_;
  SteadyTime began_;
};

enum class BakeChoice { Stop, Leave, GoOn };

BakeChoice ask_what_to_do(Session& session) {
  if (!session.terminal().can_ask()) return BakeChoice::Leave;
  const auto answer =
      session.terminal().ask("\nStop the bake, or only stop watching it? [s]top, [d]etach, [c]ontinue: ");
  InterruptWatch::clear();
  if (!answer) return BakeChoice::Leave;
  if (answer->starts_with('s')) return BakeChoice::Stop;
  return answer->starts_with('c') ? BakeChoice::GoOn : BakeChoice::Leave;
}

Result<int> succeeded(Session& session, const Json& bake) {
  const Json* reused = bake.as_object().if_contains("reused");
  const bool unchanged = reused != nullptr && reused->is_bool() && reused->get_bool();
  const std::string name = printable(text_at(bake, "name"));
  SLIPWAY_TRY(session.show(
      bake, fmt::format("{} {}{}\n", name, printable(text_at(bake, "image_id")), unchanged ? " (unchanged)" : ""),
      name + "\n"));
  return kDone;
}

Error failed(Session& session, ApiClient& api, const Json& bake) {
  const std::string id = text_at(bake, "id");
  const bool stopped = text_at(bake, "state") == "STOPPED";
  std::string message =
      fmt::format("bake {} of image {} {}", id, text_at(bake, "name"), stopped ? "was stopped" : "failed");
  if (integer_at(bake, "step") > 0) {
    message += fmt::format(" in step {}/{} {}", integer_at(bake, "step"), integer_at(bake, "steps"),
                           text_at(bake, "step_name"));
  }
  const std::string reason = text_at(bake, "reason");
  if (!reason.empty()) message += ": " + reason;
  if (!stopped) message += end_of_log(api, id);
  return Error{.code = stopped ? Code::Cancelled : Code::Exhausted,
               .message = std::move(message),
               .fix = fmt::format("correct the step and bake again; the whole log: {}", log_place(session, id)),
               .context = {}};
}

/// Nothing if watching goes on.
Result<std::optional<int>> interrupted(Session& session, ApiClient& api, const std::string& id) {
  const BakeChoice choice = ask_what_to_do(session);
  InterruptWatch::clear();
  if (choice == BakeChoice::GoOn) return std::optional<int>();
  if (choice == BakeChoice::Stop) {
    SLIPWAY_TRY(api.post(bake_target(id) + "/stop", "{}"));
    return std::optional<int>();  // its end is worth seeing
  }
  session.progress().note(fmt::format(
      "slipway: bake {} goes on. Its log: slipway image log -f {}   Stop it: slipway image stop {}", id, id, id));
  return std::optional(kFailure);
}

}  // namespace

std::string bake_status(const Json& bake, WallTime now) {
  if (text_at(bake, "state") == "QUEUED") return "the bake waits: " + text_at(bake, "reason");
  std::string out =
      fmt::format("step {}/{} {}", integer_at(bake, "step"), integer_at(bake, "steps"), text_at(bake, "step_name"));
  const auto started = parse_time(text_at(bake, "step_started_at"));
  if (started && *started != WallTime{})
    out += fmt::format(" ({})", format_duration(std::max(Duration::zero(), now - *started)));
  const std::string line = text_at(bake, "last_line");
  return line.empty() ? out : out + ": " + line;
}

Result<int> watch_bake(Session& session, ApiClient& api, const std::string& id) {
  const InterruptWatch watch;
  StepNotes notes(session);
  session.progress().note(fmt::format("slipway: bake {}; its whole log: {}", id, log_place(session, id)));
  SLIPWAY_ASSIGN(const Duration limit, session.timeout_or(Duration::zero()));
  const SteadyTime started = session.now();
  SteadyTime last_answer = started;
  while (true) {
    const auto bake = api.get(bake_target(id));
    if (!bake && (retry_class(bake.error().code) == RetryClass::Never || session.now() - last_answer > kPatience)) {
      return fail(bake.error());
    }
    if (!bake) session.progress().status("waiting for the server: " + bake.error().message);
    if (bake) {
      last_answer = session.now();
      if (!bake->is_object()) return fail(Code::Internal, "the server's answer about bake {} is no object", id);
      SLIPWAY_ASSIGN(const auto state, model::bake_state_from_name(text_at(*bake, "state")));
      notes.see(*bake);
      if (model::is_terminal(state)) {
        notes.finish();
        if (state == model::BakeState::Succeeded) return succeeded(session, *bake);
        return fail(failed(session, api, *bake));
      }
      session.progress().status(bake_status(*bake, session.host().clock->now().wall));
    }
    if (limit > Duration::zero() && session.now() - started >= limit) {
      return fail(Code::Timeout, "bake {} has not ended within {}", id, session.options().timeout);
    }
    if (InterruptWatch::pending()) {
      SLIPWAY_ASSIGN(const auto end, interrupted(session, api, id));
      if (end) return *end;
    }
    session.host().sleep(kLook);
  }
}

}  // namespace slipway::cli
