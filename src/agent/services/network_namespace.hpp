// NetworkNamespace: the network that a container's processes see, held open, so that it stays the same one whatever
// becomes of the process that led to it. Connections into it come from this agent and from nowhere else. Blocking; any
// thread; shared by whoever connects.
#pragma once
#include <atomic>
#include <memory>
#include <string>

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
  static Result<std::shared_ptr<const NetworkNamespace>> of_process(int pid);

  /// A connection to 127.0.0.1:`port` in there, non-blocking. Unreachable if nothing listens, Timeout, Cancelled,
  /// Denied without the right to enter.
  [[nodiscard]] Result<runtime::Fd> connect(int port, Duration timeout, const Cancelled& cancelled) const;

 private:
  explicit NetworkNamespace(runtime::Fd there) : there_(std::move(there)) {}
  [[nodiscard]] Result<runtime::Fd> make_socket() const;
  runtime::Fd there_;
};

/// Waits until `fd` has one of `events` (poll's). Timeout or Cancelled.
Result<void> wait_for_events(int fd, short events, SteadyTime until, const Cancelled& cancelled);
/// CLOCK_MONOTONIC, for deadlines of blocking calls.
SteadyTime steady_now();

}  // namespace slipway::agent
