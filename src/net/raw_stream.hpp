// RawStream: one open connection, plain or TLS, whose bytes are no business of this room's: what is left of a
// connection after an upgrade, or a socket that somebody connected. Moved into whatever uses it next. Loop's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "net/http_client.hpp"

namespace slipway::net {

class WebSocket;

/// Destroying it closes the connection at once.
class RawStream {
 public:
  virtual ~RawStream() = default;
  /// False also when the peer has ended its side and all that it sent was read.
  [[nodiscard]] virtual bool is_open() const = 0;
};

/// Takes a connected stream socket.
std::unique_ptr<RawStream> make_raw_stream(runtime::Loop& loop, runtime::Fd socket);

struct UpgradeTarget {
  Endpoint endpoint;
  std::string path;
  Headers headers;
  std::string protocol;                         ///< value of the Upgrade field
  Duration timeout = std::chrono::seconds(10);  ///< for connect, TLS and upgrade together
};
/// Sends `GET path` with `Upgrade: protocol` and hands over the connection after the 101. Unreachable, Timeout, Denied
/// (wrong authority), or the Code that stands for the HTTP status of a refusal.
void connect_upgraded(runtime::Loop& loop, UpgradeTarget target,
                      std::function<void(Result<std::unique_ptr<RawStream>>)> done);

struct SpliceEnd {
  std::uint64_t first_to_second_bytes = 0;
  std::uint64_t second_to_first_bytes = 0;
};
/// Copies both ways. When one side ends, the other is told so after all that it was sent, and may still answer: both
/// are closed when it has ended too, or has moved nothing for 30 s. Each direction holds at most 64 KiB and nothing
/// while it is idle; a slow side holds the other back. The handle may be destroyed at any time, which closes both;
/// `done` (may be empty) is then not called.
std::shared_ptr<void> splice(runtime::Loop& loop, std::unique_ptr<RawStream> first, std::unique_ptr<RawStream> second,
                             std::function<void(SpliceEnd)> done);
/// The same between the binary messages of a WebSocket and a stream (noVNC's way to speak to a VNC server). A text
/// message closes it (1003). When one side ends, the other is closed after all that it was sent. One message of the
/// WebSocket is held at a time, whatever its limit is.
std::shared_ptr<void> splice(runtime::Loop& loop, std::shared_ptr<WebSocket> first, std::unique_ptr<RawStream> second,
                             std::function<void(SpliceEnd)> done);

}  // namespace slipway::net
