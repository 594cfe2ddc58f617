// From a session's start to the answer of its app, as people see it.
#include <boost/json.hpp>

#include "cli/interrupt.hpp"
#include "cli/session_commands.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

constexpr Duration kBetweenLooks = std::chrono::milliseconds(200);

class PhaseFollower {
 public:
  PhaseFollower(Session& session, ApiClient& api, const ReadyWait& wait) : session_(session), api_(api), wait_(wait) {}

  Result<WaitOutcome> run() {
    const SteadyTime deadline = wait_.started_at + wait_.patience;
    while (true) {
      const auto streamed = read_stream(deadline);
      if (is_over()) return outcome();
      if (InterruptWatch::pending()) return WaitOutcome{WaitEnd::Interrupted, std::move(seen_)};
      if (session_.now() >= deadline) return out_of_patience();
      if (!streamed && retry_class(streamed.error().code) == RetryClass::Never &&
          streamed.error().code != Code::Cancelled)
        return fail(streamed.error());
      session_.host().sleep(kBetweenLooks);
    }
  }

 private:
  /// Until the app is ready, the session has ended, or nobody wants to wait any longer.
  Result<void> read_stream(SteadyTime deadline) {
    rest_.clear();
    StreamOptions options;
    options.cancelled = [this, deadline] {
      if (!phase_.empty()) session_.progress().status(line_of(phase_));
      return InterruptWatch::pending() || session_.now() >= deadline;
    };
    options.on_bytes = [&](std::string_view bytes) {
      take(bytes);
      return !is_over() && !options.cancelled();
    };
    return api_.stream("GET", session_target(wait_.id) + "/watch", {}, options);
  }

  void take(std::string_view bytes) {
    rest_ += bytes;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      auto json = wire::parse_json(rest_.substr(0, end));
      rest_.erase(0, end + 1);
      if (json && json->is_object()) show(std::move(*json));
    }
  }

  void show(Json json) {
    seen_ = std::move(json);
    const auto host = text_at(seen_, "host");
    if (state() == "STARTING" && !host.empty() && host != host_) {
      host_ = host;
      say("placed on " + host);
    }
    if (state() == "WAITING") host_.clear();
    const auto reason = text_at(seen_, "reason");
    if (state() == "WAITING") say("waits: " + reason);
    // "placed on …" is what it says first; the line above has said it.
    if (state() == "STARTING" && !reason.starts_with("placed on")) say("starting: " + reason);
  }

  [[nodiscard]] std::string line_of(const std::string& phase) const {
    return fmt::format("slipway: {:>6}  {}", format_duration(session_.now() - wait_.started_at), phase);
  }

  void say(const std::string& phase) {
    if (phase == phase_) return;
    phase_ = phase;
    session_.progress().note(line_of(phase));
  }

  [[nodiscard]] std::string state() const { return text_at(seen_, "state"); }
  [[nodiscard]] bool is_over() const { return state() == "READY" || state() == "ENDED" || state() == "STOPPING"; }

  WaitOutcome outcome() {
    if (state() != "READY") return {WaitEnd::Ended, std::move(seen_)};
    session_.progress().note("slipway: ready after " + format_duration(session_.now() - wait_.started_at));
    return {WaitEnd::Ready, std::move(seen_)};
  }

  WaitOutcome out_of_patience() {
    return {state() == "STARTING" ? WaitEnd::Starting : WaitEnd::Waiting, std::move(seen_)};
  }

  Session& session_;
  ApiClient& api_;
  const ReadyWait& wait_;
  Json seen_;
  std::string rest_;
  std::string host_;
  std::string phase_;
};

}  // namespace

Result<WaitOutcome> wait_until_ready(Session& session, ApiClient& api, const ReadyWait& wait) {
  const InterruptWatch watch;
  return PhaseFollower(session, api, wait).run();
}

}  // namespace slipway::cli
