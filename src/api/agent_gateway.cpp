#include "api/agent_gateway.hpp"

#include "api/blob_exchange.hpp"
#include "api/call.hpp"
#include "auth/token_table.hpp"
#include "base/log.hpp"
#include "controller/core.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::api {
namespace {

constexpr Duration kHelloWithin = std::chrono::seconds(10);  // a connection that says nothing costs memory
/// Orders queued for an agent that does not read; beyond it the connection is given up, and the agent comes back.
constexpr std::size_t kMaxQueuedBytes = 64 << 20;
constexpr std::size_t kMaxLinks = 1500;  // below the server's own limit of connections, which blobs need too

}  // namespace

void AgentGateway::handle(std::shared_ptr<net::Exchange> exchange) {
  const auto& head = exchange->head();
  const auto path = net::decode_path(net::split_target(head.target).first);
  if (!path) return exchange->respond(problem(path.error()));
  if (*path == wire::kConnectPath) return connect(exchange);
  if (path->starts_with(wire::kBlobPath)) {
    const auto name = path->substr(wire::kBlobPath.size());
    return with_credential(exchange, [this, exchange, name](const HostId&) { handle_blob(exchange, name); });
  }
  if (path->starts_with(wire::kTunnelPath)) {
    const auto tunnel = path->substr(wire::kTunnelPath.size());
    return with_credential(exchange,
                           [this, exchange, tunnel](const HostId& host) { tunnels_.arrived(tunnel, host, exchange); });
  }
  exchange->respond(problem(fail(Code::NotFound, "there is nothing at this path").error()));
}

void AgentGateway::connect(const std::shared_ptr<net::Exchange>& exchange) {
  if (links_.size() >= kMaxLinks)
    return exchange->respond(problem(fail(Code::Unavailable, "too many agents are connected").error()));
  exchange->accept_websocket({.message_limit_bytes = wire::kMaxMessageBytes},
                             [this](Result<std::shared_ptr<net::WebSocket>> socket) {
                               if (socket) adopt(std::move(*socket));
                             });
}

void AgentGateway::adopt(std::shared_ptr<net::WebSocket> socket) {
  const auto id = next_++;
  socket->on_message([this, id](std::string_view message, bool binary) { on_message(id, message, binary); });
  socket->on_closed([this, id](const std::string& why) {
    // Not inside the socket's own call: forgetting the link may destroy the socket.
    edge_.post([this, id, why] {
      if (links_.erase(id) > 0) runner_.post(controller::AgentGone{id, why});
    });
  });
  links_[id] = Link{.socket = std::move(socket),
                    .hello_deadline = edge_.after(kHelloWithin, [this, id] { close_now(id, 1008, "no hello came"); })};
}

void AgentGateway::on_message(controller::ConnectionId connection, std::string_view message, bool binary) {
  if (binary) {
    auto chunk = wire::decode_log_chunk(message);
    if (!chunk) return close_now(connection, 1007, "a log chunk cannot be read");
    runner_.append_log(connection, std::move(*chunk));
    return;
  }
  auto decoded = wire::decode_agent_message(message);
  if (!decoded) {
    log::warn("agent connection {}: {}", connection, decoded.error().text());
    return close_now(connection, 1007, "a message cannot be read");
  }
  if (!*decoded) {
    log::info("agent connection {}: a message of a type that this version does not know is ignored", connection);
    return;
  }
  if (std::holds_alternative<wire::Hello>(**decoded))
    if (const auto found = links_.find(connection); found != links_.end()) found->second.hello_deadline.cancel();
  runner_.post(controller::AgentSaid{connection, std::move(**decoded)});
}

void AgentGateway::send(controller::ConnectionId connection, wire::ControllerMessage message) {
  edge_.post([this, connection, text = wire::encode(message)] {
    const auto found = links_.find(connection);
    if (found == links_.end()) return;
    if (found->second.socket->queued_bytes() > kMaxQueuedBytes)
      return close_now(connection, 1008, "the agent does not read its orders");
    found->second.socket->send_text(text);
  });
}

void AgentGateway::close(controller::ConnectionId connection, const std::string& why) {
  edge_.post([this, connection, why] { close_now(connection, 1000, why); });
}

void AgentGateway::close_now(controller::ConnectionId connection, std::uint16_t code, const std::string& why) {
  const auto found = links_.find(connection);
  if (found == links_.end()) return;
  constexpr std::size_t kMaxReason = 120;  // RFC 6455, 5.5: a control frame carries 125 bytes
  found->second.socket->close(code, why.substr(0, kMaxReason));
}

void AgentGateway::with_credential(const std::shared_ptr<net::Exchange>& exchange,
                                   std::function<void(const HostId&)> then) {
  const auto header = exchange->head().headers.get("Authorization");
  const auto secret = header ? auth::bearer_secret(*header) : std::nullopt;
  if (!secret) return exchange->respond(problem(fail(Code::Unauthenticated, "no credential was sent").error()));
  runner_.read([this, exchange, secret = std::string(*secret), then = std::move(then)](const controller::Core& core) {
    const auto host = core.host_of_credential(secret);
    return std::function<void()>([this, exchange, then, host = host ? std::optional(*host) : std::nullopt] {
      edge_.post([exchange, then, host] {
        if (host) return then(*host);
        exchange->respond(problem(fail(Code::Unauthenticated, "this credential is not known").error()));
      });
    });
  });
}

void AgentGateway::handle_blob(const std::shared_ptr<net::Exchange>& exchange, const std::string& name) {
  const BlobPorts ports{edge_, files_, runner_.blobs()};
  const auto& method = exchange->head().method;
  if (method == "POST" && name == "missing") return answer_missing_blobs(ports, exchange);
  if (method == "PUT") return receive_blob(ports, exchange, name);
  if (method == "GET") return send_blob(ports, exchange, name);
  exchange->respond(problem(fail(Code::InvalidInput, "a blob knows GET and PUT").error()));
}

}  // namespace slipway::api
