// NetworkNamespace: the network that a container's processes see, held open, so that it stays the same one whatever
// becomes of the process that led to it. Connections into it come from this agent and from nowhere else. Blocking; any
// thread; shared by whoever connects.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "agent/process/host_ports.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "runtime/fd.hpp"

namespace slipway::agent {

/// What a blocking call looks at some times a second: true ends it with Cancelled.
using Cancelled = std::shared_ptr<const std::atomic<bool>>;

class NetworkNamespace {
 public:
  /// Of a process; NotFound if there is none. Whether it still is the process that was meant is the caller's to check
  /// afterwards.
  /// `rule`: of a network that others share; a port that breaks it is not connected to.
  static Result<std::shared_ptr<const NetworkNamespace>> of_process(int pid, std::optional<PortRule> rule = {});

  /// A connection to 127.0.0.1:`port` in there, non-blocking. Unreachable if nothing listens, Timeout, Cancelled,
  /// Denied without the right to enter, or if the rule forbids it (check_port).
  [[nodiscard]] Result<runtime::Fd> connect(int port, Duration timeout, const Cancelled& cancelled) const;

 private:
  NetworkNamespace(runtime::Fd there, std::optional<PortRule> rule)
      : there_(std::move(there)), rule_(std::move(rule)) {}
  [[nodiscard]] Result<runtime::Fd> make_socket() const;
  runtime::Fd there_;
  std::optional<PortRule> rule_;
};

/// Waits until `fd` has one of `events` (poll's). Timeout or Cancelled.
Result<void> wait_for_events(int fd, short events, SteadyTime until, const Cancelled& cancelled);
/// CLOCK_MONOTONIC, for deadlines of blocking calls.
SteadyTime steady_now();

}  // namespace slipway::agent
