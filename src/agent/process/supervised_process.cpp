#include "agent/process/supervised_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <charconv>
#include <thread>

#include "agent/container_runtime.hpp"
#include "agent/services/network_namespace.hpp"
#include "base/log.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::agent {
namespace {

/// Mounts and a fork; a loaded machine may take its time.
constexpr Duration kSupervisorStart = std::chrono::seconds(30);
constexpr Duration kGroupGone = std::chrono::seconds(3);
constexpr Duration kLookPause = std::chrono::milliseconds(10);
constexpr int kKilledExitCode = 128 + SIGKILL;

struct SupervisorPid {
  pid_t pid = 0;
  unsigned long long start_time = 0;
};

std::optional<SupervisorPid> parse_supervisor_pid(const std::string& text) {
  SupervisorPid found;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, found.pid);
  if (error != std::errc{} || rest == end || found.pid <= 0) return {};
  if (std::from_chars(rest + 1, end, found.start_time).ec != std::errc{}) return {};
  return found;
}

/// The program as its own session's first process, with the pipe as its standard output. Its pid.
Result<pid_t> spawn_supervisor(const std::string& program, const std::string& directory, int output) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&files);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, 1);
  posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::string name = "slipway-process";
  std::string argument = directory;
  std::array<char*, 3> argv{name.data(), argument.data(), nullptr};
  std::array<char*, 1> environment{nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, program.c_str(), &files, &attributes, argv.data(), environment.data());
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return fail_errno(error, "start " + program);
  return pid;
}

/// Until it is complete, or the writer has gone. Timeout.
Result<std::string> read_first_words(int fd) {
  const SteadyTime until = steady_now() + kSupervisorStart;
  std::string words;
  std::array<char, 1024> bytes{};
  while (words != kSupervisorStarted) {
    SLIPWAY_TRY(wait_for_events(fd, POLLIN, until, {}));
    const ssize_t got = read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    words.append(bytes.data(), static_cast<std::size_t>(got));
  }
  return words;
}

WallTime wall_time_of(std::int64_t unix_ms) { return WallTime{} + Duration(unix_ms); }

}  // namespace

void SupervisedProcess::reap(int pidfd) {
  siginfo_t ended{};
  waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(pidfd), &ended, WEXITED | WNOHANG);
}

SupervisedProcess::SupervisedProcess(AllocationId allocation, std::string directory)
    : allocation_(std::move(allocation)), directory_(std::move(directory)), group_(read_mounts(), allocation_.text()) {}

bool SupervisedProcess::exists() const { return access(path(kPlanFile).c_str(), F_OK) == 0; }

std::optional<SupervisorStatus> SupervisedProcess::status_in(const std::string& directory) {
  const auto text = runtime::read_file(directory + "/" + kStatusFile, 4096);
  SupervisorStatus noted;
  if (!text || text->size() != sizeof noted) return {};
  std::memcpy(&noted, text->data(), sizeof noted);
  if (noted.magic != kSupervisorMagic) return {};
  return noted;
}

/// A pid names whatever has it now, so what it leads to must have started at the noted time, and in this allocation's
/// group; then it was that process all the time since the pidfd was opened.
runtime::Fd SupervisedProcess::supervisor() const {
  const auto text = runtime::read_file(path(kPidFile), 256);
  const auto noted = text ? parse_supervisor_pid(*text) : std::nullopt;
  if (!noted) return {};
  runtime::Fd pidfd(static_cast<int>(syscall(SYS_pidfd_open, noted->pid, 0)));
  if (!pidfd.valid() || !runtime::is_same_process(noted->pid, noted->start_time) || !group_.holds(noted->pid))
    return {};
  return pidfd;
}

