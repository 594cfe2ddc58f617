#include "localcloud/machines/guest_entry.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <array>
#include <chrono>

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

Result<EntryReport> await_report(int in, SteadyPoint until) {
  EntryReport report;
  if (!wait_readable(in, until)) return fail(Code::Timeout, "a path of the guest did not answer");
  // NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): begin() has let go of its lock
  if (read(in, &report, sizeof report) == static_cast<ssize_t>(sizeof report)) return report;
  return fail(Code::Internal, "the process inside died");
}

/// Makes sure that it ends; false if not even SIGKILL ends it now.
bool reap(pid_t pid, const runtime::Fd& process) {
  const auto soon = [] { return std::chrono::steady_clock::now() + kGone; };
  if (!wait_readable(process.get(), soon())) kill(pid, SIGKILL);
  if (!wait_readable(process.get(), soon())) return false;
  return waitpid(pid, nullptr, 0) == pid;
}

}  // namespace

Result<void> GuestEntry::begin(const std::string& instance_id, Duration deadline) {
  std::unique_lock lock(mutex_);
  const auto is_busy = [&] {
    const auto found = inside_.find(instance_id);
    return found != inside_.end() && found->second == 0;
  };
  if (!ended_.wait_for(lock, deadline, [&] { return !is_busy(); })) {
    return fail(Code::Unavailable, "another mount in {} is under way", instance_id);
  }
  const auto hanging = inside_.find(instance_id);
  if (hanging != inside_.end() && waitpid(hanging->second, nullptr, WNOHANG) != hanging->second) {
    return fail(Code::Unavailable, "an earlier mount in {} hangs on a path of the guest", instance_id);
  }
  inside_.insert_or_assign(instance_id, 0);
  return {};
}

void GuestEntry::end(const std::string& instance_id, pid_t hanging) {
  {
    const std::scoped_lock lock(mutex_);
    inside_.erase(instance_id);
    if (hanging > 0) inside_.emplace(instance_id, hanging);
  }
  ended_.notify_all();
}

Result<EntryReport> GuestEntry::run(const std::string& instance_id, const runtime::Fd& mounts, Duration deadline,
                                    const Work& work) {
  std::array<int, 2> pipe{};
  if (pipe2(pipe.data(), O_CLOEXEC) != 0) return fail_errno(errno, "make a pipe");
  const runtime::Fd in(pipe[0]);
  runtime::Fd out(pipe[1]);
  SLIPWAY_TRY(begin(instance_id, deadline));
  const auto until = std::chrono::steady_clock::now() + deadline;
  const pid_t pid = fork();
  if (pid == 0) work_inside(mounts.get(), out.get(), work);
  if (pid < 0) {
    end(instance_id, 0);
    return fail(Code::Exhausted, "no process can be made");
  }
  out.reset();
  const runtime::Fd process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  auto report = await_report(in.get(), until);
  if (!report) kill(pid, SIGKILL);
  end(instance_id, reap(pid, process) ? 0 : pid);
  if (!report) return std::move(report).context("mounting in " + instance_id);
  if (report->step == kCannotEnter) return fail_errno(report->error, "enter the mounts of guest " + instance_id);
  return report;
}

}  // namespace slipway::localcloud
