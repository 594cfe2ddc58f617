#include "net/connector.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <cerrno>

#include "net/resolver.hpp"
#include "net/sockets.hpp"
#include "net/tls_context.hpp"

namespace slipway::net {
namespace {
namespace asio = boost::asio;

/// A Unix socket whose queue is full cannot be waited for, only asked again.
constexpr auto kUnixRetry = std::chrono::milliseconds(10);

class Connector final : public std::enable_shared_from_this<Connector> {
 public:
  Connector(asio::io_context& context, Endpoint endpoint, Duration timeout, ConnectDone done)
      : context_(context),
        endpoint_(std::move(endpoint)),
        timeout_(timeout),
        done_(std::move(done)),
        deadline_(context),
        turn_(context),
        descriptor_(context) {}

  void start() {
    deadline_.expires_after(timeout_);
    deadline_.async_wait([self = shared_from_this()](const ErrorCode& error) {
      if (!error) self->end(fail(Code::Timeout, "{} within {}", self->stage_, format_duration(self->timeout_)));
    });
    if (endpoint_.tls) {
      auto tls = TlsContext::client(*endpoint_.tls);
      if (!tls) return end_later(fail(std::move(tls).error()));
      tls_ = std::move(*tls);
    }
    if (!endpoint_.unix_path.empty()) return connect_unix();
    stage_ = "no answer from name servers about " + endpoint_.host;
    resolving_ = resolve(context_, endpoint_.host, endpoint_.port,
                         [self = weak_from_this()](Result<std::vector<SocketAddress>> found) {
                           const auto connector = self.lock();
                           if (connector && connector->done_) connector->resolved(std::move(found));
                         });
  }

  void cancel() {
    done_ = nullptr;
    release();
  }

 private:
  void resolved(Result<std::vector<SocketAddress>> found) {
    if (!found) return end(fail(std::move(found).error()));
    addresses_ = std::move(*found);
    stage_ = "no connection";
    try_next(0);
  }

  void try_next(int last_error) {
    if (next_ == addresses_.size()) return end(fail(Code::Unreachable, "{}", std::strerror(last_error)));
    const SocketAddress& address = addresses_[next_++];
    auto fd = open_socket(address.family());
    if (!fd) return end(fail(std::move(fd).error()));
    prepare_socket(fd->get());
    if (connect(fd->get(), address.get(), address.size) == 0) return connected(std::move(*fd));
    if (errno != EINPROGRESS) return try_next(errno);
    // One address that swallows packets must not use up the time of the others.
    turn_.expires_after(timeout_ / addresses_.size());
    turn_.async_wait([self = shared_from_this()](const ErrorCode& error) {
      if (!error && self->next_ < self->addresses_.size()) self->descriptor_.cancel();
    });
    descriptor_.assign(fd->release());
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_write,
                           [self = shared_from_this()](const ErrorCode& error) {
                             if (self->done_) self->writable(error);
                           });
  }

  void writable(const ErrorCode& error) {
    turn_.cancel();
    runtime::Fd fd(descriptor_.release());
    int result = ETIMEDOUT;
    socklen_t size = sizeof result;
    if (!error) getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &result, &size);
    if (result != 0) return try_next(result);
    connected(std::move(fd));
  }

  void connect_unix() {
    stage_ = "no connection";
    const auto address = unix_address(endpoint_.unix_path);
    auto fd = open_socket(AF_UNIX);
    if (!address) return end_later(fail(Code::Unreachable, "{}", address.error().message));
    if (!fd) return end_later(fail(std::move(fd).error()));
    if (connect(fd->get(), address->address.get(), address->address.size) == 0) {
      return asio::post(context_, [self = shared_from_this(), socket = std::move(*fd)]() mutable {
        if (self->done_) self->connected(std::move(socket));
      });
    }
    if (errno != EAGAIN) return end_later(fail(Code::Unreachable, "{}", std::strerror(errno)));
    turn_.expires_after(kUnixRetry);
    turn_.async_wait([self = shared_from_this()](const ErrorCode& error) {
      if (!error && self->done_) self->connect_unix();
    });
  }

  void connected(runtime::Fd fd) {
    auto transport = Transport::make(context_, std::move(fd), tls_);
    if (!tls_) return end(std::move(transport));
    stage_ = "no end of the TLS handshake";
    transport_ = transport;
    transport->handshake([self = shared_from_this()](Result<void> done) {
      if (!self->done_) return;
      if (!done) return self->end(fail(std::move(done).error()));
      self->end(std::move(self->transport_));
    });
  }

  void end_later(std::unexpected<Error> error) {
    asio::post(context_,
               [self = shared_from_this(), error = std::move(error)]() mutable { self->end(std::move(error)); });
  }

  void end(Result<std::shared_ptr<Transport>> result) {
    const auto self = shared_from_this();
    const ConnectDone done = std::exchange(done_, nullptr);
    release();
    if (!done) return;
    if (!result)
      result.error().message = fmt::format("connecting to {}: {}", name_of(endpoint_), result.error().message);
    done(std::move(result));
  }

  void release() {
    deadline_.cancel();
    turn_.cancel();
    resolving_.reset();
    ErrorCode ignored;
    descriptor_.close(ignored);
    if (transport_) std::exchange(transport_, nullptr)->close();
  }

  asio::io_context& context_;
  Endpoint endpoint_;
  Duration timeout_;
  ConnectDone done_;
  asio::steady_timer deadline_, turn_;
  asio::posix::stream_descriptor descriptor_;
  std::string stage_;
  std::shared_ptr<TlsContext> tls_;
  std::shared_ptr<void> resolving_;
  std::vector<SocketAddress> addresses_;
  std::size_t next_ = 0;
  std::shared_ptr<Transport> transport_;
};

/// Weak: its pending operations own the connector, so that a loop that ends takes it along.
struct Ticket {
  std::weak_ptr<Connector> connector;
  explicit Ticket(const std::shared_ptr<Connector>& started) : connector(started) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() {
    if (const auto running = connector.lock()) running->cancel();
  }
};

}  // namespace

std::shared_ptr<void> connect_to(asio::io_context& context, Endpoint endpoint, Duration timeout, ConnectDone done) {
  auto connector = std::make_shared<Connector>(context, std::move(endpoint), timeout, std::move(done));
  connector->start();
  return std::make_shared<Ticket>(connector);
}

std::string name_of(const Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) return endpoint.unix_path;
  if (endpoint.host.contains(':')) return fmt::format("[{}]:{}", endpoint.host, endpoint.port);
  return fmt::format("{}:{}", endpoint.host, endpoint.port);
}

}  // namespace slipway::net
