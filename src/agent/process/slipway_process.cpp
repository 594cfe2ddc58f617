// slipway-process: keeps the app of one allocation running on the host itself, as process 1 of a container would. It
// puts itself into the allocation's control groups and mounts, starts the command under the allocation's user, copies
// its output into the log files, starts it again when it fails (waiting longer each time, and not for ever), and kills
// whatever is left at the end. It needs no agent for any of it, so an agent may come and go.
//
//   slipway-process <directory>      with the files of supervisor_status.hpp
//
// SIGTERM: to the command; no further start. SIGUSR1: kill everything, copy what is left, end. Root's; one thread.
// A program of its own, static and without the C++ runtime.
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

#include "agent/init/output_copy.hpp"
#include "agent/process/supervisor_sandbox.hpp"

namespace {

using namespace slipway::agent;  // NOLINT(*-build-using-namespace): a program of its own

constexpr long long kLongestPauseMs = 30'000;
constexpr int kKillRounds = 1000;  ///< of 10 ms each
constexpr int kDrainPatienceMs = 5000;

Settings settings;
SupervisorStatus noted;
int noted_file = -1;
int signals = -1;
bool stopping = false;

long long clock_ms(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return now.tv_sec * 1000LL + now.tv_nsec / 1'000'000;
}

void save_noted() {
  if (pwrite(noted_file, &noted, sizeof noted, 0) < 0) return;  // the agent then sees that nobody ended it in order
}

int open_log_file(const char* name) {
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", settings.log, name);
  const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) give_up("open %s: %s", path, strerror(errno));
  return fd;
}

void lock_directory(int directory) {
  const int lock = openat(directory, kLockFile, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock < 0) give_up("open %s: %s", kLockFile, strerror(errno));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) _exit(kSupervisorBusy);
}

/// Field 22 of /proc/self/stat: with it a pid names one process for ever.
unsigned long long own_start_time() {
  char text[1024];
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  const ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (got <= 0) give_up("read /proc/self/stat: %s", strerror(errno));
  close(fd);
  text[got] = 0;
  char* at = strrchr(text, ')');
  for (int field = 2; at != nullptr && field < 22; ++field) at = strchr(at + 1, ' ');
  return at == nullptr ? 0 : strtoull(at + 1, nullptr, 10);
}

void note_pid(int directory) {
  char text[64];
  const int size = snprintf(text, sizeof text, "%d %llu\n", getpid(), own_start_time());
  const int fd = openat(directory, "pid.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0 || write(fd, text, static_cast<size_t>(size)) != size ||
      renameat(directory, "pid.new", directory, kPidFile) != 0)
    give_up("write %s: %s", kPidFile, strerror(errno));
  close(fd);
}

// ---- one run of the command ----

[[noreturn]] void become_app(const int (&output)[2], int report, const sigset_t& unblocked, pid_t supervisor) {
  setsid();
  signal(SIGPIPE, SIG_DFL);
  write_text("/proc/self/oom_score_adj", "500");  // when memory runs out, the app goes, never its supervisor
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null < 0 || dup2(null, 0) < 0) _exit(125);
  for (int i = 0; i < 2; ++i) {
    if (dup2(output[i], i + 1) < 0) _exit(125);
  }
  int error = 0;
  if (drop_rights(settings, supervisor)) {
    sigprocmask(SIG_SETMASK, &unblocked, nullptr);
    execvp(settings.command[0], settings.command);
  }
  error = errno;
  if (write(report, &error, sizeof error) < 0) _exit(125);
  _exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/// Its pid; notes why it could not be executed.
pid_t start_app(const sigset_t& unblocked) {
  int output[2];
  for (int i = 0; i < 2; ++i) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    streams[i].pipe = ends[0];
    output[i] = ends[1];
  }
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return -1;
  const pid_t supervisor = getpid();
  const pid_t child = fork();
  if (child == 0) become_app(output, report[1], unblocked, supervisor);
  close(output[0]);
  close(output[1]);
  close(report[1]);
  int error = 0;
  if (child > 0 && read(report[0], &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
    status.start_errno = noted.start_errno = error;
    save_status();
  }
  close(report[0]);
  return child;
}

bool reap_app(pid_t child, int& exit_code) {
  bool ended = false;
  int wait_status = 0;
  pid_t pid = 0;
  while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
    if (pid != child) continue;
    ended = true;
    exit_code = WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
  }
  return ended;
}

/// Sends SIGKILL to every process of the control group but this one; how many there were.
int kill_once() {
  FILE* file = fopen(settings.members, "re");
  if (file == nullptr) return 0;
  int killed = 0;
  int pid = 0;
  while (fscanf(file, "%d", &pid) == 1) {
    if (pid <= 0 || pid == getpid()) continue;
    kill(pid, SIGKILL);
    ++killed;
  }
  fclose(file);
  return killed;
}

/// Ends everything that the app left. No process can be made meanwhile, so even one that forks without end is over
/// soon.
void kill_the_rest() {
  char limit[64] = "max";
  const int fd = settings.forks == nullptr ? -1 : open(settings.forks, O_RDWR | O_CLOEXEC);
  if (fd >= 0) {
    const ssize_t got = read(fd, limit, sizeof limit - 1);
    limit[got > 0 ? got : 0] = 0;
    if (pwrite(fd, "0", 1, 0) < 0) errno = 0;
  }
  int ignored = 0;
  for (int round = 0; round < kKillRounds && kill_once() > 0; ++round) {
    const timespec pause = {0, round == 0 ? 1'000'000 : 10'000'000};
    nanosleep(&pause, nullptr);
    reap_app(0, ignored);
  }
  if (fd >= 0) {
    if (pwrite(fd, limit, strlen(limit), 0) < 0) errno = 0;
    close(fd);
  }
}

