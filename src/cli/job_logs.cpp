// `slipway job logs`: what a job wrote, byte for byte for people and pipes, or as lines of JSON for programs.
#include <boost/json.hpp>

#include "cli/interrupt.hpp"
#include "cli/job_commands.hpp"
#include "cli/job_follow.hpp"
#include "cli/log_lines.hpp"

namespace slipway::cli {
namespace {

using TakeFrame = std::function<Result<void>(const wire::LogFrame&)>;

TakeFrame as_json_lines(Session& session) {
  return [&session, lines = LogLines()](const wire::LogFrame& frame) mutable -> Result<void> {
    const std::string line = lines.line_of(frame);
    return line.empty() ? Result<void>() : session.out(line);
  };
}

TakeFrame as_it_is(Session& session) {
  return [&session](const wire::LogFrame& frame) -> Result<void> {
    if (frame.kind == wire::LogFrameKind::Stdout) return session.terminal().write_out(frame.bytes);
    if (frame.kind == wire::LogFrameKind::Stderr) return session.terminal().write_err(frame.bytes);
    return {};
  };
}

Result<void> check_form(const Session& session) {
  if (session.format() == Format::Table || session.format() == Format::Json) return {};
  return fail(Error{.code = Code::InvalidInput,
                    .message = fmt::format("a log has no form '{}'", session.options().output),
                    .fix = "add -o json for one JSON object a line, or leave -o out for the job's own bytes",
                    .context = {}});
}

Result<int> follow_logs(Session& session, ApiClient& api, const std::string& id) {
  const InterruptWatch watch;
  SLIPWAY_ASSIGN(const Duration limit, session.timeout_or(Duration::zero()));
  FollowOptions options{.job = id, .show_events = false};
  if (session.format() == Format::Json) {
    options.show_output = false;
    options.on_frame = as_json_lines(session);
  }
  if (limit > Duration::zero()) options.until = session.now() + limit;
  SLIPWAY_ASSIGN(const FollowEnd end, JobFollower(session, api, options).run());
  if (end == FollowEnd::TimedOut) {
    return fail(Code::Timeout, "job {} did not end within {}", id, session.options().timeout);
  }
  return kDone;  // Ctrl-C is how people leave a log
}

/// One stream alone, to standard output whichever it is.
Result<int> show_stream(Session& session, ApiClient& api, const std::string& target, model::LogStream stream) {
  const bool is_stdout = stream == model::LogStream::Stdout;
  const auto kind = is_stdout ? wire::LogFrameKind::Stdout : wire::LogFrameKind::Stderr;
  LogLines lines;
  Result<void> outcome;
  StreamOptions options;
  options.on_bytes = [&](std::string_view bytes) {
    if (session.format() == Format::Json) {
      outcome = session.out(lines.line_of({.kind = kind, .bytes = std::string(bytes)}));
    } else {
      outcome = session.terminal().write_out(bytes);
    }
    return outcome.has_value();
  };
  auto streamed = api.stream("GET", target, {}, std::move(options));
  SLIPWAY_TRY(std::move(outcome));
  SLIPWAY_TRY(std::move(streamed));
  return kDone;
}

Result<int> show_both_streams(Session& session, ApiClient& api, const std::string& target) {
  const TakeFrame take = session.format() == Format::Json ? as_json_lines(session) : as_it_is(session);
  wire::LogFrameReader reader;
  Result<void> outcome;
  StreamOptions options;
  options.on_bytes = [&](std::string_view bytes) {
    auto frames = reader.feed(bytes);
    if (!frames) outcome = fail(std::move(frames).error());
    for (std::size_t i = 0; outcome && i < frames->size(); ++i) outcome = take((*frames)[i]);
    return outcome.has_value();
  };
  auto streamed = api.stream("GET", target, {}, std::move(options));
  SLIPWAY_TRY(std::move(outcome));
  SLIPWAY_TRY(std::move(streamed));
  return kDone;
}

}  // namespace

Result<int> show_job_logs(Session& session, const JobLogArguments& arguments) {
  SLIPWAY_TRY(check_form(session));
  SLIPWAY_ASSIGN(ApiClient * api, session.api());
  SLIPWAY_ASSIGN(const Json job, get_job(*api, arguments.job));
  const std::string id = text_at(job, "id");
  if (arguments.follow) return follow_logs(session, *api, id);
  const std::string attempt = arguments.allocation.empty() ? "" : "allocation=" + path_part(arguments.allocation);
  if (arguments.stream.empty()) {
    return show_both_streams(session, *api, fmt::format("{}/logs?follow=0&{}", job_target(id), attempt));
  }
  SLIPWAY_ASSIGN(const auto stream, model::log_stream_from_name(arguments.stream));
  return show_stream(session, *api, fmt::format("{}/logs/{}?{}", job_target(id), arguments.stream, attempt), stream);
}

void declare_log_flags(CLI::App& app, const std::shared_ptr<JobLogArguments>& arguments) {
  auto* follow = app.add_flag("-f,--follow", arguments->follow, "go on until it ends");
  app.add_option("--stream", arguments->stream, "only stdout or stderr, to standard output")->excludes(follow);
  app.add_option("--allocation", arguments->allocation, "of this attempt; the last one")->excludes(follow);
}

Command job_logs_command() {
  return {
      .noun = "job",
      .verb = "logs",
      .summary = "what a job wrote",
      .example =
          "slipway job logs -f digits\n\n"
          "-o json writes one object a line: {\"stream\":\"stdout\",\"text\":…}, with \"base64\" instead of \"text\" "
          "where the\n"
          "bytes are no UTF-8, and {\"event\":{…}} for a new attempt or a change of state. The pieces of a stream, one "
          "after\n"
          "the other, are its bytes.",
      .declare = [](CLI::App& app) -> Action {
        auto arguments = std::make_shared<JobLogArguments>();
        app.add_option("JOB", arguments->job, "name or id")->required();
        declare_log_flags(app, arguments);
        return [arguments](Session& session) { return show_job_logs(session, *arguments); };
      }};
}

}  // namespace slipway::cli
