#include "net/websocket_stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>

#include "net/beast_stream.hpp"

namespace slipway::net {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
namespace http = beast::http;

using BeastWebSocket =
    websocket::stream<BeastStream, false>;  // no compression: control messages are small, files are not text

/// What may wait to be sent: a caller that looks at neither queued_bytes() nor `sent` must not fill our memory.
constexpr std::size_t kQueueBytes = 128 << 20;
/// What the input of a connection may keep between messages.
constexpr std::size_t kIdleInputBytes = 16 << 10;
/// Handshakes of either end and the exchange of close frames.
constexpr auto kHandshake = std::chrono::seconds(10);

http::request<http::empty_body> to_beast(const RequestHead& head) {
  http::request<http::empty_body> request;
  request.version(11);
  request.method_string(head.method);
  request.target(head.target);
  for (const auto& [name, value] : head.headers.fields()) request.insert(name, value);
  return request;
}

/// The connection itself. Held by its pending operations; the owner's end is the WebSocketHandle below.
class Core final : public std::enable_shared_from_this<Core> {
 public:
  Core(std::shared_ptr<Transport> transport, WebSocketOptions options, std::shared_ptr<void> lease, std::string peer)
      : transport_(std::move(transport)),
        stream_(BeastStream(transport_)),
        options_(options),
        lease_(std::move(lease)),
        peer_(std::move(peer)),
        close_timer_(transport_->context()) {
    stream_.read_message_max(options.message_limit_bytes);
    stream_.auto_fragment(false);
    // Beast pings when half of the idle time has passed without a sign of the peer.
    stream_.set_option(websocket::stream_base::timeout{
        .handshake_timeout = kHandshake, .idle_timeout = options.ping_interval * 2, .keep_alive_pings = true});
  }

  void accept(const RequestHead& head, WebSocketDone done);
  void open(const WebSocketTarget& target, WebSocketDone done);

  void on_message(std::function<void(std::string_view, bool)> handler) { message_ = std::move(handler); }
  void on_closed(std::function<void(const std::string&)> handler) { closed_ = std::move(handler); }
  void send(std::string message, bool binary, std::function<void()> sent);
  void close(std::uint16_t code, std::string reason);
  void pause() { paused_ = true; }
  void resume();
  /// The owner has let go: no callback any more.
  void abandon();
  [[nodiscard]] std::size_t queued_bytes() const { return queued_bytes_; }
  [[nodiscard]] const std::string& peer() const { return peer_; }

 private:
  struct Outgoing {
    std::string message;
    bool binary = false;
    std::function<void()> sent;
  };
  struct Closing {
    std::uint16_t code;
    std::string reason;
  };

  void begin(WebSocketDone done);
  void read();
  void received(const ErrorCode& error);
  void write_next();
  void written(const ErrorCode& error);
  void send_close();
  void ended(const ErrorCode& error);

