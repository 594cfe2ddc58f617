// GuestRun: the supervisor's work between start and exit record: boots the guest, keeps its console, takes orders,
// boots it again when it reboots. One thread; owned by supervise().
#pragma once
#include <functional>
#include <optional>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "localcloud/machines/cgroups.hpp"
#include "localcloud/machines/console_log.hpp"
#include "localcloud/machines/guest.hpp"
#include "localcloud/machines/terminal.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

class GuestRun {
 public:
  /// `on_booting` is called once, when the guest's init has been started. `clock` must outlive the run.
  GuestRun(GuestSpec spec, const Clock& clock, std::function<void()> on_booting);
  ~GuestRun();

  /// Runs to the end of the guest and returns its record; nothing of it is left then. Signals that are orders must be
  /// blocked before.
  ExitRecord run();

 private:
  struct Ended {
    int status = 0;  ///< 128 + signal where one ended it
  };

  Result<void> prepare();
  Result<void> boot();
  /// Until the launcher has ended.
  Ended watch();
  void take_signals();
  void take_order(int signal, Duration deadline);
  void take_notice();
  void read_terminal();
  void hand_port();
  void return_port();
  void move_port(const std::string& from, const std::string& to);
  void press();
  [[nodiscard]] std::optional<Ended> reap();
  [[nodiscard]] int next_wait_ms() const;
  [[nodiscard]] ExitRecord record_of(const Ended& ended) const;
  [[nodiscard]] ExitRecord record_of(const Error& error) const;
  void tidy();

  const GuestSpec spec_;
  const Clock& clock_;
  std::function<void()> on_booting_;
  const CgroupLayout layout_;
  const GuestCgroup cgroup_;
  std::optional<ConsoleLog> console_;
  runtime::Fd signals_;
  runtime::Fd notices_;
  std::string notice_address_;
  runtime::Fd guest_network_;  ///< while a guest has our port
  TerminalProgram launcher_;
  pid_t init_ = 0;       ///< the guest's, in our numbers; 0 until it is started
  bool booted_ = false;  ///< init was started at least once
  bool stopping_ = false;
  bool killed_ = false;
  std::optional<SteadyTime> kill_at_;
  std::optional<SteadyTime> press_at_;  ///< when init is asked again
};

}  // namespace slipway::localcloud