Result<ContainerState> SupervisedProcess::look() const {
  if (!exists()) return fail(Code::NotFound, "there is no process of {}", allocation_);
  ContainerState state{.id = process_id(allocation_)};
  const bool running = supervisor().valid();
  const auto text = runtime::read_file(path(kPidFile), 256);
  const auto noted = status_in(directory_);
  const bool begun = noted && noted->started_at_ms != 0;
  if (!text || (running && !begun)) return state;  // created, or being started
  if (noted) {
    state.started_at = wall_time_of(noted->started_at_ms);
    state.restarts = noted->restarts;
  }
  if (running) {
    state.status = ContainerStatus::Running;
    state.pid = parse_supervisor_pid(*text).value_or(SupervisorPid{}).pid;
    return state;
  }
  state.status = ContainerStatus::Exited;
  state.exit_code = kKilledExitCode;  // unless the supervisor could say how it went
  if (!noted || noted->ended == 0) return state;
  state.exit_code = noted->exit_code;
  state.start_errno = noted->start_errno;
  state.out_of_memory = noted->oom_kills > 0;
  state.finished_at = wall_time_of(noted->finished_at_ms);
  return state;
}

Result<void> SupervisedProcess::start(const std::string& program) const {
  SLIPWAY_ASSIGN(const ContainerState now, look());
  if (now.status != ContainerStatus::Created) return {};
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(errno, "pipe");
  const runtime::Fd reading(ends[0]);
  runtime::Fd writing(ends[1]);
  SLIPWAY_ASSIGN(const pid_t pid, spawn_supervisor(program, directory_, writing.get()));
  writing.reset();
  const auto words = read_first_words(reading.get());
  if (words && *words == kSupervisorStarted) return {};
  // Its words mean that it gave up; no words that it is the second one, or that somebody killed it.
  kill(pid, SIGKILL);
  int exit_status = 0;
  waitpid(pid, &exit_status, 0);
  if (words && WIFEXITED(exit_status) && WEXITSTATUS(exit_status) == kSupervisorBusy) return await_other_supervisor();
  std::ignore = group_.kill_all(kKillPatience);
  if (!words) return fail(Code::Io, "the process of {} did not start: {}", allocation_, words.error().text());
  return fail(Code::Io, "the process of {} could not be started: {}", allocation_,
              words->empty() ? "its supervisor was killed" : *words);
}

/// Another one holds the lock: started before this agent was, and on its way.
Result<void> SupervisedProcess::await_other_supervisor() const {
  const SteadyTime until = steady_now() + kSupervisorStart;
  while (steady_now() < until) {
    const auto noted = status_in(directory_);
    if (noted && noted->started_at_ms != 0) return {};
    std::this_thread::sleep_for(kLookPause);
  }
  return fail(Code::Timeout, "another supervisor of {} holds its directory and does not start it", allocation_);
}

Result<void> SupervisedProcess::signal(int number) const {
  if (!exists()) return fail(Code::NotFound, "there is no process of {}", allocation_);
  const runtime::Fd pidfd = supervisor();
  if (pidfd.valid() && syscall(SYS_pidfd_send_signal, pidfd.get(), number, nullptr, 0) != 0 && errno != ESRCH) {
    return fail_errno(errno, fmt::format("signal {} to the process of {}", number, allocation_));
  }
  return number == SIGKILL ? group_.kill_all(kKillPatience) : Result<void>();
}

Result<ContainerState> SupervisedProcess::finish() const {
  SLIPWAY_TRY(group_.kill_all(kKillPatience));
  return look();
}

Result<void> SupervisedProcess::remove() const {
  const runtime::Fd pidfd = supervisor();
  if (pidfd.valid()) syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  SLIPWAY_TRY(group_.kill_all(kKillPatience));
  if (pidfd.valid()) reap(pidfd.get());
  SLIPWAY_TRY(group_.remove(kGroupGone));
  if (unlink(path(kPlanFile).c_str()) != 0 && errno != ENOENT && errno != ENOTDIR) {
    return fail_errno(errno, "remove " + path(kPlanFile));
  }
  return {};
}

}  // namespace slipway::agent
