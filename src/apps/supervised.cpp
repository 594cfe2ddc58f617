#include "apps/supervised.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "apps/json_file.hpp"
#include "runtime/files.hpp"

namespace slipway::apps {
namespace {

/// A cold start makes and mounts a file system and a network; ten times what that takes on two cores.
constexpr Duration kReadyWithin = std::chrono::seconds(30);
/// The cloud unmounts its volumes meanwhile, which waits for the disk.
constexpr Duration kEndsWithin = std::chrono::seconds(60);
constexpr Duration kSayAfter = std::chrono::seconds(3);
constexpr Duration kFirstRestartDelay = std::chrono::milliseconds(200);
constexpr Duration kLongestRestartDelay = std::chrono::seconds(5);
/// A child that ran that long has recovered: the next restart is quick again.
constexpr Duration kHealthyAfter = std::chrono::seconds(30);

/// The error with which a program of ours ended, all of its lines: what failed and what to do. Else the last line.
std::string last_words(const std::string& path) {
  auto text = runtime::read_file(path).value_or(std::string());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  constexpr std::string_view kPrefix = "slipway: ";
  const std::size_t error = ("\n" + text).rfind("\n" + std::string(kPrefix));
  if (error != std::string::npos) return text.substr(error + kPrefix.size());
  const std::size_t line = text.rfind('\n');
  return line == std::string::npos ? text : text.substr(line + 1);
}

Code code_of_exit(int code) {
  for (const Code one :
       {Code::InvalidInput, Code::NotFound, Code::Denied, Code::Conflict, Code::Timeout, Code::Unreachable}) {
    if (exit_code(one) == code) return one;
  }
  return Code::Internal;
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
          .code = code_of_exit(*code),
          .message = fmt::format("the {} ended with exit code {}: {}", plan_.name, *code, last_words(plan_.log_path)),
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

bool Supervised::end() {
  if (!child_) return true;
  child_->signal(SIGTERM);
  const auto deadline = SteadyClock::now() + kEndsWithin;
  const auto say_at = SteadyClock::now() + kSayAfter;
  bool said = false;
  auto code = child_->poll();
  while (!code && SteadyClock::now() < deadline) {
    if (!said && SteadyClock::now() > say_at) {
      say_(fmt::format("waiting for the {} to end …", plan_.name));
      said = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    code = child_->poll();
  }
  if (!code) say_(fmt::format("the {} did not end within {}: killed", plan_.name, format_duration(kEndsWithin)));
  if (code && *code != 0)
    say_(fmt::format("the {} ended with exit code {}: {}", plan_.name, *code, last_words(plan_.log_path)));
  child_.reset();
  return code == 0;
}

}  // namespace slipway::apps
