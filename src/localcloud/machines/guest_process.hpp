// GuestProcess files and signals: how the cloud and a supervisor find and talk to each other without a connection.
#pragma once
#include <optional>
#include <string>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "localcloud/machines/guest.hpp"
#include "runtime/fd.hpp"

namespace slipway::localcloud {

/// What a supervisor understands.
enum class GuestOrder {
  Stop,    ///< SIGTERM, with the deadline in milliseconds as its value (0: the supervisor's own)
  Kill,    ///< SIGUSR2
  Reboot,  ///< SIGUSR1
};

/// The signal of the order.
int signal_of(GuestOrder order);
/// A descriptor that names the process and becomes readable when it ends; NotFound unless it runs and is that very one.
Result<runtime::Fd> open_process(const GuestProcess& process);
/// `deadline` is for Stop alone.
Result<void> send_order(const runtime::Fd& process, GuestOrder order, Duration deadline = {});

/// {"pid": …, "start_time": …}.
std::string encode(const GuestProcess& process);
Result<GuestProcess> decode_guest_process(const std::string& text);
/// The supervisor that wrote its file in the directory, if it runs.
std::optional<GuestProcess> find_supervisor(const std::string& directory);

}  // namespace slipway::localcloud
