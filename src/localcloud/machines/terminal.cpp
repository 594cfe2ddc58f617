#include "localcloud/machines/terminal.hpp"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace slipway::localcloud {
namespace {

constexpr int kRows = 24;
constexpr int kColumns = 80;
/// The launcher is small and everything in the guest hangs on it: when the guest is out of memory, it goes last.
constexpr std::string_view kLauncherOomScore = "-900";

struct Terminal {
  runtime::Fd ours;
  runtime::Fd theirs;
};

Result<Terminal> open_terminal() {
  runtime::Fd ours(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!ours.valid() || grantpt(ours.get()) != 0 || unlockpt(ours.get()) != 0) {
    return fail_errno(errno, "open a pseudo-terminal");
  }
  std::array<char, 128> name{};
  if (ptsname_r(ours.get(), name.data(), name.size()) != 0) return fail_errno(errno, "name the pseudo-terminal");
  runtime::Fd theirs(::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
  if (!theirs.valid()) return fail_errno(errno, fmt::format("open {}", name.data()));
  winsize size{};
  size.ws_row = kRows;
  size.ws_col = kColumns;
  ioctl(theirs.get(), TIOCSWINSZ, &size);
  return Terminal{std::move(ours), std::move(theirs)};
}

/// Everything that the child needs, made before the fork.
struct Launch {
  std::vector<std::string> texts;
  std::vector<char*> argv;
  std::vector<char*> env;
  std::vector<const char*> entrances;
  int terminal = -1;
  int report = -1;
  pid_t parent = 0;
};

[[noreturn]] void give_up(int report) {
  const int failed = errno;
  [[maybe_unused]] const ssize_t ignored = write(report, &failed, sizeof failed);
  _exit(127);
}

bool write_text(const char* path, std::string_view text) {
  const int file = open(path, O_WRONLY | O_CLOEXEC);
  const bool written = file >= 0 && write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (file >= 0) close(file);
  return written;
}

/// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become_program(const Launch& launch) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != launch.parent) _exit(127);  // it died before that took hold
  for (const char* entrance : launch.entrances) {
    if (!write_text(entrance, "0")) give_up(launch.report);
  }
  write_text("/proc/self/oom_score_adj", kLauncherOomScore);
  setsid();
  ioctl(launch.terminal, TIOCSCTTY, 0);
  for (int fd = 0; fd <= 2; ++fd) dup2(launch.terminal, fd);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvpe(launch.argv[0], launch.argv.data(), launch.env.data());
  give_up(launch.report);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<TerminalProgram> start_on_terminal(TerminalOptions options) {
  SLIPWAY_ASSIGN(Terminal terminal, open_terminal());
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return fail_errno(errno, "pipe");
  const runtime::Fd report_read(fds[0]);
  runtime::Fd report_write(fds[1]);
  const char* path = getenv("PATH");
  options.env.try_emplace("PATH", path == nullptr ? "/usr/sbin:/usr/bin:/sbin:/bin" : path);
  Launch launch;
  for (const auto& [name, value] : options.env) launch.texts.push_back(name + "=" + value);
  launch.env = pointers(launch.texts);
  launch.argv = pointers(options.argv);
  for (const std::string& entrance : options.cgroup_entrances) launch.entrances.push_back(entrance.c_str());
  launch.terminal = terminal.theirs.get();
  launch.report = report_write.get();
  launch.parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail_errno(errno, "fork for " + options.argv[0]);
  if (pid == 0) become_program(launch);
  report_write.reset();
  int failed = 0;
  if (read(report_read.get(), &failed, sizeof failed) == static_cast<ssize_t>(sizeof failed)) {
    waitpid(pid, nullptr, 0);
    return fail_errno(failed, "start " + options.argv[0]);
  }
  return TerminalProgram{.pid = pid, .terminal = std::move(terminal.ours)};
}

}  // namespace slipway::localcloud
