#include "apps/supervised.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>

#include "apps/json_file.hpp"
#include "runtime/files.hpp"

namespace slipway::apps {
namespace {

/// A cold start makes and mounts a file system and a network; ten times what that takes on two cores.
constexpr Duration kReadyWithin = std::chrono::seconds(30);
constexpr Duration kEndsWithin = std::chrono::seconds(10);
constexpr Duration kFirstRestartDelay = std::chrono::milliseconds(200);
constexpr Duration kLongestRestartDelay = std::chrono::seconds(5);
/// A child that ran that long has recovered: the next restart is quick again.
constexpr Duration kHealthyAfter = std::chrono::seconds(30);

std::string last_line(const std::string& path) {
  auto text = runtime::read_file(path).value_or(std::string());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const std::size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  return set;
}

}  // namespace

void block_stop_signals() {
  const sigset_t set = stop_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

bool stop_signal_within(Duration patience) {
  const sigset_t set = stop_signals();
  const timespec time{.tv_sec = patience.count() / 1000, .tv_nsec = (patience.count() % 1000) * 1'000'000};
  return sigtimedwait(&set, nullptr, &time) > 0;
}

Result<void> Supervised::start() {
  SLIPWAY_ASSIGN(runtime::Child child, runtime::Child::start(plan_.argv, plan_.log_path));
  child_.emplace(std::move(child));
  started_ = SteadyClock::now();
  return {};
}

Result<void> Supervised::start_and_wait() {
  SLIPWAY_TRY(start());
  const std::string fix = "the whole log is " + plan_.log_path;
  const auto deadline = SteadyClock::now() + kReadyWithin;
  while (true) {
    const auto ready = read_json_object(plan_.ready_file);
    if (ready && integer_of(*ready, "pid") == child_->pid()) return {};
    if (const auto code = child_->poll()) {
      return std::unexpected(Error{
          .code = Code::Internal,
          .message = fmt::format("the {} ended with exit code {}: {}", plan_.name, *code, last_line(plan_.log_path)),
          .fix = fix});
    }
    if (SteadyClock::now() > deadline) {
      return std::unexpected(
          Error{.code = Code::Timeout,
                .message = fmt::format("the {} was not ready within {}", plan_.name, format_duration(kReadyWithin)),
                .fix = fix});
    }
    if (stop_signal_within(std::chrono::milliseconds(5)))
      return fail(Code::Cancelled, "stopped while the {} was starting", plan_.name);
  }
}

void Supervised::watch() {
  const auto now = SteadyClock::now();
  if (child_) {
    const auto code = child_->poll();
    if (!code) return;
    const bool was_healthy = now - started_ > kHealthyAfter;
    restart_delay_ =
        was_healthy ? kFirstRestartDelay : std::clamp(restart_delay_ * 2, kFirstRestartDelay, kLongestRestartDelay);
    restart_at_ = now + restart_delay_;
    say_(fmt::format("the {} ended with exit code {}; it is started again in {} (log: {})", plan_.name, *code,
                     format_duration(restart_delay_), plan_.log_path));
    child_.reset();
    return;
  }
  if (now < restart_at_) return;
  if (auto started = start(); !started) {
    say_(fmt::format("the {} cannot be started: {}", plan_.name, started.error().text()));
    restart_at_ = now + kLongestRestartDelay;
  }
}

void Supervised::end() {
  if (!child_) return;
  child_->signal(SIGTERM);
  if (auto ended = child_->wait(kEndsWithin); !ended) {
    say_(fmt::format("the {} did not end within {}: killed", plan_.name, format_duration(kEndsWithin)));
  }
  child_.reset();
}

}  // namespace slipway::apps
