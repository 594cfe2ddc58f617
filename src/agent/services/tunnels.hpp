// Tunnels: connections of the controller's gateway to ports of services. Each is one connection into a container's
// network and one to the agent listener, spliced, so that a person's bytes pass by everything else. Loop's thread, but
// for connecting (a pool of its own); owned by ServiceRuns; ends after its loop was stopped.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "agent/files/blob_client.hpp"
#include "agent/services/network_namespace.hpp"
#include "net/raw_stream.hpp"
#include "runtime/loop.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

/// A page with all its sockets needs some dozen; more is a loop in somebody's program.
inline constexpr std::size_t kTunnelsOfAService = 256;
/// Of all services together, two descriptors each.
inline constexpr std::size_t kTunnelsOfAHost = 4096;

class Tunnels {
 public:
  Tunnels(runtime::Loop& loop, std::function<void(wire::TunnelRefused)> on_refused);
  ~Tunnels();
  Tunnels(const Tunnels&) = delete;
  Tunnels& operator=(const Tunnels&) = delete;

  /// Whom to dial from now on.
  void set_peer(BlobClient::Peer peer) { peer_ = std::move(peer); }
  /// Connects to the port in `network`, then dials the controller; on_refused with a reason for people if either
  /// fails, or if there are too many. The order again changes nothing.
  void open(const wire::OpenTunnel& order, const std::shared_ptr<const NetworkNamespace>& network);
  void refuse(const std::string& tunnel, std::string reason);
  /// Closes those of one allocation, also the ones that are on their way.
  void close_all(const AllocationId& allocation);
  [[nodiscard]] std::size_t count(const AllocationId& allocation) const;

 private:
  struct Tunnel {
    AllocationId allocation;
    std::shared_ptr<std::atomic<bool>> cancelled = std::make_shared<std::atomic<bool>>(false);
    std::shared_ptr<void> splice;
  };
  void connected(const std::string& tunnel, Result<runtime::Fd> app);
  void dialled(const std::string& tunnel, runtime::Fd app, Result<std::unique_ptr<net::RawStream>> controller);

  runtime::Loop& loop_;
  std::function<void(wire::TunnelRefused)> on_refused_;
  BlobClient::Peer peer_;
  std::map<std::string, Tunnel> tunnels_;
  std::unique_ptr<runtime::BlockingPool> pool_;
};

/// Raises this process's limit of open files, as far as it may, to what that many tunnels need beside everything else.
Result<void> make_room_for_tunnels();

}  // namespace slipway::agent
