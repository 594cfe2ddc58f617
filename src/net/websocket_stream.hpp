// The two ways in which a connected Transport becomes a WebSocket. For .cpp files of net/ only. Loop's thread.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "net/http.hpp"
#include "net/transport.hpp"
#include "net/websocket.hpp"

namespace slipway::net {

using WebSocketDone = std::function<void(Result<std::shared_ptr<WebSocket>>)>;

/// True for a well-formed upgrade request of version 13.
bool is_websocket_upgrade(const RequestHead& head);
/// The server's side. `lease` is held until the connection has ended.
void accept_stream(std::shared_ptr<Transport> transport, const RequestHead& head, WebSocketOptions options,
                   std::shared_ptr<void> lease, WebSocketDone done);
/// The client's side: sends the upgrade request.
void open_stream(std::shared_ptr<Transport> transport, const WebSocketTarget& target, WebSocketOptions options,
                 WebSocketDone done);

}  // namespace slipway::net
