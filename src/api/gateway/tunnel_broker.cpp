#include "api/gateway/tunnel_broker.hpp"

#include "api/call.hpp"
#include "base/digest.hpp"

namespace slipway::api {
namespace {

constexpr std::size_t kTunnelIdBytes = 16;  // 32 hex digits

Error tunnel_lost(std::string why) {
  return Error{.code = Code::Unavailable, .message = std::move(why), .fix = "try again", .context = {}};
}

}  // namespace

void TunnelBroker::open(const TunnelTarget& target, Opened opened) {
  if (awaited_.size() >= kMaxAwaitedTunnels)
    return edge_.post([opened = std::move(opened)] {
      opened(fail(Code::Exhausted, "too many requests wait for a connection to their session"));
    });
  auto tunnel = hex_encode(random_.bytes(kTunnelIdBytes));
  awaited_[tunnel] =
      Awaited{.connection = target.connection,
              .host = target.host,
              .opened = std::move(opened),
              .deadline = edge_.after(kTunnelWithin, [this, tunnel] {
                give_up(tunnel, Error{.code = Code::Timeout,
                                      .message = fmt::format("the session's host opened no connection within {}",
                                                             format_duration(kTunnelWithin)),
                                      .fix = "try again",
                                      .context = {}});
              })};
  agents_.send(target.connection,
               wire::OpenTunnel{.tunnel = std::move(tunnel), .allocation = target.allocation, .port = target.port});
}

void TunnelBroker::arrived(const std::string& tunnel, const HostId& host,
                           const std::shared_ptr<net::Exchange>& exchange) {
  const auto found = awaited_.find(tunnel);
  if (found == awaited_.end() || found->second.host != host)
    return exchange->respond(problem(fail(Code::NotFound, "this tunnel is not awaited").error()));
  auto opened = std::move(found->second.opened);
  awaited_.erase(found);
  exchange->accept_upgrade(std::string(wire::kTunnelProtocol),
                           [opened = std::move(opened)](Result<std::unique_ptr<net::RawStream>> stream) {
                             if (!stream)
                               return opened(fail(tunnel_lost("the session's host broke its connection off")));
                             opened(std::move(stream));
                           });
}

void TunnelBroker::failed(controller::ConnectionId connection, const std::string& tunnel, const std::string& reason) {
  const auto found = awaited_.find(tunnel);
  if (found == awaited_.end() || found->second.connection != connection) return;
  give_up(tunnel, tunnel_lost("the app cannot be reached on its host: " + reason));
}

void TunnelBroker::agent_lost(controller::ConnectionId connection) {
  std::vector<std::string> lost;
  for (const auto& [tunnel, awaited] : awaited_)
    if (awaited.connection == connection) lost.push_back(tunnel);
  for (const auto& tunnel : lost) give_up(tunnel, tunnel_lost("the connection to the session's host was lost"));
}

void TunnelBroker::give_up(const std::string& tunnel, Error error) {
  const auto found = awaited_.find(tunnel);
  if (found == awaited_.end()) return;
  auto opened = std::move(found->second.opened);
  awaited_.erase(found);
  opened(fail(std::move(error)));
}

}  // namespace slipway::api
