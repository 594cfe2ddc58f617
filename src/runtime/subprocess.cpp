#include "runtime/subprocess.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "runtime/environment.hpp"
#include "runtime/fd.hpp"

namespace slipway::runtime {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Pipe {
  Fd read;
  Fd write;
  static Result<Pipe> make() {
    std::array<int, 2> fds{};
    if (pipe2(fds.data(), O_CLOEXEC) != 0) return fail_errno(errno, "pipe");
    return Pipe{Fd(fds[0]), Fd(fds[1])};
  }
};

struct ChildSetup {
  int in;
  int out;
  int err;
  int report;  ///< errno of a failed exec is written here
  const char* directory;
  char** argv;
  char** env;
};

/// Between fork and exec: only async-signal-safe calls.
[[noreturn]] void become_child(const ChildSetup& setup) {
  setsid();
  dup2(setup.in, 0);
  dup2(setup.out, 1);
  dup2(setup.err, 2);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  int failed = 0;
  if (setup.directory != nullptr && chdir(setup.directory) != 0) failed = errno;
  if (failed == 0) {
    execvpe(setup.argv[0], setup.argv, setup.env);
    failed = errno;
  }
  [[maybe_unused]] const ssize_t ignored = write(setup.report, &failed, sizeof failed);
  _exit(127);
}

/// Forks and execs; the Error of a failed exec comes back through the close-on-exec report pipe.
Result<pid_t> start(std::vector<std::string>& argv, const RunOptions& options, int in, int out, int err) {
  SLIPWAY_ASSIGN(Pipe report, Pipe::make());
  auto env_texts = merged_environment(options.env);
  auto env = pointers(env_texts);
  auto args = pointers(argv);
  const ChildSetup setup{.in = in,
                         .out = out,
                         .err = err,
                         .report = report.write.get(),
                         .directory = options.working_directory.empty() ? nullptr : options.working_directory.c_str(),
                         .argv = args.data(),
                         .env = env.data()};
  const pid_t pid = fork();
  if (pid < 0) return fail_errno(errno, "fork for " + argv[0]);
  if (pid == 0) become_child(setup);
  report.write.reset();
  int failed = 0;
  ssize_t got = 0;
  do {
    got = read(report.read.get(), &failed, sizeof failed);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof failed)) {
    waitpid(pid, nullptr, 0);
    return fail_errno(failed, "start " + argv[0]);
  }
  return pid;
}

int decode_status(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

/// Moves bytes between the child and us until both outputs are closed, or the time is over.
class Pump {
 public:
  Pump(const RunOptions& options, Fd in, Fd out, Fd err)
      : options_(options),
        in_(std::move(in)),
        out_(std::move(out)),
        err_(std::move(err)),
        deadline_(SteadyClock::now() + options.timeout) {
    fcntl(in_.get(), F_SETFL, O_NONBLOCK);
    if (options_.stdin_text.empty()) in_.reset();
  }

  Result<void> run(RunResult& result, const std::string& name) {
    while (out_.valid() || err_.valid()) {
      if (options_.cancelled && options_.cancelled()) return fail(Code::Cancelled, "{} was cancelled", name);
      if (SteadyClock::now() > deadline_) {
        return fail(Code::Timeout, "{} did not end within {}", name, format_duration(options_.timeout));
      }
      step(result);
    }
    return {};
  }

 private:
  void step(RunResult& result) {
    std::array<pollfd, 3> polled{};
    polled[0] = {.fd = out_.get(), .events = POLLIN, .revents = 0};
    polled[1] = {.fd = err_.get(), .events = POLLIN, .revents = 0};
    polled[2] = {.fd = in_.get(), .events = POLLOUT, .revents = 0};
    poll(polled.data(), polled.size(), 100);
    if (polled[0].revents != 0) drain(out_, result.standard_output);
    if (polled[1].revents != 0) drain(err_, result.standard_error);
    if (polled[2].revents != 0) feed();
  }
  void drain(Fd& fd, std::string& into) {
    std::array<char, 65536> buffer;
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (got <= 0) return fd.reset();
    const std::string_view piece(buffer.data(), static_cast<std::size_t>(got));
    if (options_.on_output) options_.on_output(piece);
    if (into.size() < options_.output_limit_bytes) into += piece;
  }
  void feed() {
    const std::string_view rest = std::string_view(options_.stdin_text).substr(fed_);
    const ssize_t put = write(in_.get(), rest.data(), rest.size());
    if (put < 0 && (errno == EINTR || errno == EAGAIN)) return;
    if (put > 0) fed_ += static_cast<std::size_t>(put);
    if (put < 0 || fed_ == options_.stdin_text.size()) in_.reset();
  }

  const RunOptions& options_;
  Fd in_;
  Fd out_;
  Fd err_;
  std::size_t fed_ = 0;
  SteadyClock::time_point deadline_;
};

}  // namespace

