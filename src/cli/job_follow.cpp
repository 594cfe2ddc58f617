#include "cli/job_follow.hpp"

#include <boost/json.hpp>

#include "cli/interrupt.hpp"
#include "wire/json.hpp"

namespace slipway::cli {
namespace {

constexpr Duration kFirstPause = std::chrono::milliseconds(200);
constexpr Duration kLongestPause = std::chrono::seconds(2);
constexpr Duration kLongestBetween = std::chrono::seconds(1);  // while a lost attempt's successor is awaited
constexpr Duration kHeld = std::chrono::seconds(15);           // longer than any attempt to connect

bool is_worth_retrying(Code code) {
  return code == Code::Unreachable || code == Code::Unavailable || code == Code::Timeout || code == Code::Throttled;
}

std::string lower_case(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '_') c = ' ';
  }
  return text;
}

}  // namespace

JobFollower::JobFollower(Session& session, ApiClient& api, FollowOptions options)
    : session_(session), api_(api), options_(std::move(options)) {}

bool JobFollower::must_end() const {
  return InterruptWatch::pending() || (options_.until && session_.now() >= *options_.until);
}

Result<FollowEnd> JobFollower::run() {
  Duration between = kFirstPause;
  while (true) {
    const SteadyTime started = session_.now();
    Result<void> outcome = read_stream();
    // A job may say nothing for hours; a connection that held was contact, too.
    if (session_.now() - started >= kHeld) failing_since_.reset();
    if (InterruptWatch::pending()) return FollowEnd::Interrupted;
    if (options_.until && session_.now() >= *options_.until) return FollowEnd::TimedOut;
    if (outcome) {
      Result<bool> ended = look_at_job();
      if (ended && *ended) return FollowEnd::JobEnded;
      outcome = ended ? Result<void>() : Result<void>(fail(std::move(ended).error()));
    }
    if (outcome) {
      // The server ended the stream though the job goes on: another attempt, or a restart.
      session_.host().sleep(between);
      between = std::min(between * 2, kLongestBetween);
      continue;
    }
    SLIPWAY_TRY(wait_after(outcome.error()));
  }
}

Result<void> JobFollower::wait_after(const Error& error) {
  if (!is_worth_retrying(error.code)) return fail(error);
  if (!failing_since_) failing_since_ = session_.now();
  const Duration silent = session_.now() - *failing_since_;
  if (silent >= options_.give_up_after) {
    return fail(Error(error)
                    .with_context(
                        fmt::format("following job {} without an answer for {}", options_.job, format_duration(silent)))
                    .with_fix(fmt::format("the job goes on by itself; later: slipway job logs -f {}", options_.job)));
  }
  if (!lost_contact_) {
    say(fmt::format("the server cannot be reached; the job goes on, trying again for {}",
                    format_duration(options_.give_up_after)));
    lost_contact_ = true;
  }
  pause_ = pause_ == Duration::zero() ? kFirstPause : std::min(pause_ * 2, kLongestPause);
  session_.host().sleep(pause_);
  return {};
}

void JobFollower::note_contact() {
  failing_since_.reset();
  pause_ = Duration::zero();
  if (lost_contact_) say("the server is back");
  lost_contact_ = false;
}

Result<void> JobFollower::read_stream() {
  wire::LogFrameReader reader;
  Result<void> outcome;
  std::string target = fmt::format("/api/v1/jobs/{}/logs?follow=1&stdout_offset={}&stderr_offset={}",
                                   path_part(options_.job), stdout_offset_, stderr_offset_);
  if (!allocation_.empty()) target += "&allocation=" + path_part(allocation_);
  StreamOptions options;
  options.cancelled = [this] { return must_end(); };
  options.on_bytes = [&](std::string_view bytes) {
    note_contact();
    auto frames = reader.feed(bytes);
    if (!frames) outcome = fail(std::move(frames).error());
    for (std::size_t i = 0; outcome && i < frames->size(); ++i) outcome = take((*frames)[i]);
    return outcome.has_value() && !must_end();
  };
  auto streamed = api_.stream("GET", target, {}, std::move(options));
  if (!outcome) return outcome;
  return streamed;
}

Result<void> JobFollower::take(const wire::LogFrame& frame) {
  if (options_.on_frame) SLIPWAY_TRY(options_.on_frame(frame));
  if (frame.kind == wire::LogFrameKind::Event) {
    take_event(frame.bytes);
    return {};
  }
  session_.progress().clear();
  const auto size = static_cast<std::int64_t>(frame.bytes.size());
  if (frame.kind == wire::LogFrameKind::Stdout) {
    if (options_.show_output) SLIPWAY_TRY(session_.terminal().write_out(frame.bytes));
    stdout_offset_ += size;
  } else {
    if (options_.show_output) SLIPWAY_TRY(session_.terminal().write_err(frame.bytes));
    stderr_offset_ += size;
    if (size > 0) line_open_ = frame.bytes.back() != '\n';
  }
  return {};
}

void JobFollower::start_attempt(const std::string& allocation) {
  if (allocation.empty() || allocation == allocation_) return;
  if (!allocation_.empty()) say("a new attempt begins: its output starts from the beginning");
  allocation_ = allocation;
  stdout_offset_ = 0;
  stderr_offset_ = 0;
}

void JobFollower::take_event(const std::string& text) {
  const auto event = wire::parse_json(text, 1 << 20);
  if (!event) return;  // of a newer server
  start_attempt(text_at(*event, "allocation"));
  std::string state = text_at(*event, "job_state");
  if (state.empty()) state = text_at(*event, "state");
  const std::string reason = text_at(*event, "reason");
  const std::string line = lower_case(state) + (reason.empty() ? "" : ": " + reason);
  if (!options_.show_events || line.empty() || line == last_event_) return;
  last_event_ = line;
  say(line);
}

void JobFollower::say(const std::string& line) {
  if (session_.options().quiet) return;
  if (line_open_ && options_.show_output) static_cast<void>(session_.terminal().write_err("\n").has_value());
  line_open_ = false;
  session_.progress().note("slipway: " + line);
}

Result<bool> JobFollower::look_at_job() {
  SLIPWAY_ASSIGN(job_, api_.get("/api/v1/jobs/" + path_part(options_.job)));
  note_contact();
  SLIPWAY_ASSIGN(const auto state, model::job_state_from_name(text_at(job_, "state")));
  const Json* attempts = job_.as_object().if_contains("allocations");
  std::string newest;
  if (attempts != nullptr && attempts->is_array() && !attempts->get_array().empty()) {
    const Json& last = attempts->get_array().back();
    if (last.is_string()) newest = std::string(last.get_string());
  }
  // Every byte of this attempt was read. If there is another one, its output is still to come.
  const bool same_attempt = newest.empty() || allocation_.empty() || newest == allocation_;
  if (!same_attempt) start_attempt(newest);
  return model::is_terminal(state) && same_attempt;
}

}  // namespace slipway::cli
