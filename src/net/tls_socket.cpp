#include "net/tls_socket.hpp"

#include <openssl/err.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cerrno>

namespace slipway::net {
/// What OpenSSL calls to reach the socket. Its own socket BIO writes without MSG_NOSIGNAL, and a pair of memory BIOs
/// holds 34 KiB for each connection.
struct TlsSocket::Calls {
  static Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

  static int done(BIO* bio, ssize_t result, void (*retry)(BIO*)) {
    BIO_clear_retry_flags(bio);
    if (result >= 0) return static_cast<int>(result);
    wire_of(bio).error = errno;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) retry(bio);
    return -1;
  }
  static int read(BIO* bio, char* into, int size) {
    Wire& wire = wire_of(bio);
    const ssize_t got = recv(wire.fd, into, static_cast<std::size_t>(size), 0);
    if (got == 0) wire.ended = true;
    return done(bio, got, [](BIO* one) { BIO_set_retry_read(one); });
  }
  static int write(BIO* bio, const char* bytes, int size) {
    const ssize_t put = send(wire_of(bio).fd, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    return done(bio, put, [](BIO* one) { BIO_set_retry_write(one); });
  }
  static long control(BIO* bio, int what, long, void*) {
    if (what == BIO_CTRL_EOF) return wire_of(bio).ended ? 1 : 0;
    return what == BIO_CTRL_FLUSH ? 1 : 0;
  }
  static const BIO_METHOD* method() {
    static BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "slipway socket");
      BIO_meth_set_read(made, read);
      BIO_meth_set_write(made, write);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    return kMethod;
  }
};

TlsSocket::TlsSocket(int fd, std::shared_ptr<TlsContext> context)
    : context_(std::move(context)), wire_{.fd = fd}, ssl_(SSL_new(context_->native().native_handle())) {
  BIO* bio = BIO_new(Calls::method());
  BIO_set_data(bio, &wire_);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
  if (is_server()) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    TlsContext::attach_refusal(ssl_.get(), &refusal_);
  }
}

TlsSocket::Step TlsSocket::outcome(int result, std::size_t bytes) {
  if (result > 0) return {.bytes = bytes};
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {.wants = Wants::Input};
    case SSL_ERROR_WANT_WRITE:
      return {.wants = Wants::Output};
    case SSL_ERROR_ZERO_RETURN:
      return {.error = boost::asio::error::eof};
    case SSL_ERROR_SYSCALL:
      if (wire_.ended || wire_.error == 0) return {.error = boost::asio::error::eof};
      return {.error = boost::system::error_code(wire_.error, boost::system::system_category())};
    default:
      return {.error =
                  boost::system::error_code(static_cast<int>(ERR_get_error()), boost::asio::error::get_ssl_category())};
  }
}

TlsSocket::Step TlsSocket::handshake() {
  ERR_clear_error();
  return outcome(SSL_do_handshake(ssl_.get()), 0);
}

TlsSocket::Step TlsSocket::read(char* into, std::size_t size) {
  ERR_clear_error();
  std::size_t got = 0;
  const int result = SSL_read_ex(ssl_.get(), into, size, &got);
  return outcome(result, got);
}

TlsSocket::Step TlsSocket::write(const void* bytes, std::size_t size) {
  ERR_clear_error();
  std::size_t put = 0;
  const int result = SSL_write_ex(ssl_.get(), bytes, size, &put);
  return outcome(result, put);
}

TlsSocket::Step TlsSocket::say_goodbye() {
  ERR_clear_error();
  const int result = SSL_shutdown(ssl_.get());
  // 0: said, and not yet answered; nobody waits for that.
  return result == 0 ? Step{} : outcome(result, 0);
}

bool TlsSocket::has_ended() {
  ERR_clear_error();
  char byte = 0;
  std::size_t got = 0;
  const int result = SSL_peek_ex(ssl_.get(), &byte, 1, &got);
  const Step step = outcome(result, got);
  return static_cast<bool>(step.error);
}

}  // namespace slipway::net
