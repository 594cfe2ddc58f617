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
  /// Every end-to-end field that goes upstream, Host among them. Hop-by-hop fields (RFC 9110, 7.6.1) and framing are
  /// made here.
  Headers headers;
  std::unique_ptr<RawStream> upstream;
  /// Longest silence of the upstream before its answer's head; an answer that has begun may pause for ever.
  Duration head_timeout = std::chrono::minutes(5);
};

struct ProxyEnd {
  /// An error if the upstream could not be used. If nothing was answered yet (`answered` false) the exchange is still
  /// open and is the caller's to answer.
  Result<void> result;
  bool answered = false;
  bool upgraded = false;
  int status = 0;  ///< of the answer
  std::uint64_t request_bytes = 0, response_bytes = 0;
  std::unique_ptr<RawStream> upstream;  ///< open and ready for the next request; empty when it cannot be used again
};

struct ProxyCallbacks {
  /// May change the answer's fields (never framing). Called once, before anything is sent.
  std::function<void(int status, Headers& headers)> edit_answer;
  std::function<void(ProxyEnd)> done;  ///< last
};

/// The exchange is held until the end. If the peer goes away, the upstream is closed.
void reverse_proxy(runtime::Loop& loop, std::shared_ptr<Exchange> exchange, ProxyRequest request,
                   ProxyCallbacks callbacks);

}  // namespace slipway::net
