#include "localcloud/machines/guest_entry.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <chrono>

#include "base/units.hpp"

namespace slipway::localcloud {
namespace {

using SteadyPoint = std::chrono::steady_clock::time_point;

/// A killed process is gone in microseconds, unless a guest's file system holds it.
constexpr std::chrono::milliseconds kGone{200};
constexpr int kCannotEnter = -1;

int left_ms(SteadyPoint until) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

bool wait_readable(int fd, SteadyPoint until) {
  pollfd polled{.fd = fd, .events = POLLIN, .revents = 0};
  int ready = 0;
  do {
    ready = poll(&polled, 1, left_ms(until));
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

/// In the new process, to its end.
[[noreturn]] void work_inside(int mounts, int out, const GuestEntry::Work& work) {
  EntryReport report{.step = kCannotEnter, .error = 0};
  if (setns(mounts, CLONE_NEWNS) != 0) {
    report.error = errno;
  } else {
    report = work();
  }
  [[maybe_unused]] const ssize_t told = write(out, &report, sizeof report);
  _exit(0);
}

/// Nothing if it ended without a word, or has not ended in time.
std::optional<EntryReport> await_report(int in, SteadyPoint until) {
  EntryReport report;
  if (!wait_readable(in, until)) return std::nullopt;
  return read(in, &report, sizeof report) == static_cast<ssize_t>(sizeof report) ? std::optional(report) : std::nullopt;
}

/// Makes sure that it ends; false if not even SIGKILL ends it now.
bool reap(pid_t pid, const runtime::Fd& process) {
  const auto soon = [] { return std::chrono::steady_clock::now() + kGone; };
  if (!wait_readable(process.get(), soon())) kill(pid, SIGKILL);
  if (!wait_readable(process.get(), soon())) return false;
  return waitpid(pid, nullptr, 0) == pid;
}

}  // namespace

Result<void> GuestEntry::begin(const std::string& instance_id) {
  const std::scoped_lock lock(mutex_);
  const auto found = inside_.find(instance_id);
  if (found == inside_.end()) {
    inside_.emplace(instance_id, 0);
    return {};
  }
  if (found->second > 0 && waitpid(found->second, nullptr, WNOHANG) == found->second) {
    found->second = 0;
    return {};
  }
  return fail(Code::Unavailable, "another mount in {} is under way", instance_id);
}

void GuestEntry::end(const std::string& instance_id, pid_t hanging) {
  const std::scoped_lock lock(mutex_);
  inside_.erase(instance_id);
  if (hanging > 0) inside_.emplace(instance_id, hanging);
}

Result<EntryReport> GuestEntry::run(const std::string& instance_id, const runtime::Fd& mounts, Duration deadline,
                                    const Work& work) {
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC) != 0) return fail_errno(errno, "make a pipe");
  const runtime::Fd in(pipe[0]);
  runtime::Fd out(pipe[1]);
  SLIPWAY_TRY(begin(instance_id));
  const auto until = std::chrono::steady_clock::now() + deadline;
  const pid_t pid = fork();
  if (pid == 0) work_inside(mounts.get(), out.get(), work);
  if (pid < 0) {
    end(instance_id, 0);
    return fail(Code::Exhausted, "no process can be made");
  }
  out.reset();
  const runtime::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  const auto report = await_report(in.get(), until);
  if (!report) kill(pid, SIGKILL);
  end(instance_id, reap(pid, process) ? 0 : pid);
  if (!report) {
    return fail(Code::Timeout, "a path of guest {} did not answer within {}", instance_id, format_duration(deadline));
  }
  if (report->step == kCannotEnter) return fail_errno(report->error, "enter the mounts of guest " + instance_id);
  return *report;
}

}  // namespace slipway::localcloud
