#include "localcloud/machines/guest_run.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstring>

#include "localcloud/machines/guest_process.hpp"
#include "localcloud/machines/identity.hpp"
#include "localcloud/machines/mount_table.hpp"
#include "localcloud/machines/nspawn_command.hpp"
#include "localcloud/machines/text.hpp"
#include "runtime/files.hpp"
#include "runtime/subprocess.hpp"

namespace slipway::localcloud {
namespace {

/// For an order to stop that names no deadline, e.g. a plain `kill`.
constexpr std::chrono::seconds kStopDeadline{60};
/// Init ignores the request until it has set up its signals, so it is repeated.
constexpr std::chrono::milliseconds kPressAgain{1000};
/// What of the console explains a failed start.
constexpr std::size_t kDetailBytes = 512;

/// systemd(1), SIGNALS.
int poweroff_signal() { return SIGRTMIN + 4; }
int reboot_signal() { return SIGRTMIN + 5; }

std::vector<int> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> out;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return {0};
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) out.push_back(cpu);
  }
  return out;
}

Result<runtime::Fd> open_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2}) sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  runtime::Fd fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return fail_errno(errno, "signalfd");
  return fd;
}

/// A datagram socket with an address that the kernel picks, in the abstract name space.
Result<runtime::Fd> open_notices(std::string& address) {
  runtime::Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return fail_errno(errno, "notice socket");
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&name), sizeof name.sun_family) != 0) {
    return fail_errno(errno, "bind the notice socket");
  }
  socklen_t size = sizeof name;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&name), &size);
  address = "@" + std::string(name.sun_path + 1, size - offsetof(sockaddr_un, sun_path) - 1);
  return fd;
}

/// An instance must not be taken for the one its image was made from. The path inside is the guest's, so it is opened
/// beneath its root only; an empty file makes systemd choose a new one.
Result<void> forget_machine_id(const std::string& root) {
  SLIPWAY_ASSIGN(const auto tree, runtime::Directory::open(root));
  auto file = tree.open_file("etc/machine-id", O_WRONLY | O_TRUNC);
  if (!file && file.error().code == Code::NotFound) return {};
  return file ? Result<void>() : Result<void>(std::unexpected(std::move(file.error())));
}

std::string last_words(const std::string& directory) {
  return std::string(trim(read_console_tail(directory, kDetailBytes)));
}

}  // namespace

GuestRun::GuestRun(GuestSpec spec, const Clock& clock, std::function<void()> on_booting)
    : spec_(std::move(spec)),
      clock_(clock),
      on_booting_(std::move(on_booting)),
      layout_(parse_cgroup_layout(read_mounts())),
      cgroup_(layout_, cgroup_path(spec_)) {}

GuestRun::~GuestRun() = default;

ExitRecord GuestRun::run() {
  if (auto ready = prepare(); !ready) return record_of(ready.error());
  while (true) {
    auto started = boot();
    if (!started) {
      tidy();
      return record_of(started.error());
    }
    const Ended ended = watch();
    return_port();
    if (ended.status == kNspawnRebooted && !stopping_ && !killed_) continue;
    const ExitRecord record = record_of(ended);
    tidy();
    return record;
  }
}

Result<void> GuestRun::prepare() {
  SLIPWAY_ASSIGN(signals_, open_signals());
  SLIPWAY_ASSIGN(notices_, open_notices(notice_address_));
  SLIPWAY_ASSIGN(ConsoleLog console, ConsoleLog::open(spec_.directory));
  console_ = std::move(console);
  if (spec_.first_boot) SLIPWAY_TRY(forget_machine_id(spec_.root).context("giving the guest its own machine id"));
  return {};
}

Result<void> GuestRun::boot() {
  // What an earlier boot of this instance left would count against the limits of this one.
  SLIPWAY_TRY(cgroup_.kill_all());
  SLIPWAY_TRY(cgroup_.remove());
  const CgroupLimits limits{.cpus = choose_cpus(spec_.cpus, usable_cpus(), spec_.uid_base / kUidsPerGuest),
                            .cpu_count = spec_.cpus,
                            .memory_bytes = spec_.memory_bytes,
                            .pids = spec_.pids};
  SLIPWAY_TRY(cgroup_.create(limits, spec_.uid_base));
  init_ = 0;
  SLIPWAY_ASSIGN(launcher_, start_on_terminal({.argv = nspawn_argv(spec_),
                                               .env = nspawn_environment(!layout_.is_pure_v2(), notice_address_),
                                               .cgroup_entrances = cgroup_.entrances()}));
  fcntl(launcher_.terminal.get(), F_SETFL, O_NONBLOCK);
  return {};
}

GuestRun::Ended GuestRun::watch() {
  while (true) {
    std::array<pollfd, 3> polled{};
    polled[0] = {.fd = signals_.get(), .events = POLLIN, .revents = 0};
    polled[1] = {.fd = notices_.get(), .events = POLLIN, .revents = 0};
    polled[2] = {.fd = launcher_.terminal.get(), .events = POLLIN, .revents = 0};
    poll(polled.data(), polled.size(), next_wait_ms());
    if (polled[1].revents != 0) take_notice();
    if (polled[2].revents != 0) read_terminal();
    if (polled[0].revents != 0) take_signals();
    const SteadyTime now = clock_.now().steady;
    if (kill_at_ && now >= *kill_at_) take_order(SIGUSR2, {});
    if (press_at_ && now >= *press_at_) press();
    if (const auto ended = reap()) {
      read_terminal();
      take_notice();
      return *ended;
    }
  }
}

