// HttpServer: HTTP/1.1 and WebSocket, plain or TLS, on TCP or on a Unix socket. Beast and Asio stand behind it.
// Everything here belongs to the loop's thread.
//
// Limits, each against a peer that would tie up memory or a connection: header 16 KiB, 100 fields (more: 431), head
// within 10 s (408), idle keep-alive 60 s, body by the handler's limit (413), no progress on a body or answer for 30 s
// (closed), 2048 connections a server (more are closed at once). Two content lengths, or a length beside chunked, are
// 400 and close.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"
#include "net/websocket.hpp"
#include "runtime/fd.hpp"
#include "runtime/loop.hpp"

namespace slipway::net {

class RawStream;

/// One request and its answer. Held by shared_ptr: whoever answers later keeps it alive. If the last holder lets go
/// unanswered, the peer gets 500. Calls after the peer has gone do nothing.
class Exchange {
 public:
  virtual ~Exchange() = default;
  [[nodiscard]] virtual const RequestHead& head() const = 0;

  /// Reads the whole body. TooLarge over `limit_bytes`; Unreachable when the peer broke off. At most one read_… call.
  virtual void read_body(std::size_t limit_bytes, std::function<void(Result<std::string>)> done) = 0;
  /// Reads the body piece by piece: `piece` says whether to go on and is called again only after it returned. `done`
  /// comes last.
  virtual void read_body_pieces(std::uint64_t limit_bytes, std::function<Result<void>(std::string_view)> piece,
                                std::function<void(Result<void>)> done) = 0;

  /// Holds the peer back: after what was read already, `piece` is not called until resume_body(), and no deadline
  /// counts against the peer. Allowed inside `piece`.
  virtual void pause_body() = 0;
  virtual void resume_body() = 0;

  /// The whole answer; once, and instead of begin().
  virtual void respond(Response response) = 0;
  /// Starts an answer of unknown length (chunked). Then write() and at last finish().
  virtual void begin(int status, Headers headers) = 0;
  /// As begin(), with a length that is known. Writing more, or finishing with less, is an abort(). The answer to a HEAD
  /// and a 304 say the length and have no body.
  virtual void begin_sized(int status, Headers headers, std::uint64_t length) = 0;
  /// An informational answer (102 to 199) ahead of the answer; a peer of HTTP/1.0 is told nothing.
  virtual void inform(int status, Headers headers) = 0;
  /// Queues bytes. `flushed` (may be empty) gets true when they were handed to the kernel, false when the peer has
  /// gone; a writer that waits for it before the next write() never piles up memory. Over 64 MiB queued: abort().
  virtual void write(std::string bytes, std::function<void(bool)> flushed) = 0;
  virtual void finish() = 0;
  /// Ends the connection without a proper end of the answer, so the peer sees that it is incomplete.
  virtual void abort() = 0;
  /// Answers with `length` bytes of a file from `offset`, read as the peer takes them.
  virtual void respond_with_file(int status, Headers headers, runtime::Fd file, std::uint64_t offset,
                                 std::uint64_t length) = 0;

  /// Answers an upgrade request; InvalidInput if it is none (and then 400 was sent).
  virtual void accept_websocket(WebSocketOptions options,
                                std::function<void(Result<std::shared_ptr<WebSocket>>)> done) = 0;
  using Upgraded = std::function<void(Result<std::unique_ptr<RawStream>>)>;
  /// Answers a request that asks to upgrade to `protocol` with 101 and `headers` and hands over the connection with all
  /// that the peer sent after its head. InvalidInput if it asks for something else or has a body (and then 400 was
  /// sent); Unreachable if the peer has gone.
  virtual void accept_upgrade(std::string protocol, Headers headers, Upgraded done) = 0;
  void accept_upgrade(std::string protocol, Upgraded done) { accept_upgrade(std::move(protocol), {}, std::move(done)); }
  /// Called once if the peer goes away before the answer is complete. A peer that only closed its sending side counts
  /// as gone, but still gets what is answered nevertheless.
  virtual void on_gone(std::function<void()> gone) = 0;
};

/// The defaults are what the page's head promises; tests shorten them.
struct HttpLimits {
  std::size_t head_bytes = 16 << 10;
  std::size_t head_fields = 100;
  std::size_t connections = 2048;
  Duration head_timeout = std::chrono::seconds(10);  ///< also for the TLS handshake
  Duration idle_timeout = std::chrono::seconds(60);
  Duration stall_timeout = std::chrono::seconds(30);
};

struct ListenOptions {
  std::string address = "127.0.0.1";  ///< an IP address; ignored with unix_path or listening_fd
  std::uint16_t port = 0;             ///< 0: a free one
  std::string unix_path;              ///< mode 0600; a stale socket is replaced
  runtime::Fd listening_fd;           ///< a bound, listening TCP socket, e.g. from another network namespace
  std::optional<ServerCertificate> tls;
  int response_ttl = 0;  ///< IP_TTL of accepted connections; 0: the system's
  HttpLimits limits;
};

class HttpServer {
 public:
  using Handler = std::function<void(std::shared_ptr<Exchange>)>;
  /// Conflict if the address is taken. The server accepts from now on, once the loop runs.
  static Result<std::unique_ptr<HttpServer>> listen(runtime::Loop& loop, ListenOptions options, Handler handler);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  /// Stops accepting and closes every connection. Callbacks of exchanges that are under way are dropped, not called; a
  /// WebSocket gets its on_closed. Destroying does the same. Allowed inside any callback.
  virtual void close() = 0;
  /// For connections from now on.
  virtual Result<void> replace_certificate(const ServerCertificate& certificate) = 0;
};

}  // namespace slipway::net
