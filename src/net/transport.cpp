#include "net/transport.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>

#include "net/tls_context.hpp"

namespace slipway::net {
namespace asio = boost::asio;
namespace {

/// A peer that takes longer to read the rest of an answer loses it.
constexpr auto kGoodbye = std::chrono::seconds(2);
/// What one TLS record holds; smaller pieces are put together so that head and body leave in one record.
constexpr std::size_t kTlsRecordBytes = 16 << 10;

int family_of(int fd) {
  int family = AF_UNSPEC;
  socklen_t size = sizeof family;
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size);
  return family;
}

}  // namespace

struct Transport::TlsStream {
  TlsStream(Socket& socket, TlsContext& context) : stream(socket, context.native()) {}
  asio::ssl::stream<Socket&> stream;
  std::string refusal;
};

void prepare_socket(int fd) {
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  if (family_of(fd) == AF_UNIX) return;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

std::shared_ptr<Transport> Transport::make(asio::io_context& context, runtime::Fd socket,
                                           std::shared_ptr<TlsContext> tls) {
  return std::shared_ptr<Transport>(new Transport(context, std::move(socket), std::move(tls)));
}

Transport::Transport(asio::io_context& context, runtime::Fd socket, std::shared_ptr<TlsContext> tls)
    : context_(context),
      socket_(context, asio::generic::stream_protocol(family_of(socket.get()), 0), socket.get()),
      tls_context_(std::move(tls)),
      goodbye_timer_(context) {
  prepare_socket(socket.release());
  if (tls_context_) tls_ = std::make_unique<TlsStream>(socket_, *tls_context_);
}

Transport::~Transport() = default;

void Transport::handshake(std::function<void(Result<void>)> done) {
  if (!tls_) return asio::post(context_, [done = std::move(done)] { done({}); });
  const bool server = tls_context_->side() == TlsContext::Side::Server;
  TlsContext::attach_refusal(tls_->stream.native_handle(), &tls_->refusal);
  tls_->stream.async_handshake(server ? asio::ssl::stream_base::server : asio::ssl::stream_base::client,
                               [self = shared_from_this(), done = std::move(done)](const ErrorCode& error) {
                                 ++self->progress_;
                                 if (!error) return done({});
                                 if (!self->tls_->refusal.empty())
                                   return done(fail(Code::Denied, "{}", self->tls_->refusal));
                                 done(fail(Code::Unreachable, "TLS handshake: {}", error.message()));
                               });
}

void Transport::unread(std::string bytes) { unread_ = std::move(bytes); }

// The callbacks travel with the pending operation instead of resting in a member: an operation that the loop drops at
// its end then takes along what the callback holds.
void Transport::read_some(char* into, std::size_t size, Done done) {
  reading_ = true;
  auto on_read = [self = shared_from_this(), done = std::move(done)](const ErrorCode& error, std::size_t got) mutable {
    self->read_done(error, got, std::move(done));
  };
  if (!unread_.empty()) {
    const std::size_t got = std::min(size, unread_.size());
    std::copy_n(unread_.data(), got, into);
    unread_.erase(0, got);
    asio::post(context_, [on_read = std::move(on_read), got]() mutable { on_read({}, got); });
  } else if (tls_) {
    tls_->stream.async_read_some(asio::mutable_buffer(into, size), std::move(on_read));
  } else {
    socket_.async_read_some(asio::mutable_buffer(into, size), std::move(on_read));
  }
}

void Transport::read_done(const ErrorCode& error, std::size_t size, Done done) {
  progress_ += size;
  reading_ = false;
  if (finishing_) drain();
  if (finishing_ || !socket_.is_open()) return done(asio::error::operation_aborted, 0);
  // A peer that drops TLS without its goodbye is, to HTTP, one that closed: lengths and chunks say what is missing.
  if (error == asio::ssl::error::stream_truncated) return done(asio::error::eof, size);
  done(error, size);
}

void Transport::write(std::vector<asio::const_buffer> buffers, Done done) {
  buffers_ = std::move(buffers);
  next_buffer_ = 0;
  written_ = 0;
  writing_ = true;
  write_next(std::move(done));
}

void Transport::write_next(Done done) {
  while (next_buffer_ < buffers_.size() && buffers_[next_buffer_].size() == 0) ++next_buffer_;
  auto on_written = [self = shared_from_this(), done = std::move(done)](const ErrorCode& error,
                                                                        std::size_t size) mutable {
    self->write_step(error, size, std::move(done));
  };
  if (next_buffer_ == buffers_.size()) {
    return asio::post(context_, [on_written = std::move(on_written)]() mutable { on_written({}, 0); });
  }
  const auto first = buffers_.begin() + static_cast<std::ptrdiff_t>(next_buffer_);
  if (!tls_) {
    return socket_.async_write_some(std::vector<asio::const_buffer>(first, buffers_.end()), std::move(on_written));
  }
  if (first->size() >= kTlsRecordBytes || next_buffer_ + 1 == buffers_.size()) {
    return tls_->stream.async_write_some(asio::const_buffer(*first), std::move(on_written));
  }
  scratch_.clear();
  for (auto at = first; at != buffers_.end() && scratch_.size() < kTlsRecordBytes; ++at) {
    const std::size_t take = std::min(at->size(), kTlsRecordBytes - scratch_.size());
    scratch_.append(static_cast<const char*>(at->data()), take);
  }
  tls_->stream.async_write_some(asio::const_buffer(scratch_.data(), scratch_.size()), std::move(on_written));
}

void Transport::write_step(const ErrorCode& error, std::size_t size, Done done) {
  progress_ += size;
  written_ += size;
  while (next_buffer_ < buffers_.size() && size >= buffers_[next_buffer_].size()) {
    size -= buffers_[next_buffer_++].size();
  }
  if (next_buffer_ < buffers_.size()) buffers_[next_buffer_] += size;
  if (!error && socket_.is_open() && next_buffer_ < buffers_.size()) return write_next(std::move(done));
  writing_ = false;
  const ErrorCode result = error || socket_.is_open() ? error : ErrorCode(asio::error::operation_aborted);
  done(result, written_);
}

void Transport::close() {
  ErrorCode ignored;
  socket_.close(ignored);
  goodbye_timer_.cancel();
}

void Transport::finish() {
  if (finishing_ || !socket_.is_open()) return;
  finishing_ = true;
  goodbye_timer_.expires_after(kGoodbye);
  goodbye_timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->close();
  });
  say_goodbye();
}

void Transport::say_goodbye() {
  if (!tls_) {
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    if (!reading_) drain();
    return;
  }
  tls_->stream.async_shutdown([self = shared_from_this()](const ErrorCode&) {
    ErrorCode ignored;
    self->socket_.shutdown(Socket::shutdown_send, ignored);
    if (!self->reading_) self->drain();
  });
}

void Transport::drain() {
  if (drained_.empty()) drain_next();
}

void Transport::drain_next() {
  if (!socket_.is_open()) return;
  drained_.resize(64 << 10);
  socket_.async_read_some(asio::buffer(drained_), [self = shared_from_this()](const ErrorCode& error, std::size_t) {
    if (error) return self->close();
    self->drain_next();
  });
}

}  // namespace slipway::net
