// WebSocket: one open connection, either side. Loop's thread. Pings every `ping_interval`; a peer from which nothing
// came for twice that long is gone.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"
#include "runtime/loop.hpp"

namespace slipway::net {

struct WebSocketOptions {
  std::size_t message_limit_bytes = 4 << 20;  ///< a larger message closes the connection (1009)
  Duration ping_interval = std::chrono::seconds(5);
};

class WebSocket {
 public:
  /// Destroying it closes the connection.
  virtual ~WebSocket() = default;
  /// Set both right away, before returning to the loop: messages wait for that.
  virtual void on_message(std::function<void(std::string_view message, bool binary)> handler) = 0;
  /// Called once, also after a local close(); `why` is for people.
  virtual void on_closed(std::function<void(const std::string& why)> handler) = 0;
  /// Queues a message; messages go in order. `sent` (may be empty) is called when it was handed to the kernel. Over
  /// 128 MiB queued the connection breaks off: watch queued_bytes() or wait for `sent`.
  virtual void send_text(std::string message, std::function<void()> sent = {}) = 0;
  virtual void send_binary(std::string message, std::function<void()> sent = {}) = 0;
  /// After the message that is being handed over, no other comes until resume(): how a slow consumer holds a fast peer
  /// back. Pings are not answered meanwhile and a close is not seen, so a pause of two `ping_interval` ends the
  /// connection.
  virtual void pause() = 0;
  virtual void resume() = 0;
  /// Bytes queued and not yet handed to the kernel.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  virtual void close(std::uint16_t code, std::string reason) = 0;
  [[nodiscard]] virtual std::string peer_address() const = 0;
};

struct WebSocketTarget {
  std::string host;  ///< name or IP address
  std::uint16_t port = 0;
  std::string path = "/";
  std::optional<PinnedAuthority> tls;  ///< nothing: plain
  Headers headers;
  Duration timeout = std::chrono::seconds(10);  ///< for connect, TLS and upgrade together
};
/// Connects. Unreachable, Timeout, Denied (wrong authority), or the Code that stands for the HTTP status of a refusal.
void connect_websocket(runtime::Loop& loop, WebSocketTarget target, WebSocketOptions options,
                       std::function<void(Result<std::shared_ptr<WebSocket>>)> done);

}  // namespace slipway::net
