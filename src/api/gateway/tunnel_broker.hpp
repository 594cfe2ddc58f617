// TunnelBroker: brings together a request that needs a connection to a session's app and the connection that the host's
// agent opens for it. Asks over the agent's link and knows the answer by the tunnel's id, which is good for one
// connection of that very host within kTunnelWithin. Edge thread; owned by AgentGateway.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "controller/runner.hpp"
#include "net/http_server.hpp"
#include "net/raw_stream.hpp"
#include "runtime/loop.hpp"

namespace slipway::api {

inline constexpr Duration kTunnelWithin = std::chrono::seconds(10);  ///< wire/agent_protocol.hpp, OpenTunnel
inline constexpr std::size_t kMaxAwaitedTunnels = 1024;              ///< each holds a browser's request open

struct TunnelTarget {
  controller::ConnectionId connection = 0;  ///< of the host's agent
  HostId host;
  AllocationId allocation;
  int port = 0;
};

class TunnelBroker {
 public:
  using Opened = std::function<void(Result<std::unique_ptr<net::RawStream>>)>;

  TunnelBroker(runtime::Loop& edge, controller::AgentLinks& agents) : edge_(edge), agents_(agents) {}

  /// `opened` is called once, never inside: Unavailable if the agent refuses or is lost, Timeout if nothing comes,
  /// Exhausted if too many wait already.
  void open(const TunnelTarget& target, Opened opened);

  /// A request of an agent for this tunnel; `host` is whose credential it carries. 404 for an id that is not awaited
  /// from that host.
  void arrived(const std::string& tunnel, const HostId& host, const std::shared_ptr<net::Exchange>& exchange);
  void failed(controller::ConnectionId connection, const std::string& tunnel, const std::string& reason);
  void agent_lost(controller::ConnectionId connection);

 private:
  struct Awaited {
    controller::ConnectionId connection = 0;
    HostId host;
    Opened opened;
    runtime::Loop::Timer deadline;
  };
  void give_up(const std::string& tunnel, Error error);

  runtime::Loop& edge_;
  controller::AgentLinks& agents_;
  SystemRandom random_;
  std::map<std::string, Awaited> awaited_;
};

}  // namespace slipway::api
