#include "agent/services/tunnels.hpp"

#include <sys/resource.h>

#include <algorithm>

#include "base/log.hpp"

namespace slipway::agent {
namespace {

constexpr int kTunnelThreads = 4;  ///< a connection on loopback is made or refused at once, but for a full backlog
/// Together below the 10 s that a tunnel's name is good for.
constexpr Duration kAppConnectTimeout = std::chrono::seconds(3);
constexpr Duration kTunnelDialTimeout = std::chrono::seconds(6);
constexpr rlim_t kOtherDescriptors = 1024;

}  // namespace

Tunnels::Tunnels(runtime::Loop& loop, std::function<void(wire::TunnelRefused)> on_refused)
    : loop_(loop), on_refused_(std::move(on_refused)), pool_(std::make_unique<runtime::BlockingPool>(kTunnelThreads)) {}

Tunnels::~Tunnels() {
  for (auto& [name, tunnel] : tunnels_) *tunnel.cancelled = true;
  pool_.reset();
}

std::size_t Tunnels::count(const AllocationId& allocation) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(tunnels_, [&](const auto& one) { return one.second.allocation == allocation; }));
}

void Tunnels::refuse(const std::string& tunnel, std::string reason) {
  tunnels_.erase(tunnel);
  on_refused_({.tunnel = tunnel, .reason = std::move(reason)});
}

void Tunnels::open(const wire::OpenTunnel& order, const std::shared_ptr<const NetworkNamespace>& network) {
  if (tunnels_.contains(order.tunnel)) return;
  if (count(order.allocation) >= kTunnelsOfAService) {
    return refuse(order.tunnel, fmt::format("{} connections of this session are open, which is the limit; close "
                                            "some of its windows",
                                            kTunnelsOfAService));
  }
  if (tunnels_.size() >= kTunnelsOfAHost) {
    return refuse(order.tunnel,
                  fmt::format("{} connections to sessions on this host are open, which is the limit", kTunnelsOfAHost));
  }
  Tunnel& tunnel = tunnels_[order.tunnel];
  tunnel.allocation = order.allocation;
  pool_->offload(
      loop_,
      [network, port = order.port, cancelled = Cancelled(tunnel.cancelled)] {
        return network->connect(port, kAppConnectTimeout, cancelled);
      },
      [this, name = order.tunnel](Result<runtime::Fd> app) { connected(name, std::move(app)); });
}

void Tunnels::connected(const std::string& name, Result<runtime::Fd> app) {
  if (!tunnels_.contains(name)) return;  // closed meanwhile
  if (!app) return refuse(name, app.error().text());
  net::UpgradeTarget target{.endpoint = peer_.endpoint,
                            .path = std::string(wire::kTunnelPath) + name,
                            .headers = {},
                            .protocol = std::string(wire::kTunnelProtocol),
                            .timeout = kTunnelDialTimeout};
  target.headers.add("Authorization", "Bearer " + peer_.credential);
  net::connect_upgraded(loop_, std::move(target),
                        [this, name, app = std::make_shared<runtime::Fd>(std::move(*app))](auto controller) {
                          dialled(name, std::move(*app), std::move(controller));
                        });
}

void Tunnels::dialled(const std::string& name, runtime::Fd app, Result<std::unique_ptr<net::RawStream>> controller) {
  const auto found = tunnels_.find(name);
  if (found == tunnels_.end()) return;
  if (!controller) {
    log::warn("a tunnel of {} could not be opened: {}", found->second.allocation, controller.error().text());
    return refuse(name, "the host could not open its side: " + controller.error().text());
  }
  found->second.splice = net::splice(loop_, std::move(*controller), net::make_raw_stream(loop_, std::move(app)),
                                     [this, name](net::SpliceEnd) {
                                       // Never inside the splice's own callback.
                                       loop_.post([this, name] { tunnels_.erase(name); });
                                     });
}

void Tunnels::close_all(const AllocationId& allocation) {
  std::erase_if(tunnels_, [&](const auto& one) {
    if (one.second.allocation != allocation) return false;
    *one.second.cancelled = true;
    return true;
  });
}

Result<void> make_room_for_tunnels() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno(errno, "read the limit of open files");
  const rlim_t wanted = std::min<rlim_t>(limit.rlim_max, 2 * kTunnelsOfAHost + kOtherDescriptors);
  if (limit.rlim_cur >= wanted) return {};
  limit.rlim_cur = wanted;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno(errno, "raise the limit of open files");
  return {};
}

}  // namespace slipway::agent
