// Session: the connection to the controller. Dials, says hello, keeps the heartbeat, and dials again whenever it
// breaks; what was sent on a connection that broke is gone (the core repeats what matters after the next handshake).
// Loop's thread; owned by Agent.
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "agent/config.hpp"
#include "base/random.hpp"
#include "net/websocket.hpp"
#include "runtime/loop.hpp"
#include "wire/agent_protocol.hpp"

namespace slipway::agent {

class Session {
 public:
  struct Callbacks {
    std::function<wire::Hello()> hello;  ///< asked before each handshake
    std::function<void(const wire::Welcome&)> on_welcome;
    std::function<void(const wire::ControllerMessage&)> on_message;  ///< after the welcome
    std::function<void()> on_lost;                                   ///< only after a welcome
  };
  Session(runtime::Loop& loop, RandomSource& random, net::WebSocketTarget target, Callbacks callbacks);
  void begin();

  [[nodiscard]] bool connected() const { return welcomed_; }
  /// Dropped while not connected.
  void send(const wire::AgentMessage& message);
  /// A log chunk; `sent` when it was handed to the kernel.
  void send_log(std::string chunk, std::function<void()> sent);

 private:
  void dial();
  void opened(std::shared_ptr<net::WebSocket> socket);
  void take(std::string_view text, bool binary);
  void take_first(const wire::ControllerMessage& message);
  void refused(const wire::Refused& refused);
  void lost(const std::string& why);
  void dial_after(Duration delay);
  Duration next_backoff();

  runtime::Loop& loop_;
  RandomSource& random_;
  net::WebSocketTarget target_;
  Callbacks callbacks_;
  std::shared_ptr<net::WebSocket> socket_;
  bool welcomed_ = false;
  std::int64_t heartbeats_ = 0;
  Duration backoff_;
  std::optional<Duration> wait_after_refusal_;
  std::string last_problem_;  ///< so that the log says each problem once
  runtime::Loop::Timer heartbeat_;
  runtime::Loop::Timer redial_;
  runtime::Loop::Timer handshake_;
};

}  // namespace slipway::agent
