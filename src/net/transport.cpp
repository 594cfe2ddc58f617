#include "net/transport.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

namespace slipway::net {
namespace asio = boost::asio;
namespace {
/// A peer that takes longer to read the rest of an answer loses it.
constexpr auto kGoodbye = std::chrono::seconds(2);
constexpr std::size_t kScratchBytes = 64 << 10;

int family_of(int fd) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return family;
}

ErrorCode last_error() {
  const bool nothing = errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  return {nothing ? EAGAIN : errno, boost::system::system_category()};
}

}  // namespace

void prepare_socket(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (family_of(fd) == AF_UNIX) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::span<char> Transport::scratch() {
  thread_local const auto kBytes = std::make_unique<std::array<char, kScratchBytes>>();
  return *kBytes;
}

std::shared_ptr<Transport> Transport::make(asio::io_context& context, runtime::Fd socket,
                                           std::shared_ptr<TlsContext> tls) {
  return std::shared_ptr<Transport>(new Transport(context, std::move(socket), std::move(tls)));
}

Transport::Transport(asio::io_context& context, runtime::Fd socket, std::shared_ptr<TlsContext> tls)
    : context_(context), socket_(context, asio::generic::stream_protocol(family_of(socket.get()), 0), socket.get()) {
  prepare_socket(socket.get());
  if (tls) tls_ = std::make_unique<TlsSocket>(socket.get(), std::move(tls));
  socket.release();
}

Transport::~Transport() = default;

// The callbacks travel with the pending operation instead of resting in a member: an operation that the loop drops at
// its end then takes along what the callback holds.
void Transport::wait_for(TlsSocket::Wants wants, Ready ready) {
  socket_.async_wait(wants == TlsSocket::Wants::Output ? Socket::wait_write : Socket::wait_read,
                     [self = shared_from_this(), ready = std::move(ready)](const ErrorCode& error) mutable {
                       const bool open = self->socket_.is_open();
                       ready(error || open ? error : ErrorCode(asio::error::operation_aborted));
                     });
}

void Transport::handshake(std::function<void(Result<void>)> done) {
  if (!tls_) return asio::post(context_, [done = std::move(done)] { done({}); });
  wait_for(tls_->is_server() ? TlsSocket::Wants::Input : TlsSocket::Wants::Output,
           [this, done = std::move(done)](const ErrorCode& error) {
             if (error) return done(fail(Code::Unreachable, "TLS handshake: {}", error.message()));
             shake_hands(done);
           });
}

void Transport::shake_hands(std::function<void(Result<void>)> done) {
  const TlsSocket::Step step = tls_->handshake();
  if (step.wants != TlsSocket::Wants::Nothing) {
    return wait_for(step.wants, [this, done = std::move(done)](const ErrorCode& error) {
      if (error) return done(fail(Code::Unreachable, "TLS handshake: {}", error.message()));
      shake_hands(done);
    });
  }
  ++progress_;
  if (!step.error) return done({});
  if (!tls_->refusal().empty()) return done(fail(Code::Denied, "{}", tls_->refusal()));
  done(fail(Code::Unreachable, "TLS handshake: {}", step.error.message()));
}

void Transport::unread(std::string bytes) { unread_ = std::move(bytes) + unread_; }

std::size_t Transport::take_unread(std::span<char> into) {
  const std::size_t got = std::min(into.size(), unread_.size());
  std::copy_n(unread_.data(), got, into.data());
  unread_.erase(0, got);
  if (unread_.empty()) std::string().swap(unread_);
  return got;
}

void Transport::read_some(char* into, std::size_t size, Done done) {
  ++reads_;
  if (!unread_.empty()) {
    const std::size_t got = take_unread({into, size});
    return asio::post(context_, [self = shared_from_this(), done = std::move(done), got]() mutable {
      self->read_done({}, got, std::move(done));
    });
  }
  if (tls_) return read_tls(into, size, std::move(done));
  socket_.async_read_some(asio::mutable_buffer(into, size), [self = shared_from_this(), done = std::move(done)](
                                                                const ErrorCode& error, std::size_t got) mutable {
    self->read_done(error, got, std::move(done));
  });
}

void Transport::read_tls(char* into, std::size_t size, Done done) {
  const TlsSocket::Step step = tls_->read(into, size);
  read_wants_ = step.wants;
  if (step.wants == TlsSocket::Wants::Nothing) {
    return asio::post(context_, [self = shared_from_this(), done = std::move(done), step]() mutable {
      self->read_done(step.error, step.bytes, std::move(done));
    });
  }
  wait_for(step.wants, [this, into, size, done = std::move(done)](const ErrorCode& error) mutable {
    if (error || finishing_) return read_done(error, 0, std::move(done));
    read_tls(into, size, std::move(done));
  });
}

void Transport::read_done(const ErrorCode& error, std::size_t size, Done done) {
  progress_ += size;
  --reads_;
  if (finishing_) drain();
  if (finishing_ || !socket_.is_open()) return done(asio::error::operation_aborted, 0);
  done(error, size);
}

void Transport::wait_readable(Ready ready) {
  ++reads_;
  auto on_ready = [this, ready = std::move(ready)](const ErrorCode& error) mutable {
    read_done(error, 0, [ready = std::move(ready)](const ErrorCode& result, std::size_t) mutable { ready(result); });
  };
  // OpenSSL may hold more of what it read: only its own word that it wants input makes the socket worth waiting for.
  if (unread_.empty() && (!tls_ || read_wants_ != TlsSocket::Wants::Nothing))
    return wait_for(read_wants_, std::move(on_ready));
  asio::post(context_,
             [self = shared_from_this(), on_ready = std::move(on_ready)]() mutable { on_ready(ErrorCode()); });
}

void Transport::cancel_wait() {
  ErrorCode ignored;
  socket_.cancel(ignored);
}

std::size_t Transport::read_now(std::span<char> into, ErrorCode& error) {
  error = {};
  if (!unread_.empty()) return take_unread(into);
  if (finishing_ || !socket_.is_open()) {
    error = asio::error::operation_aborted;
    return 0;
  }
  std::size_t got = 0;
  if (tls_) {
    got = read_tls_now(into, error);
  } else {
    const ssize_t result = recv(socket_.native_handle(), into.data(), into.size(), 0);
    if (result < 0) error = last_error();
    if (result == 0) error = asio::error::eof;
    got = static_cast<std::size_t>(std::max<ssize_t>(result, 0));
  }
  progress_ += got;
  return got;
}

std::size_t Transport::read_tls_now(std::span<char> into, ErrorCode& error) {
  std::size_t got = 0;
  while (got < into.size()) {
    const TlsSocket::Step step = tls_->read(into.data() + got, into.size() - got);
    read_wants_ = step.wants;
    if (step.bytes == 0) {
      if (got == 0) error = step.error ? step.error : ErrorCode(asio::error::would_block);
      break;  // an error after bytes shows again at the next read
    }
    got += step.bytes;
  }
  return got;
}

void Transport::close() {
  ErrorCode ignored;
  socket_.close(ignored);
  if (goodbye_timer_) goodbye_timer_->cancel();
}

void Transport::finish() {
  if (finishing_ || !socket_.is_open()) return;
  finishing_ = true;
  goodbye_timer_ = std::make_unique<asio::steady_timer>(context_, kGoodbye);
  goodbye_timer_->async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->close();
  });
  end_output();
  if (reads_ == 0) drain();
}

void Transport::drain() {
  if (!std::exchange(draining_, true)) drain_next();
}

void Transport::drain_next() {
  if (!socket_.is_open()) return;
  wait_for(TlsSocket::Wants::Input, [this](const ErrorCode& error) {
    const std::span<char> dropped = scratch();
    const ssize_t got = error ? 0 : recv(socket_.native_handle(), dropped.data(), dropped.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return close();
    drain_next();
  });
}

void Transport::probe_silent_peer() {
  const int fd = socket_.native_handle();
  if (family_of(fd) == AF_UNIX) return;
  const int on = 1, idle_seconds = 60, interval_seconds = 20, probes = 3;
  setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds);
  setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

bool Transport::peer_ended() {
  if (!socket_.is_open()) return true;
  if (!unread_.empty()) return false;
  if (tls_) {
    read_wants_ = TlsSocket::Wants::Nothing;  // what was looked at is no longer on the socket
    return tls_->has_ended();
  }
  char byte = 0;
  const ssize_t got = recv(socket_.native_handle(), &byte, 1, MSG_PEEK);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace slipway::net