  std::shared_ptr<Transport> transport_;
  BeastWebSocket stream_;
  WebSocketOptions options_;
  std::shared_ptr<void> lease_;
  std::string peer_;
  asio::steady_timer close_timer_;
  beast::flat_buffer input_;
  std::deque<Outgoing> output_;
  std::size_t queued_bytes_ = 0;
  bool reading_ = false, paused_ = false, writing_ = false, ended_ = false, close_sent_ = false, overflowed_ = false;
  std::optional<Closing> closing_;
  std::function<void(std::string_view, bool)> message_;
  std::function<void(const std::string&)> closed_;
};

class WebSocketHandle final : public WebSocket {
 public:
  explicit WebSocketHandle(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  WebSocketHandle(const WebSocketHandle&) = delete;
  WebSocketHandle& operator=(const WebSocketHandle&) = delete;
  ~WebSocketHandle() override { core_->abandon(); }
  void on_message(std::function<void(std::string_view, bool)> handler) override {
    core_->on_message(std::move(handler));
  }
  void on_closed(std::function<void(const std::string&)> handler) override { core_->on_closed(std::move(handler)); }
  void send_text(std::string message, std::function<void()> sent) override {
    core_->send(std::move(message), false, std::move(sent));
  }
  void send_binary(std::string message, std::function<void()> sent) override {
    core_->send(std::move(message), true, std::move(sent));
  }
  void pause() override { core_->pause(); }
  void resume() override { core_->resume(); }
  [[nodiscard]] std::size_t queued_bytes() const override { return core_->queued_bytes(); }
  void close(std::uint16_t code, std::string reason) override { core_->close(code, std::move(reason)); }
  [[nodiscard]] std::string peer_address() const override { return core_->peer(); }

 private:
  std::shared_ptr<Core> core_;
};

void Core::accept(const RequestHead& head, WebSocketDone done) {
  const auto request = std::make_shared<http::request<http::empty_body>>(to_beast(head));
  stream_.async_accept(*request, [self = shared_from_this(), request, done = std::move(done)](const ErrorCode& error) {
    if (!error) return self->begin(done);
    self->ended_ = true;
    self->transport_->close();
    done(fail(Code::Unreachable, "WebSocket handshake with {}: {}", self->peer_, error.message()));
  });
}

void Core::open(const WebSocketTarget& target, WebSocketDone done) {
  const auto response = std::make_shared<websocket::response_type>();
  stream_.set_option(websocket::stream_base::decorator([headers = target.headers](websocket::request_type& request) {
    for (const auto& [name, value] : headers.fields()) request.set(name, value);
  }));
  const std::string host = target.host.contains(':') ? "[" + target.host + "]" : target.host;
  stream_.async_handshake(
      *response, fmt::format("{}:{}", host, target.port), target.path,
      [self = shared_from_this(), response, done = std::move(done)](const ErrorCode& error) {
        if (!error) return self->begin(done);
        self->ended_ = true;
        self->transport_->close();
        if (error == websocket::error::upgrade_declined) {
          return done(fail(code_of_status(static_cast<int>(response->result_int())), "{} refused the connection: {} {}",
                           self->peer_, response->result_int(), response->body().substr(0, 1000)));
        }
        done(fail(Code::Unreachable, "WebSocket handshake with {}: {}", self->peer_, error.message()));
      });
}

void Core::begin(WebSocketDone done) {
  // Reading starts in a later turn, when the owner has set its handlers.
  asio::post(transport_->context(), [self = shared_from_this()] { self->read(); });
  done(std::make_shared<WebSocketHandle>(shared_from_this()));
}

void Core::read() {
  if (ended_ || reading_ || (paused_ && !closing_)) return;
  reading_ = true;
  stream_.async_read(input_,
                     [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->received(error); });
}

void Core::resume() {
  if (!std::exchange(paused_, false)) return;
  asio::post(transport_->context(), [self = shared_from_this()] { self->read(); });
}

void Core::received(const ErrorCode& error) {
  reading_ = false;
  if (ended_) return;
  if (error) return ended(error);
  const auto data = input_.cdata();
  const std::string_view message(static_cast<const char*>(data.data()), data.size());
  if (message_ && !closing_) {
    const auto handler = message_;
    handler(message, stream_.got_binary());
  }
  input_.clear();
  if (input_.capacity() > kIdleInputBytes) input_.shrink_to_fit();
  read();
}

void Core::send(std::string message, bool binary, std::function<void()> sent) {
  if (ended_ || closing_ || overflowed_) return;
  overflowed_ = queued_bytes_ + message.size() > kQueueBytes;
  if (overflowed_) return transport_->close();  // the pending read then reports the end
  queued_bytes_ += message.size();
  output_.push_back({.message = std::move(message), .binary = binary, .sent = std::move(sent)});
  if (!writing_) write_next();
}

void Core::write_next() {
  writing_ = true;
  stream_.binary(output_.front().binary);
  stream_.async_write(asio::buffer(output_.front().message),
                      [self = shared_from_this()](const ErrorCode& error, std::size_t) { self->written(error); });
}

void Core::written(const ErrorCode& error) {
  writing_ = false;
  if (ended_) return output_.clear();
  if (error) return ended(error);
  const Outgoing done = std::move(output_.front());
  output_.pop_front();
  queued_bytes_ -= done.message.size();
  if (!output_.empty()) {
    write_next();
  } else if (closing_) {
    send_close();
  }
  if (done.sent) done.sent();
}

void Core::close(std::uint16_t code, std::string reason) {
  if (ended_ || closing_) return;
  // RFC 6455, 5.5: a control frame holds 125 bytes, two of them the code.
  reason.resize(std::min<std::size_t>(reason.size(), 123));
  closing_ = Closing{.code = code, .reason = std::move(reason)};
  close_timer_.expires_after(kHandshake);
  close_timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->transport_->close();
  });
  read();  // also when paused: the peer's answer to the close is waited for
  if (!writing_) send_close();
}

void Core::send_close() {
  if (std::exchange(close_sent_, true)) return;
  websocket::close_reason reason(static_cast<websocket::close_code>(closing_->code));
  reason.reason = closing_->reason;
  stream_.async_close(reason, [self = shared_from_this()](const ErrorCode& error) {
    if (!self->ended_) self->ended(error ? error : ErrorCode(websocket::error::closed));
  });
}

/// For people; the error's own words where there are no better ones.
std::string why_ended(const ErrorCode& error, const websocket::close_reason& reason, Duration silence) {
  if (error == beast::error::timeout) return fmt::format("no sign of life for {}", format_duration(silence));
  if (error == websocket::error::closed && reason.code != websocket::close_code::none) {
    return fmt::format("closed by the peer: {} {}", static_cast<unsigned>(reason.code),
                       std::string_view(reason.reason.data(), reason.reason.size()));
  }
  return error.message();
}

void Core::ended(const ErrorCode& error) {
  const auto self = shared_from_this();
  ended_ = true;
  close_timer_.cancel();
  transport_->finish();
  queued_bytes_ = 0;
  if (!writing_) output_.clear();
  std::string why = why_ended(error, stream_.reason(), options_.ping_interval * 2);
  if (closing_) why = fmt::format("closed here: {} {}", closing_->code, closing_->reason);
  if (overflowed_) why = "the peer takes messages too slowly";
  lease_.reset();
  message_ = nullptr;
  if (const auto closed = std::exchange(closed_, nullptr)) closed(why);
}

void Core::abandon() {
  message_ = nullptr;
  closed_ = nullptr;
  for (Outgoing& outgoing : output_) outgoing.sent = nullptr;
  close(static_cast<std::uint16_t>(websocket::close_code::going_away), "");
}

}  // namespace

bool is_websocket_upgrade(const RequestHead& head) {
  const auto request = to_beast(head);
  const auto key = head.headers.get("Sec-WebSocket-Key");
  return websocket::is_upgrade(request) && key && key->size() == 24 &&
         head.headers.get("Sec-WebSocket-Version") == "13";
}

void accept_stream(std::shared_ptr<Transport> transport, const RequestHead& head, WebSocketOptions options,
                   std::shared_ptr<void> lease, WebSocketDone done) {
  std::make_shared<Core>(std::move(transport), options, std::move(lease), head.peer_address)
      ->accept(head, std::move(done));
}

void open_stream(std::shared_ptr<Transport> transport, const WebSocketTarget& target, WebSocketOptions options,
                 WebSocketDone done) {
  const std::string peer = fmt::format("{}:{}", target.host, target.port);
  std::make_shared<Core>(std::move(transport), options, nullptr, peer)->open(target, std::move(done));
}

}  // namespace slipway::net
