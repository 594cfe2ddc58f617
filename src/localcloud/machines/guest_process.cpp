#include "localcloud/machines/guest_process.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <limits>

#include "localcloud/machines/guest_files.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {

namespace json = boost::json;

int signal_of(GuestOrder order) {
  switch (order) {
    case GuestOrder::Stop:
      return SIGTERM;
    case GuestOrder::Kill:
      return SIGUSR2;
    case GuestOrder::Reboot:
      return SIGUSR1;
  }
  return SIGTERM;
}

Result<runtime::Fd> open_process(const GuestProcess& process) {
  runtime::Fd fd(static_cast<int>(syscall(SYS_pidfd_open, process.pid, 0)));
  if (!fd.valid() && errno != ESRCH) return fail_errno(errno, fmt::format("open process {}", process.pid));
  // After the descriptor is open the number cannot be given away any more, so now the comparison holds.
  if (!fd.valid() || !runtime::is_same_process(process.pid, process.start_time)) {
    return fail(Code::NotFound, "process {} has ended", process.pid);
  }
  return fd;
}

Result<void> send_order(const runtime::Fd& process, GuestOrder order, Duration deadline) {
  const int number = signal_of(order);
  siginfo_t info{};
  info.si_signo = number;
  info.si_code = SI_QUEUE;
  info.si_pid = getpid();
  info.si_uid = getuid();
  info.si_value.sival_int = static_cast<int>(std::min<std::int64_t>(deadline.count(), std::numeric_limits<int>::max()));
  if (syscall(SYS_pidfd_send_signal, process.get(), number, &info, 0) == 0) return {};
  if (errno == ESRCH) return fail(Code::NotFound, "the guest has ended");
  return fail_errno(errno, "signal a guest's supervisor");
}

std::string encode(const GuestProcess& process) {
  return json::serialize(json::object{{"pid", process.pid}, {"start_time", process.start_time}}) + "\n";
}

Result<GuestProcess> decode_guest_process(const std::string& text) {
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  const json::object* object = error ? nullptr : value.if_object();
  const json::value* pid = object == nullptr ? nullptr : object->if_contains("pid");
  const json::value* start = object == nullptr ? nullptr : object->if_contains("start_time");
  if (pid == nullptr || !pid->is_int64() || start == nullptr || !start->is_int64() || pid->as_int64() <= 0) {
    return fail(Code::Corrupt, "'{}' names no process", text);
  }
  return GuestProcess{.pid = static_cast<pid_t>(pid->as_int64()),
                      .start_time = static_cast<unsigned long long>(start->as_int64())};
}

std::optional<GuestProcess> find_supervisor(const std::string& directory) {
  const auto text = runtime::read_file(GuestFiles{directory}.supervisor(), 4096);
  if (!text) return std::nullopt;
  const auto process = decode_guest_process(*text);
  if (!process || !runtime::is_same_process(process->pid, process->start_time)) return std::nullopt;
  return *process;
}

}  // namespace slipway::localcloud