Result<RunResult> run(std::vector<std::string> argv, RunOptions options) {
  // A child that ends before it has read its input must not end us.
  signal(SIGPIPE, SIG_IGN);
  const std::string name = argv.at(0);
  SLIPWAY_ASSIGN(Pipe in, Pipe::make());
  SLIPWAY_ASSIGN(Pipe out, Pipe::make());
  SLIPWAY_ASSIGN(Pipe err, Pipe::make());
  if (!options.stdin_file.empty()) {
    in.read = Fd(open(options.stdin_file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!in.read.valid()) return fail_errno(errno, "open " + options.stdin_file);
    in.write.reset();
  }
  SLIPWAY_ASSIGN(const pid_t pid, start(argv, options, in.read.get(), out.write.get(), err.write.get()));
  in.read.reset();
  out.write.reset();
  err.write.reset();

  RunResult result;
  Pump pump(options, std::move(in.write), std::move(out.read), std::move(err.read));
  auto pumped = pump.run(result, name);
  if (!pumped) kill(-pid, SIGKILL);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  SLIPWAY_TRY(pumped);
  result.exit_code = decode_status(status);
  return result;
}

Result<std::string> run_checked(std::vector<std::string> argv, RunOptions options) {
  std::string shown;
  for (const std::string& arg : argv) shown += (shown.empty() ? "" : " ") + arg;
  if (shown.size() > 200) shown = shown.substr(0, 200) + "…";
  SLIPWAY_ASSIGN(RunResult result, run(std::move(argv), std::move(options)));
  if (result.exit_code == 0) return std::move(result.standard_output);
  std::string tail = result.standard_error.empty() ? result.standard_output : result.standard_error;
  while (!tail.empty() && tail.back() == '\n') tail.pop_back();
  if (tail.size() > 800) tail = "…" + tail.substr(tail.size() - 800);
  return fail(Code::Io, "'{}' ended with exit code {}: {}", shown, result.exit_code, tail);
}

Result<pid_t> spawn_detached(std::vector<std::string> argv, const std::string& log_path,
                             const std::map<std::string, std::string>& env) {
  const Fd null(open("/dev/null", O_RDONLY | O_CLOEXEC));
  const Fd log(open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log.valid()) return fail_errno(errno, "open " + log_path);
  RunOptions options;
  options.env = env;
  return start(argv, options, null.get(), log.get(), log.get());
}

std::optional<unsigned long long> process_start_time(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::stringstream text;
  text << file.rdbuf();
  const std::string line = text.str();
  // The second field is the program's name in parentheses and may itself hold spaces and parentheses.
  const std::size_t close = line.rfind(')');
  if (close == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(close + 2));
  std::string field;
  for (int index = 3; index <= 22 && rest >> field; ++index) {
    if (index == 3 && (field == "Z" || field == "X")) return std::nullopt;
    if (index == 22) return std::strtoull(field.c_str(), nullptr, 10);
  }
  return std::nullopt;
}

bool is_same_process(pid_t pid, unsigned long long start_time) {
  const auto now = process_start_time(pid);
  return now && *now == start_time;
}

}  // namespace slipway::runtime
