#include "runtime/child.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "runtime/environment.hpp"
#include "runtime/fd.hpp"

namespace slipway::runtime {

Result<Child> Child::start(std::vector<std::string> argv, const std::string& log_path,
                           const std::map<std::string, std::string>& env) {
  const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd log(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) return fail_errno(errno, "open " + log_path);
  auto env_texts = merged_environment(env);
  auto env_pointers = pointers(env_texts);
  auto arguments = pointers(argv);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail_errno(errno, "fork for " + argv.at(0));
  if (pid == 0) {  // only async-signal-safe calls from here to exec
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) _exit(127);  // we died before the line above took effect
    dup2(null.get(), 0);
    dup2(log.get(), 1);
    dup2(log.get(), 2);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execvpe(arguments[0], arguments.data(), env_pointers.data());
    _exit(127);
  }
  return Child(pid);
}

Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)), exit_code_(other.exit_code_) {}

Child::~Child() {
  if (pid_ < 0 || poll()) return;
  signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

std::optional<int> Child::poll() {
  if (exit_code_ || pid_ < 0) return exit_code_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) == pid_) {
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return exit_code_;
}

void Child::signal(int number) const {
  if (pid_ > 0 && !exit_code_) kill(pid_, number);
}

Result<int> Child::wait(Duration patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!poll()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return fail(Code::Timeout, "process {} did not end within {}", pid_, format_duration(patience));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return *exit_code_;
}

}  // namespace slipway::runtime