void GuestRun::take_signals() {
  signalfd_siginfo info{};
  while (read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGCHLD) take_order(static_cast<int>(info.ssi_signo), Duration(info.ssi_int));
  }
}

void GuestRun::take_order(int signal, Duration deadline) {
  if (signal == signal_of(GuestOrder::Stop)) {
    stopping_ = true;
    const SteadyTime end = clock_.now().steady + (deadline.count() > 0 ? deadline : Duration(kStopDeadline));
    kill_at_ = kill_at_ ? std::min(*kill_at_, end) : end;
    press();
  } else if (signal == signal_of(GuestOrder::Kill)) {
    stopping_ = true;
    killed_ = true;
    kill_at_.reset();
    press_at_.reset();
    kill(launcher_.pid, SIGKILL);
  } else if (signal == signal_of(GuestOrder::Reboot) && init_ > 0 && !stopping_) {
    kill(init_, reboot_signal());
  }
}

/// Asks init to power off, now and again until it does.
void GuestRun::press() {
  if (init_ > 0) kill(init_, poweroff_signal());
  press_at_ = clock_.now().steady + kPressAgain;
}

void GuestRun::take_notice() {
  static constexpr std::string_view kLeader = "X_NSPAWN_LEADER_PID=";
  std::array<char, 4096> buffer;
  ssize_t got = 0;
  while ((got = recv(notices_.get(), buffer.data(), buffer.size(), 0)) > 0) {
    for (const std::string_view line : split({buffer.data(), static_cast<std::size_t>(got)}, '\n')) {
      if (!line.starts_with(kLeader)) continue;
      init_ = static_cast<pid_t>(std::strtol(std::string(line.substr(kLeader.size())).c_str(), nullptr, 10));
      hand_port();
      if (stopping_) press();
      if (!std::exchange(booted_, true)) on_booting_();
    }
  }
}

/// The namespace is kept open, so that the port outlives the guest and can be taken back.
void GuestRun::hand_port() {
  guest_network_ = runtime::Fd(::open(fmt::format("/proc/{}/ns/net", init_).c_str(), O_RDONLY | O_CLOEXEC));
  move_port(spec_.network_namespace, std::to_string(init_));
}

void GuestRun::return_port() {
  if (!guest_network_.valid()) return;
  move_port(fmt::format("/proc/{}/fd/{}", getpid(), guest_network_.get()),
            spec_.network_namespace.substr(spec_.network_namespace.rfind('/') + 1));
  guest_network_.reset();
}

void GuestRun::move_port(const std::string& from, const std::string& to) {
  const auto moved =
      runtime::run_checked({"nsenter", "--net=" + from, "--", "ip", "link", "set", "dev", "eth0", "netns", to});
  // A guest without its port is still a guest: whoever looks at its console shall see why it is silent.
  if (!moved) console_->append(fmt::format("slipway: network port: {}\r\n", moved.error().text()));
}

void GuestRun::read_terminal() {
  std::array<char, 16384> buffer;
  ssize_t got = 0;
  while ((got = read(launcher_.terminal.get(), buffer.data(), buffer.size())) > 0) {
    console_->append({buffer.data(), static_cast<std::size_t>(got)});
  }
  // The other end is closed: it would be readable for ever.
  if (got == 0 || (errno != EAGAIN && errno != EINTR)) launcher_.terminal.reset();
}

std::optional<GuestRun::Ended> GuestRun::reap() {
  int status = 0;
  if (waitpid(launcher_.pid, &status, WNOHANG) != launcher_.pid) return std::nullopt;
  return Ended{WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

int GuestRun::next_wait_ms() const {
  std::optional<SteadyTime> next = kill_at_;
  if (press_at_) next = next ? std::min(*next, *press_at_) : *press_at_;
  if (!next) return -1;
  return static_cast<int>(std::max<std::int64_t>(0, (*next - clock_.now().steady).count() + 1));
}

ExitRecord GuestRun::record_of(const Ended& ended) const {
  ExitRecord record{.reason = ExitReason::PoweredOff,
                    .requested = stopping_,
                    .exit_status = ended.status,
                    .ended = clock_.now().wall,
                    .detail = {}};
  if (killed_) {
    record.reason = ExitReason::Killed;
  } else if (!booted_) {
    record.reason = ExitReason::Failed;
    record.detail = last_words(spec_.directory);
  } else if (ended.status != 0 && ended.status != kNspawnRebooted) {
    record.reason = ExitReason::Killed;
    record.detail = last_words(spec_.directory);
  }
  return record;
}

ExitRecord GuestRun::record_of(const Error& error) const {
  return {.reason = ExitReason::Failed,
          .requested = stopping_,
          .exit_status = 0,
          .ended = clock_.now().wall,
          .detail = error.text()};
}

void GuestRun::tidy() {
  // On failure the cloud finds them by name and tries again.
  if (cgroup_.kill_all()) (void)cgroup_.remove();
}

}  // namespace slipway::localcloud
