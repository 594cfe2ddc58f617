// AgentGateway: the agents' listener: their connections and their bulk data. It turns frames into events and orders
// into frames; who an agent is and what it may do is decided by the core. Edge thread, but for send() and close().
#pragma once
#include <map>
#include <memory>
#include <string>

#include "api/gateway/tunnel_broker.hpp"
#include "controller/runner.hpp"
#include "net/http_server.hpp"
#include "runtime/loop.hpp"

namespace slipway::api {

class AgentGateway final : public controller::AgentLinks {
 public:
  AgentGateway(runtime::Loop& edge, runtime::BlockingPool& files, controller::Runner& runner)
      : edge_(edge), files_(files), runner_(runner), tunnels_(edge, *this) {}

  /// A request on the agent listener.
  void handle(std::shared_ptr<net::Exchange> exchange);
  void send(controller::ConnectionId connection, wire::ControllerMessage message) override;
  void close(controller::ConnectionId connection, const std::string& why) override;
  TunnelBroker& tunnels() { return tunnels_; }

 private:
  struct Link {
    std::shared_ptr<net::WebSocket> socket;
    runtime::Loop::Timer hello_deadline;
  };
  void connect(const std::shared_ptr<net::Exchange>& exchange);
  void adopt(std::shared_ptr<net::WebSocket> socket);
  void on_message(controller::ConnectionId connection, std::string_view message, bool binary);
  void close_now(controller::ConnectionId connection, std::uint16_t code, const std::string& why);
  void with_credential(const std::shared_ptr<net::Exchange>& exchange, std::function<void(const HostId&)> then);
  void handle_blob(const std::shared_ptr<net::Exchange>& exchange, const std::string& name);

  runtime::Loop& edge_;
  runtime::BlockingPool& files_;
  controller::Runner& runner_;
  TunnelBroker tunnels_;
  std::map<controller::ConnectionId, Link> links_;
  controller::ConnectionId next_ = 1;
};

}  // namespace slipway::api
