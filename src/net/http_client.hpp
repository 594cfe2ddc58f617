// Asynchronous HTTP/1.1 client for the agent: Docker's Unix socket, the metadata service, the controller's bulk data.
// Names are resolved without NSS (c-ares), so it works in a static program. Loop's thread. One connection a request.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "net/http.hpp"
#include "net/tls.hpp"
#include "runtime/fd.hpp"
#include "runtime/loop.hpp"

namespace slipway::net {

struct Endpoint {
  std::string unix_path;  ///< set: a Unix socket, and host is only the Host header
  std::string host;
  std::uint16_t port = 0;
  std::optional<PinnedAuthority> tls;
};

struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers;
  std::string body;
  std::optional<runtime::Fd>
      body_file;  ///< instead of body: sent from its current position to its end, `body_file_bytes` long
  std::uint64_t body_file_bytes = 0;
  /// For everything up to the answer's head (an upload that moves on extends it), and for each further pause in it.
  Duration timeout = std::chrono::seconds(30);
  bool endless = false;  ///< the answer may pause for ever (a followed log): no timeout after its head
  std::size_t body_limit_bytes = 64 << 20;  ///< for request(): TooLarge beyond
};

/// Sends a request and collects the whole answer, whatever its status. Unreachable, Timeout, TooLarge, Denied (wrong
/// authority).
void request(runtime::Loop& loop, Endpoint endpoint, ClientRequest request, std::function<void(Result<Response>)> done);

/// An answer that is read as it comes. Destroying it breaks the connection off; then no callback comes any more.
class ResponseStream {
 public:
  virtual ~ResponseStream() = default;
  /// Stops reading from the connection until resume(): how a slow consumer holds a fast peer back.
  virtual void pause() = 0;
  virtual void resume() = 0;
};
struct StreamCallbacks {
  std::function<void(int status, const Headers&)> on_head;
  std::function<void(std::string_view)> on_bytes;
  std::function<void(Result<void>)> on_end;  ///< last call; an error if the answer broke off
};
[[nodiscard]] std::unique_ptr<ResponseStream> stream(runtime::Loop& loop, Endpoint endpoint, ClientRequest request,
                                                     StreamCallbacks callbacks);

}  // namespace slipway::net
