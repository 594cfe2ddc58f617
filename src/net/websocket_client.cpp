#include <boost/asio/steady_timer.hpp>

#include "net/connector.hpp"
#include "net/websocket.hpp"
#include "net/websocket_stream.hpp"

namespace slipway::net {
namespace {

/// Connect, TLS and upgrade under one deadline.
class Opening final : public std::enable_shared_from_this<Opening> {
 public:
  Opening(runtime::Loop& loop, WebSocketTarget target, WebSocketOptions options, WebSocketDone done)
      : context_(context_of(loop)),
        target_(std::move(target)),
        options_(options),
        done_(std::move(done)),
        deadline_(context_) {}

  void start() {
    deadline_.expires_after(target_.timeout);
    deadline_.async_wait([self = shared_from_this()](const ErrorCode& error) {
      if (!error) self->expired();
    });
    connecting_ =
        connect_to(context_, {.unix_path = {}, .host = target_.host, .port = target_.port, .tls = target_.tls},
                   target_.timeout, [self = shared_from_this()](Result<std::shared_ptr<Transport>> transport) {
                     if (!transport) return self->end(fail(std::move(transport).error()));
                     self->upgrade(std::move(*transport));
                   });
  }

 private:
  void upgrade(std::shared_ptr<Transport> transport) {
    transport_ = transport;
    open_stream(
        std::move(transport), target_, options_,
        [self = shared_from_this()](Result<std::shared_ptr<WebSocket>> socket) { self->end(std::move(socket)); });
  }

  void expired() {
    const auto transport = std::exchange(transport_, nullptr);
    end(fail(Code::Timeout, "connecting to {}:{}: no WebSocket within {}", target_.host, target_.port,
             format_duration(target_.timeout)));
    if (transport) transport->close();
  }

  void end(Result<std::shared_ptr<WebSocket>> result) {
    const auto self = shared_from_this();
    deadline_.cancel();
    transport_.reset();
    connecting_.reset();
    if (const auto done = std::exchange(done_, nullptr)) done(std::move(result));
  }

  boost::asio::io_context& context_;
  WebSocketTarget target_;
  WebSocketOptions options_;
  WebSocketDone done_;
  boost::asio::steady_timer deadline_;
  std::shared_ptr<void> connecting_;
  std::shared_ptr<Transport> transport_;
};

}  // namespace

void connect_websocket(runtime::Loop& loop, WebSocketTarget target, WebSocketOptions options,
                       std::function<void(Result<std::shared_ptr<WebSocket>>)> done) {
  std::make_shared<Opening>(loop, std::move(target), options, std::move(done))->start();
}

}  // namespace slipway::net
