#include "net/http_server.hpp"

#include <netinet/in.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>

#include "base/log.hpp"
#include "net/server_connection.hpp"
#include "net/sockets.hpp"
#include "net/tls_context.hpp"

namespace slipway::net {
namespace {
namespace asio = boost::asio;

/// After running out of descriptors: trying at once would only spin.
constexpr auto kAcceptPause = std::chrono::milliseconds(100);
/// Connections taken in one go before others on the loop have their turn.
constexpr int kAcceptBatch = 64;

Duration tick_of(const HttpLimits& limits) {
  const Duration shortest = std::min({limits.head_timeout, limits.idle_timeout, limits.stall_timeout});
  return std::clamp<Duration>(shortest / 8, Duration(5), Duration(500));
}

class Listener final : public std::enable_shared_from_this<Listener> {
 public:
  Listener(runtime::Loop& loop, runtime::Fd fd, ListenOptions options, std::shared_ptr<TlsContext> tls,
           HttpServer::Handler handler)
      : loop_(loop),
        descriptor_(context_of(loop), fd.get()),
        port_(local_port(fd.get())),
        unix_path_(std::move(options.unix_path)),
        response_ttl_(options.response_ttl),
        tls_(std::move(tls)),
        shared_(new ServerShared{.loop = loop,
                                 .handler = std::move(handler),
                                 .limits = options.limits,
                                 .tick = tick_of(options.limits),
                                 .connections = {}}) {
    fd.release();
  }

  void start() {
    ticker_ = loop_.every(shared_->tick, [self = weak_from_this()] {
      if (const auto listener = self.lock()) listener->tick();
    });
    wait();
  }

  void close() {
    if (std::exchange(shared_->closed, true)) return;
    ticker_.cancel();
    retry_.cancel();
    ErrorCode ignored;
    descriptor_.close(ignored);
    if (!unix_path_.empty()) unlink(unix_path_.c_str());
    for (const auto& connection : connections()) connection->close();
    for (UpgradedConnection* connection : shared_->upgraded) connection->close();
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  void use(std::shared_ptr<TlsContext> tls) { tls_ = std::move(tls); }

 private:
  [[nodiscard]] std::vector<std::shared_ptr<ServerConnection>> connections() const {
    std::vector<std::shared_ptr<ServerConnection>> all;
    for (ServerConnection* connection : shared_->connections) {
      if (auto held = connection->weak_from_this().lock()) all.push_back(std::move(held));
    }
    return all;
  }

  void tick() {
    for (const auto& connection : connections()) connection->tick();
  }

  void wait() {
    descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const ErrorCode& error) {
                             if (!error && !self->shared_->closed) self->accept_some();
                           });
  }

  void accept_some() {
    for (int i = 0; i < kAcceptBatch && !shared_->closed; ++i) {
      SocketAddress peer;
      peer.size = sizeof peer.storage;
      runtime::Fd fd(accept4(descriptor_.native_handle(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.size,
                             SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd.valid() && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
        return pause_accepting(errno);
      }
      if (!fd.valid() && (errno == EAGAIN || errno == EBADF || errno == EINVAL)) break;
      const std::size_t open = shared_->connections.size() + shared_->upgraded.size();
      if (fd.valid() && open < shared_->limits.connections) serve(std::move(fd), peer);
    }
    if (!shared_->closed) wait();
  }

  void pause_accepting(int error_number) {
    log::warn("port {}: cannot accept connections for now: {}", port_, std::strerror(error_number));
    retry_ = loop_.after(kAcceptPause, [self = weak_from_this()] {
      if (const auto listener = self.lock()) listener->wait();
    });
  }

  void serve(runtime::Fd fd, const SocketAddress& peer) {
    if (response_ttl_ > 0) setsockopt(fd.get(), IPPROTO_IP, IP_TTL, &response_ttl_, sizeof response_ttl_);
    RequestHead head;
    head.peer_address = peer.ip();
    head.peer_port = peer.port();
    auto transport = Transport::make(context_of(loop_), std::move(fd), tls_);
    std::make_shared<ServerConnection>(shared_, std::move(transport), std::move(head))->start();
  }

  runtime::Loop& loop_;
  asio::posix::stream_descriptor descriptor_;
  std::uint16_t port_;
  std::string unix_path_;
  int response_ttl_;
  std::shared_ptr<TlsContext> tls_;
  std::shared_ptr<ServerShared> shared_;
  runtime::Loop::Timer ticker_, retry_;
};

class ListeningServer final : public HttpServer {
 public:
  explicit ListeningServer(std::shared_ptr<Listener> listener) : listener_(std::move(listener)) {}
  ListeningServer(const ListeningServer&) = delete;
  ListeningServer& operator=(const ListeningServer&) = delete;
  ~ListeningServer() override { listener_->close(); }
  [[nodiscard]] std::uint16_t port() const override { return listener_->port(); }
  void close() override { listener_->close(); }
  Result<void> replace_certificate(const ServerCertificate& certificate) override {
    SLIPWAY_ASSIGN(auto tls, TlsContext::server(certificate));
    listener_->use(std::move(tls));
    return {};
  }

 private:
  std::shared_ptr<Listener> listener_;
};

Result<runtime::Fd> listening_socket(ListenOptions& options) {
  if (options.listening_fd.valid()) {
    prepare_socket(options.listening_fd.get());
    options.unix_path.clear();
    return std::move(options.listening_fd);
  }
  if (!options.unix_path.empty()) return listen_unix(options.unix_path);
  return listen_tcp(options.address, options.port);
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::listen(runtime::Loop& loop, ListenOptions options, Handler handler) {
  std::shared_ptr<TlsContext> tls;
  if (options.tls) {
    SLIPWAY_ASSIGN(tls, TlsContext::server(*options.tls));
  }
  SLIPWAY_ASSIGN(runtime::Fd fd, listening_socket(options));
  auto listener =
      std::make_shared<Listener>(loop, std::move(fd), std::move(options), std::move(tls), std::move(handler));
  listener->start();
  return std::make_unique<ListeningServer>(std::move(listener));
}

}  // namespace slipway::net
