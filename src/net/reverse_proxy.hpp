// Reverse proxy of one exchange over an upstream connection that somebody opened: head rewritten by the caller, body
// and answer streamed both ways without collecting them, back-pressure kept, an upgrade (WebSocket) spliced. Loop's
// thread.
#pragma once
#include <functional>
#include <memory>

#include "net/http_server.hpp"
#include "net/raw_stream.hpp"

namespace slipway::net {

struct ProxyRequest {
  std::string target;  ///< as it is sent upstream
  /// Every field that goes upstream, Host among them: the peer's through end_to_end(), and then the caller's own, which
  /// the peer's Connection field must not be able to name. What is left of hop-by-hop fields, and framing, is replaced.
  Headers headers;
  std::unique_ptr<RawStream> upstream;
  /// Longest silence of the upstream (it neither takes nor gives a byte) before its answer's head; an answer that has
  /// begun may pause for ever.
  Duration head_timeout = std::chrono::minutes(5);
};

struct ProxyEnd {
  /// Unreachable if the upstream broke off or answered what is no proper HTTP, Timeout if it was silent, InvalidInput
  /// if the request's body or a field was malformed, Cancelled if the peer went away. If nothing was answered yet
  /// (`answered` false) the exchange is still open and is the caller's to answer, or to try again with another upstream
  /// if the request has no body. If the answer had begun it was aborted.
  Result<void> result;
  bool answered = false;
  bool upgraded = false;
  int status = 0;  ///< of the answer
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::unique_ptr<RawStream> upstream;  ///< open and ready for the next request; empty when it cannot be used again
};

struct ProxyCallbacks {
  /// May change the fields of the answer, also of a 101. Framing is not among them. Called once, before anything is
  /// sent.
  std::function<void(int status, Headers& headers)> edit_answer;
  std::function<void(ProxyEnd)> done;  ///< last, and never inside reverse_proxy()
};

/// The exchange is held until the end, or until an upgrade. If the peer goes away (see Exchange::on_gone), the upstream
/// is closed. A request that says `Expect: 100-continue` is read when the upstream says so, or a second later.
/// What is returned ends it at once, an upgraded connection too, with Cancelled for `done`; after the end it does
/// nothing.
std::function<void()> reverse_proxy(runtime::Loop& loop, std::shared_ptr<Exchange> exchange, ProxyRequest request,
                                    ProxyCallbacks callbacks);

}  // namespace slipway::net
