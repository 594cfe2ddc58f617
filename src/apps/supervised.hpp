// Supervised: one child process of `slipway dev`, started, watched, started again when it dies, and ended. Main thread
// only.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/child.hpp"

namespace slipway::apps {

struct SupervisedPlan {
  std::string name;  ///< for people: "controller"
  std::vector<std::string> argv;
  std::string log_path;    ///< its output is appended here
  std::string ready_file;  ///< JSON object with the child's "pid" once it serves
};

class Supervised {
 public:
  /// `say` gets a line for people at each event.
  Supervised(SupervisedPlan plan, std::function<void(std::string_view)> say)
      : plan_(std::move(plan)), say_(std::move(say)) {}
  /// Returns when it serves. Timeout after 30 s; if it ended, its last words with the Code that its exit code stands
  /// for; Cancelled by a stop signal.
  Result<void> start_and_wait();
  /// Notices its end and starts it again after a back-off. To be called about every 100 ms.
  void watch();
  /// SIGTERM, and SIGKILL if it has not ended within 60 s. False if it was killed or ended with an error.
  bool end();
  [[nodiscard]] bool running() { return child_ && !child_->poll(); }
  [[nodiscard]] const SupervisedPlan& plan() const { return plan_; }

 private:
  using SteadyClock = std::chrono::steady_clock;
  Result<void> start();

  SupervisedPlan plan_;
  std::function<void(std::string_view)> say_;
  std::optional<runtime::Child> child_;
  SteadyClock::time_point started_;
  SteadyClock::time_point restart_at_;
  Duration restart_delay_{0};  ///< of the last restart; 0: none lately
};

/// SIGINT, SIGTERM and SIGHUP wait from now on until stop_signal_within() takes them.
void block_stop_signals();
/// True if one of them came within `patience`.
bool stop_signal_within(Duration patience);

}  // namespace slipway::apps
