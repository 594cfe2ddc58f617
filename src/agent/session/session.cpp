#include "agent/session/session.hpp"

#include "base/log.hpp"

namespace slipway::agent {
namespace {

constexpr Duration kFirstRedial = std::chrono::milliseconds(100);
constexpr Duration kLongestRedial = std::chrono::seconds(5);  ///< a controller that restarted is found again soon
constexpr Duration kAfterRefusal = std::chrono::minutes(1);   ///< a person has to change something first
constexpr Duration kHandshakeTimeout = std::chrono::seconds(10);

}  // namespace

Session::Session(runtime::Loop& loop, RandomSource& random, net::WebSocketTarget target, Callbacks callbacks)
    : loop_(loop),
      random_(random),
      target_(std::move(target)),
      callbacks_(std::move(callbacks)),
      backoff_(kFirstRedial) {}

void Session::begin() { dial(); }

void Session::dial() {
  connect_websocket(loop_, target_, {.message_limit_bytes = wire::kMaxMessageBytes},
                    [this](Result<std::shared_ptr<net::WebSocket>> socket) {
                      if (socket) return opened(std::move(*socket));
                      lost(socket.error().text());
                    });
}

void Session::opened(std::shared_ptr<net::WebSocket> socket) {
  socket_ = std::move(socket);
  socket_->on_message([this](std::string_view message, bool binary) { take(message, binary); });
  socket_->on_closed([this](const std::string& why) { lost(why); });
  socket_->send_text(wire::encode(wire::AgentMessage(callbacks_.hello())));
  handshake_ = loop_.after(kHandshakeTimeout, [this] { socket_->close(1002, "no welcome within 10 s"); });
}

void Session::take(std::string_view text, bool binary) {
  if (binary) return log::warn("the controller sent bytes where a message should be; ignored");
  auto message = wire::decode_controller_message(text);
  if (!message) {
    log::warn("the controller sent what cannot be read: {}", message.error().text());
    return socket_->close(1007, "malformed message");
  }
  if (!*message) return log::info("a message of the controller is of a type that this version does not know");
  if (!welcomed_) return take_first(**message);
  callbacks_.on_message(**message);
}

void Session::take_first(const wire::ControllerMessage& message) {
  if (const auto* refusal = std::get_if<wire::Refused>(&message)) return refused(*refusal);
  const auto* welcome = std::get_if<wire::Welcome>(&message);
  if (welcome == nullptr) return socket_->close(1002, "expected welcome");
  handshake_.cancel();
  welcomed_ = true;
  backoff_ = kFirstRedial;
  last_problem_.clear();
  heartbeat_ = loop_.every(std::max<Duration>(welcome->heartbeat, std::chrono::milliseconds(100)),
                           [this] { send(wire::Heartbeat{.sequence = ++heartbeats_}); });
  callbacks_.on_welcome(*welcome);
}

void Session::refused(const wire::Refused& refusal) {
  log::error("the controller refuses this agent: {} ({})", refusal.reason, code_name(refusal.code));
  wait_after_refusal_ = refusal.retry_after.count() > 0 ? refusal.retry_after : kAfterRefusal;
  socket_->close(1000, "refused");
}

void Session::lost(const std::string& why) {
  handshake_.cancel();
  heartbeat_.cancel();
  // The socket may be the one that calls here: it goes when the loop is back.
  if (socket_) loop_.post([socket = std::exchange(socket_, nullptr)] {});
  const bool had = std::exchange(welcomed_, false);
  if (const auto wait = std::exchange(wait_after_refusal_, std::nullopt)) {
    dial_after(*wait);
  } else {
    if (std::exchange(last_problem_, why) != why) {
      log::warn("no connection to the controller at {}:{}: {}; trying again", target_.host, target_.port, why);
    }
    dial_after(next_backoff());
  }
  if (had) callbacks_.on_lost();
}

void Session::dial_after(Duration delay) {
  redial_ = loop_.after(delay, [this] { dial(); });
}

/// Half to all of the backoff, by chance, so that a fleet does not dial at the same time.
Duration Session::next_backoff() {
  const Duration full = backoff_;
  backoff_ = std::min(backoff_ * 2, kLongestRedial);
  const auto draw = static_cast<unsigned char>(random_.bytes(1).at(0));
  return full / 2 + full * draw / 512;
}

void Session::send(const wire::AgentMessage& message) {
  if (welcomed_) socket_->send_text(wire::encode(message));
}

void Session::send_log(std::string chunk, std::function<void()> sent) {
  if (welcomed_) socket_->send_binary(std::move(chunk), std::move(sent));
}

}  // namespace slipway::agent
