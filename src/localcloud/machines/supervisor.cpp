#include "localcloud/machines/supervisor.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "localcloud/machines/guest_files.hpp"
#include "localcloud/machines/guest_process.hpp"
#include "localcloud/machines/guest_run.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

/// What the supervisor tells the process that was called: this character, or a message.
constexpr char kBooting = '+';

int complain(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
  return 1;
}

Result<GuestSpec> load(const std::vector<std::string>& arguments) {
  if (arguments.size() != 4 || arguments[0] != "--name" || arguments[2] != "--spec") {
    return fail(Code::InvalidInput, "usage: internal-supervisor --name NAME --spec FILE");
  }
  SLIPWAY_ASSIGN(const std::string text, runtime::read_file(arguments[3], 1 << 20));
  return decode_guest_spec(text);
}

/// Held for the life of the supervisor, so that an instance never has two.
Result<runtime::Fd> lock_instance(const GuestSpec& spec) {
  const std::string path = GuestFiles{spec.directory}.lock();
  runtime::Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file.valid()) return fail_errno(errno, "open " + path);
  if (flock(file.get(), LOCK_EX | LOCK_NB) != 0) return fail(Code::Conflict, "{} runs already", spec.instance_id);
  return file;
}

Result<void> leave_caller(const std::string& log_path) {
  setsid();
  const runtime::Fd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const runtime::Fd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!null.valid() || !log.valid()) return fail_errno(errno, "open " + log_path);
  dup2(null.get(), STDIN_FILENO);
  dup2(log.get(), STDOUT_FILENO);
  dup2(log.get(), STDERR_FILENO);
  if (chdir("/") != 0) return fail_errno(errno, "chdir /");
  return {};
}

GuestProcess this_process() {
  return {.pid = getpid(), .start_time = runtime::process_start_time(getpid()).value_or(0)};
}

Result<void> announce(const GuestSpec& spec) {
  const GuestFiles files{spec.directory};
  unlink(files.exit_record().c_str());
  return runtime::write_file_durably(files.supervisor(), encode(this_process()));
}

/// In the supervisor, from fork to end.
int run_as_supervisor(const GuestSpec& spec, runtime::Fd report) {
  auto ready = leave_caller(GuestFiles{spec.directory}.log());
  if (ready) ready = announce(spec);
  if (!ready) {
    (void)runtime::write_all(report.get(), ready.error().text());
    return 1;
  }
  const SystemClock clock;
  GuestRun run(spec, clock, [&] {
    (void)runtime::write_all(report.get(), std::string(1, kBooting));
    report.reset();
  });
  const ExitRecord record = run.run();
  const auto stored = runtime::write_file_durably(GuestFiles{spec.directory}.exit_record(), encode(record));
  if (report.valid()) (void)runtime::write_all(report.get(), record.detail.empty() ? "it ended" : record.detail);
  return stored && record.reason != ExitReason::Failed ? 0 : 1;
}

/// In the process that was called: waits for the supervisor's word.
int await_boot(pid_t supervisor, const GuestSpec& spec, const runtime::Fd& report) {
  std::string said;
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = read(report.get(), buffer.data(), buffer.size())) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) said.append(buffer.data(), static_cast<std::size_t>(got));
  }
  if (said != std::string(1, kBooting)) {
    return complain(fmt::format("{} did not boot: {}", spec.instance_id, said.empty() ? "its supervisor died" : said));
  }
  const auto start = runtime::process_start_time(supervisor);
  std::fputs(encode(GuestProcess{.pid = supervisor, .start_time = start.value_or(0)}).c_str(), stdout);
  return 0;
}

}  // namespace

int supervise(const std::vector<std::string>& arguments) {
  auto spec = load(arguments);
  if (!spec) return complain(spec.error().text());
  const auto lock = lock_instance(*spec);
  if (!lock) return complain(lock.error().text());
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) return complain("no pipe can be made");
  const runtime::Fd report_read(fds[0]);
  runtime::Fd report_write(fds[1]);
  const pid_t pid = fork();
  if (pid < 0) return complain("no process can be made");
  if (pid == 0) return run_as_supervisor(*spec, std::move(report_write));
  report_write.reset();
  return await_boot(pid, *spec, report_read);
}

}  // namespace slipway::localcloud
