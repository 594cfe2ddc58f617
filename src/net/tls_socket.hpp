// TlsSocket: OpenSSL on a socket that does not block, without any waiting: each call does what can be done now and says
// what to wait for. Idle it holds no buffer. Belongs to a Transport, which owns the socket. Loop's thread.
#pragma once
#include <openssl/ssl.h>

#include <boost/system/error_code.hpp>
#include <memory>
#include <string>

#include "net/tls_context.hpp"

namespace slipway::net {

class TlsSocket {
 public:
  enum class Wants { Nothing, Input, Output };
  struct Step {
    std::size_t bytes = 0;
    boost::system::error_code error;  ///< eof: the peer said goodbye, or left without
    Wants wants = Wants::Nothing;     ///< nothing was done: call again with the same bytes when the socket is ready
  };

  TlsSocket(int fd, std::shared_ptr<TlsContext> context);
  TlsSocket(const TlsSocket&) = delete;
  TlsSocket& operator=(const TlsSocket&) = delete;

  [[nodiscard]] bool is_server() const { return context_->side() == TlsContext::Side::Server; }
  Step handshake();
  Step read(char* into, std::size_t size);
  /// One record at most.
  Step write(const void* bytes, std::size_t size);
  Step say_goodbye();
  /// The peer has said goodbye or left; what it sent before that was read.
  bool has_ended();
  /// Why the peer was refused; empty if it was not.
  [[nodiscard]] const std::string& refusal() const { return refusal_; }

 private:
  struct Wire {
    int fd;
    int error = 0;
    bool ended = false;
  };
  struct Calls;
  Step outcome(int result, std::size_t bytes);

  std::shared_ptr<TlsContext> context_;
  Wire wire_;
  std::string refusal_;
  std::unique_ptr<SSL, decltype([](SSL* one) { SSL_free(one); })> ssl_;
};

}  // namespace slipway::net