/// Acts on the signals that came; true when the app has ended. `child`: 0 while none runs.
bool take_signals(pid_t child, int& exit_code) {
  bool ended = false;
  signalfd_siginfo info;
  while (read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      ended = reap_app(child, exit_code) || ended;
    } else if (signal == SIGUSR1) {
      stopping = true;
      if (child > 0) kill(child, SIGKILL);
    } else if (signal == SIGTERM) {
      stopping = true;
      if (child > 0) kill(-child, SIGTERM);
    }
  }
  return ended;
}

void copy_the_rest() {
  const long long until = clock_ms(CLOCK_MONOTONIC) + kDrainPatienceMs;
  for (int i = 0; i < 2; ++i) {
    while (streams[i].pipe >= 0 && clock_ms(CLOCK_MONOTONIC) < until) {
      pollfd one = {streams[i].pipe, POLLIN, 0};
      if (poll(&one, 1, 100) > 0) copy_once(i);
    }
    if (streams[i].pipe >= 0) close(streams[i].pipe);  // a process that even SIGKILL does not end yet holds it
    streams[i].pipe = -1;
  }
}

/// Runs the command once, to its end and that of everything it started; its exit code.
int run_once(const sigset_t& unblocked, bool first) {
  const pid_t child = start_app(unblocked);
  if (child < 0) {
    copy_the_rest();
    return 125;
  }
  if (first) {
    if (write(1, kSupervisorStarted, strlen(kSupervisorStarted)) < 0) errno = 0;  // the agent may be gone
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = 0; fd < 3; ++fd) dup2(null, fd);
  }
  int exit_code = 0;
  bool ended = false;
  while (!ended) {
    pollfd waits[3] = {{signals, POLLIN, 0}, {streams[0].pipe, POLLIN, 0}, {streams[1].pipe, POLLIN, 0}};
    if (poll(waits, 3, -1) < 0 && errno != EINTR) break;
    for (int i = 0; i < 2; ++i) {
      if (streams[i].pipe >= 0 && waits[i + 1].revents != 0) copy_once(i);
    }
    if (waits[0].revents != 0) ended = take_signals(child, exit_code);
  }
  kill_the_rest();
  copy_the_rest();
  return exit_code;
}

// ---- again and again ----

bool is_final(int exit_code) {
  return stopping || exit_code == 0 || noted.start_errno != 0 || noted.failures_in_row > settings.most_restarts;
}

/// Waits before the next start; false if meanwhile somebody said that there shall be none.
bool pause_before_restart() {
  long long pause = settings.first_pause_ms;
  for (int i = 1; i < noted.failures_in_row && pause < kLongestPauseMs; ++i) pause *= 2;
  if (pause > kLongestPauseMs) pause = kLongestPauseMs;
  char line[160];
  const int size =
      snprintf(line, sizeof line, "[slipway: the app ended with exit code %d; start %d of %d again in %lld.%lld s]\n",
               noted.exit_code, noted.failures_in_row, settings.most_restarts, pause / 1000, pause % 1000 / 100);
  store(1, line, static_cast<size_t>(size));
  const long long until = clock_ms(CLOCK_MONOTONIC) + pause;
  int ignored = 0;
  while (!stopping) {
    const long long left = until - clock_ms(CLOCK_MONOTONIC);
    if (left <= 0) return true;
    pollfd one = {signals, POLLIN, 0};
    if (poll(&one, 1, static_cast<int>(left)) > 0) take_signals(0, ignored);
  }
  return false;
}

void supervise(const sigset_t& unblocked) {
  for (bool first = true;; first = false) {
    const long long began = clock_ms(CLOCK_MONOTONIC);
    if (!first) {
      ++noted.restarts;
      save_noted();
    }
    noted.exit_code = run_once(unblocked, first);
    if (settings.oom != nullptr) status.oom_kills = noted.oom_kills = read_oom_kills(settings.oom);
    save_status();
    if (clock_ms(CLOCK_MONOTONIC) - began >= settings.steady_ms) noted.failures_in_row = 0;
    ++noted.failures_in_row;
    if (is_final(noted.exit_code)) return;
    save_noted();
    if (!pause_before_restart()) return;
  }
}

void watch_signals(sigset_t& before) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  sigemptyset(&before);
  signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) give_up("signalfd: %s", strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) give_up("usage: slipway-process <directory>");
  const int directory = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) give_up("open %s: %s", argv[1], strerror(errno));
  syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  lock_directory(directory);
  settings = read_settings(directory);
  environ = read_words(directory, kEnvironmentFile);
  enter_groups(settings);
  note_pid(directory);
  write_text("/proc/self/oom_score_adj", "-1000");
  prctl(PR_SET_CHILD_SUBREAPER, 1);  // orphans of the app end here

  for (int i = 0; i < 2; ++i) {
    streams[i].limit = settings.limits[i];
    streams[i].file = open_log_file(i == 0 ? "stdout" : "stderr");
  }
  status_file = open_log_file("status");
  save_status();
  noted_file = openat(directory, kStatusFile, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (noted_file < 0) give_up("open %s: %s", kStatusFile, strerror(errno));
  sigset_t unblocked;
  watch_signals(unblocked);
  separate(settings);
  if (chdir("/") != 0) give_up("chdir: %s", strerror(errno));

  noted.started_at_ms = clock_ms(CLOCK_REALTIME);
  save_noted();
  supervise(unblocked);
  noted.ended = 1;
  noted.finished_at_ms = clock_ms(CLOCK_REALTIME);
  save_noted();
  return 0;
}
