#include <boost/asio/error.hpp>

#include "net/raw_transport.hpp"
#include "net/websocket.hpp"

namespace slipway::net {
namespace {

// RFC 6455, 7.4.1.
constexpr std::uint16_t kNormal = 1000, kUnsupportedData = 1003, kInternalError = 1011;

/// Held by the caller alone: whatever waits for it asks whether it is still there.
class WebSocketSplice final : public std::enable_shared_from_this<WebSocketSplice> {
 public:
  WebSocketSplice(std::shared_ptr<WebSocket> socket, Unwrapped stream, std::function<void(SpliceEnd)> done)
      : socket_(std::move(socket)), stream_(std::move(stream)), done_(std::move(done)) {}
  WebSocketSplice(const WebSocketSplice&) = delete;
  WebSocketSplice& operator=(const WebSocketSplice&) = delete;
  ~WebSocketSplice() {
    if (!over_) stream_.transport->close();
  }

 private:
  /// `call` with this object in front, or nothing if it is gone by then.
  template <typename Call>
  auto when_alive(Call call) {
    return [weak = weak_from_this(), call = std::move(call)](auto&&... arguments) {
      if (const auto self = weak.lock()) call(*self, std::forward<decltype(arguments)>(arguments)...);
    };
  }

 public:
  void start() {
    socket_->on_message(when_alive([](WebSocketSplice& self, std::string_view message, bool binary) {
      binary ? self.to_stream(message) : self.socket_->close(kUnsupportedData, "only binary messages are understood");
    }));
    socket_->on_closed(when_alive([](WebSocketSplice& self, const std::string&) { self.socket_closed(); }));
    wait();
  }

 private:
  void to_stream(std::string_view message) {
    bytes_.first_to_second_bytes += message.size();
    const bool gone = stream_.transport->write_copy(
        message,
        when_alive([](WebSocketSplice& self, const ErrorCode& error, std::size_t) { self.stream_written(error); }));
    if (gone) return;
    writing_ = true;
    socket_->pause();
  }

  void stream_written(const ErrorCode& error) {
    writing_ = false;
    if (closed_) return end();
    if (error) socket_->close(kInternalError, "the connection broke off");
    socket_->resume();
  }

  void wait() {
    stream_.transport->wait_readable(
        when_alive([](WebSocketSplice& self, const ErrorCode& error) { self.readable(error); }));
  }

  void readable(ErrorCode error) {
    if (closed_) return;
    const std::span<char> scratch = Transport::scratch();
    const std::size_t got = error ? 0 : stream_.transport->read_now(scratch, error);
    if (error == boost::asio::error::would_block) return wait();
    if (error) {
      const bool ended = error == boost::asio::error::eof;
      return socket_->close(ended ? kNormal : kInternalError, ended ? "" : "the connection broke off");
    }
    bytes_.second_to_first_bytes += got;
    socket_->send_binary(std::string(scratch.data(), got), when_alive([](WebSocketSplice& self) { self.wait(); }));
  }

  void socket_closed() {
    closed_ = true;
    if (!writing_) end();  // else what is left still goes to the stream
  }

  void end() {
    if (std::exchange(over_, true)) return;
    stream_.transport->finish();
    if (const auto done = std::exchange(done_, nullptr)) done(bytes_);
  }

  std::shared_ptr<WebSocket> socket_;
  Unwrapped stream_;
  std::function<void(SpliceEnd)> done_;
  SpliceEnd bytes_;
  bool writing_ = false, closed_ = false, over_ = false;
};

}  // namespace

std::shared_ptr<void> splice(runtime::Loop&, std::shared_ptr<WebSocket> first, std::unique_ptr<RawStream> second,
                             std::function<void(SpliceEnd)> done) {
  auto started = std::make_shared<WebSocketSplice>(std::move(first), unwrap(std::move(second)), std::move(done));
  started->start();
  return started;
}

}  // namespace slipway::net
