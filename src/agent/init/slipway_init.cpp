// slipway-init: process 1 of every job's container. It starts the command, copies its two output streams byte for byte
// into the log files that the agent made, forwards signals, reaps orphans, and ends with the command's exit code. So a
// log needs neither the agent nor the Docker daemon to be alive while it is written (docs/adr: log capture).
//
//   init <stdout limit> <stderr limit> -- command [argument…]
//
// SIGUSR1: kill everything else, copy what is left, end. Other signals go to the command's process group.
// A program of its own, static and without the C++ runtime: it runs in any container image. One thread.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/init/output_copy.hpp"

namespace {

using namespace slipway::agent;  // NOLINT(*-build-using-namespace): a program of its own

/// 125: what a container runner itself could not do, as `docker run` has it.
[[noreturn]] void die(const char* what) {
  fprintf(stderr, "slipway-init: %s: %s\n", what, strerror(errno));
  _exit(125);
}

int open_log(const char* name) {
  char path[64];
  snprintf(path, sizeof path, "%s/%s", kInitLogDirectory, name);
  const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) die(path);
  return fd;
}

[[noreturn]] void run_command(char** command, const int (&output)[2], int report, const sigset_t& unblocked) {
  setpgid(0, 0);
  prctl(PR_SET_DUMPABLE, 1);  // else the next file could not be written
  // When memory runs out, the command goes, never the process that keeps its log.
  const int adjust = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (adjust >= 0) {
    if (write(adjust, "500", 3) < 0) errno = 0;
    close(adjust);
  }
  for (int i = 0; i < 2; ++i) {
    if (dup2(output[i], i + 1) < 0) _exit(125);
  }
  sigprocmask(SIG_SETMASK, &unblocked, nullptr);
  execvp(command[0], command);
  const int error = errno;
  if (write(report, &error, sizeof error) < 0) _exit(125);
  _exit(error == ENOENT || error == ENOTDIR ? 127 : 126);
}

/// Starts the command; its pid. Notes the error if it could not be executed.
pid_t start_command(char** command, const sigset_t& unblocked) {
  int output[2];
  for (int i = 0; i < 2; ++i) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) die("pipe");
    streams[i].pipe = ends[0];
    output[i] = ends[1];
  }
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) die("pipe");
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) run_command(command, output, report[1], unblocked);
  setpgid(child, child);
  close(output[0]);
  close(output[1]);
  close(report[1]);
  int error = 0;
  if (read(report[0], &error, sizeof error) == static_cast<ssize_t>(sizeof error)) {
    status.start_errno = error;
    save_status();
  }
  close(report[0]);
  return child;
}

/// Reaps all that ended; true when the command itself did, with its exit code.
bool reap(pid_t child, int& exit_code) {
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

/// Acts on the signals that came; true when the command has ended.
bool take_signals(int signals, pid_t child, int& exit_code) {
  bool ended = false;
  signalfd_siginfo info;
  while (read(signals, &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) {
      ended = reap(child, exit_code) || ended;
    } else if (signal == SIGUSR1) {
      kill(-1, SIGKILL);
    } else {
      kill(-child, signal);
    }
  }
  return ended;
}

int serve(int signals, pid_t child) {
  int exit_code = 0;
  bool ended = false;
  while (!ended) {
    pollfd waits[3] = {{signals, POLLIN, 0}, {streams[0].pipe, POLLIN, 0}, {streams[1].pipe, POLLIN, 0}};
    if (poll(waits, 3, -1) < 0 && errno != EINTR) die("poll");
    for (int i = 0; i < 2; ++i) {
      if (streams[i].pipe >= 0 && waits[i + 1].revents != 0) copy_once(i);
    }
    if (waits[0].revents != 0) ended = take_signals(signals, child, exit_code);
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5 || strcmp(argv[3], "--") != 0) {
    fputs("usage: init <stdout limit> <stderr limit> -- command [argument…]\n", stderr);
    return 125;
  }
  prctl(PR_SET_DUMPABLE, 0);  // the command runs as the same user and shall not reach into this process
  for (int i = 0; i < 2; ++i) {
    streams[i].limit = strtoull(argv[1 + i], nullptr, 10);
    streams[i].file = open_log(i == 0 ? "stdout" : "stderr");
  }
  status_file = open_log("status");
  save_status();

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (signals < 0) die("signalfd");
  const pid_t child = start_command(argv + 4, before);
  const int exit_code = serve(signals, child);

  // Whatever the command left running goes with it; then both streams have an end.
  kill(-1, SIGKILL);
  for (int i = 0; i < 2; ++i) {
    while (streams[i].pipe >= 0) copy_once(i);
  }
  status.oom_kills = read_oom_kills("/sys/fs/cgroup/memory/memory.oom_control");
  if (status.oom_kills == 0) status.oom_kills = read_oom_kills("/sys/fs/cgroup/memory.events");
  save_status();
  return exit_code;
}
